"""What is Swish's alone: its form on the wire, refunds that fail, and certificates."""

import json
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.contract.payments.shops.swish import SwishShop
from tests.contract.payments.suite import BACK, Clock, Door, patched
from tyst.core.money import Money
from tyst.core.refund import Refund
from tyst.lab.ca import Authority
from tyst.lab.shop.swish import NUMBER, PAYER
from tyst.payments.config import ConfigError
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Callback, ForgedError, PaymentError, What
from tyst.payments.swish import provider
from tyst.payments.swish.provider import build, request_id
from tyst.payments.swish.setup import AFTERWARDS, QUESTIONS


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, listening: Door, clock: Clock) -> Iterator[SwishShop]:
    made = SwishShop(tmp_path_factory.mktemp("swish"), listening, clock)
    yield made
    made.fake.close()


@pytest.fixture
def shopping(clock: Clock) -> Iterator[Clock]:
    """The time, which the test may move."""
    yield clock
    clock.ahead *= 0


@pytest.fixture
def reference(keys: OrderKeys, one: SwishShop) -> Iterator[str]:
    yield keys.seal(one.order())
    one.forget()


def test_the_code_and_the_link_are_as_the_app_reads_them(one: SwishShop, reference: str, door: Door) -> None:
    checkout = one.provider.begin(one.order(), reference, back=BACK + "?x=1&y=å", callback=door.address("swish"))
    entry = one.fake.payments[request_id(reference)]
    assert checkout.kind == "qr" and checkout.qr == "D" + entry.token
    back = "https%3A%2F%2Ftyst.test%2Fen%2Fpaid%2F%3Fx%3D1%26y%3D%C3%A5"
    assert checkout.url == f"swish://paymentrequest?token={entry.token}&callbackurl={back}"
    assert entry.shown["callbackUrl"] == door.address("swish") + reference
    assert entry.shown["payeePaymentReference"] is None and entry.shown["payerAlias"] is None
    assert entry.shown["amount"] == 59.0 and entry.shown["currency"] == "SEK"


def test_who_reloads_the_page_sees_the_same_code(one: SwishShop, reference: str, door: Door) -> None:
    first, again = (
        one.provider.begin(one.order(), reference, back=BACK, callback=door.address("swish")) for _ in range(2)
    )
    assert first.qr == again.qr


def test_a_code_that_lapsed_or_was_declined_is_replaced_and_the_old_one_is_dead(
    one: SwishShop, reference: str, door: Door, shopping: Clock
) -> None:
    order, where = one.order(), {"back": BACK, "callback": door.address("swish")}
    first = one.provider.begin(order, reference, **where)
    one.fake.end(request_id(reference), "decline")
    event = one.provider.look(order, reference)
    assert event is not None and event.what is What.FAILED
    second = one.provider.begin(order, reference, **where)
    one.forget()  # a restart: the token of the second is lost, and it is still open
    third = one.provider.begin(order, reference, **where)
    assert len({first.qr, second.qr, third.qr}) == 3
    assert one.fake.payments[request_id(reference, 1)].shown["status"] == "CANCELLED"
    assert one.provider.look(order, reference) is None
    door.heard.clear()
    one.fake.pay(request_id(reference, 2))
    told = one.provider.hear(door.heard[-1]), one.provider.look(order, reference)
    assert told[0][0] == told[1] is not None and told[1].what is What.PAID
    with pytest.raises(PaymentError, match="paid already"):
        one.provider.begin(order, reference, **where)


def test_an_order_is_opened_five_times_at_most(one: SwishShop, reference: str, door: Door, shopping: Clock) -> None:
    for _ in range(5):
        one.provider.begin(one.order(), reference, back=BACK, callback=door.address("swish"))
        shopping.ahead += timedelta(minutes=4)
    with pytest.raises(PaymentError, match="too often"):
        one.provider.begin(one.order(), reference, back=BACK, callback=door.address("swish"))


def test_within_a_process_the_sweep_finds_what_no_callback_told(one: SwishShop, reference: str, door: Door) -> None:
    one.provider.begin(one.order(), reference, back=BACK, callback=door.address("swish"))
    assert list(one.provider.sweep(one.now())) == []
    with patched(one.fake, "posting", False):
        one.fake.pay(request_id(reference))
    assert [(event.what, event.reference) for event in one.provider.sweep(one.now())] == [(What.PAID, reference)]
    assert list(one.provider.sweep(one.now())) == []


def test_a_request_that_cannot_be_asked_about_hides_no_other(one: SwishShop, keys: OrderKeys, door: Door) -> None:
    refs = [keys.seal(one.order(f"other{number:03}".encode())) for number in range(3)]
    for ref in refs:
        one.provider.begin(one.order(), ref, back=BACK, callback=door.address("swish"))
    with patched(one.fake, "posting", False):
        one.fake.pay(request_id(refs[2]))
    one.fake.payments[request_id(refs[0])].shown |= {"status": "PAID", "payeeAlias": "1239999999"}
    found = []
    with pytest.raises(PaymentError):
        for event in one.provider.sweep(one.now()):
            found.append(event.reference)
    assert found == [refs[2]]
    one.forget()


def _paid(one: SwishShop, reference: str, door: Door) -> Refund:
    one.provider.begin(one.order(), reference, back=BACK, callback=door.address("swish"))
    one.fake.pay(request_id(reference))
    event = one.provider.look(one.order(), reference)
    assert event is not None and event.paid is not None
    return Refund("swish", event.payment, b"serial01", "alice", event.paid, "se", 2500)


def test_a_refund_that_failed_can_be_asked_again_and_is_given_once(one: SwishShop, reference: str, door: Door) -> None:
    refund = _paid(one, reference, door)
    failing = patched(one.fake, "refunds_fail", True), patched(provider, "_REFUND_PAUSE", 0.01)
    with failing[0], failing[1], pytest.raises(PaymentError):
        one.provider.refund(refund)
    assert one.provider.refund(refund) and one.provider.refund(refund)
    assert one.given_back(one.order(), reference) == [Money(5900, "SEK")]


def test_more_than_was_paid_is_not_given_back(one: SwishShop, reference: str, door: Door) -> None:
    paid = _paid(one, reference, door)
    more = Refund("swish", paid.payment, paid.serial, "alice", Money(5901, "SEK"), "se", 2500)
    with pytest.raises(PaymentError, match="more would be given back"):
        one.provider.refund(more)


def test_a_refunds_callback_says_nothing_and_is_not_taken_from_anybody(
    one: SwishShop, reference: str, door: Door
) -> None:
    one.provider.refund(_paid(one, reference, door))
    entry = next(reversed(one.fake.refunds.values()))
    door.heard.clear()
    one.fake._call(entry)
    (callback,) = door.heard
    assert PAYER in callback.body.decode()
    assert one.provider.hear(callback) == ()
    with pytest.raises(PaymentError):
        one.provider.hear(type(callback)(callback.path, {}, callback.body))


def test_a_callback_that_names_another_payment_is_refused_before_swish_is_asked(
    one: SwishShop, reference: str, keys: OrderKeys, door: Door
) -> None:
    _paid(one, reference, door)
    true = door.heard[-1]
    another = keys.seal(one.order(b"another1"))
    body = json.dumps(json.loads(true.body) | {"id": request_id(another)}).encode()

    def nobody(*_: object, **__: object) -> None:
        raise AssertionError("Swish was asked")

    with patched(one.swish._client.wire, "ask", nobody), pytest.raises(ForgedError):
        one.provider.hear(Callback(true.path, true.headers, body))


def test_the_fake_takes_no_client_without_a_certificate_of_its_own(one: SwishShop) -> None:
    context = ssl.create_default_context(cafile=str(one.fake.folder / "authority.pem"))
    with pytest.raises(httpx.HTTPError), httpx.Client(verify=context, trust_env=False, timeout=5) as client:
        client.get(one.fake.base + "/swish-cpcapi/api/v1/paymentrequests/" + "0" * 32)
    folder = one.state / "self-made"
    one.fake.identify(NUMBER, folder, Authority())
    files = {"certificate": str(folder / "client.pem"), "key": str(folder / "client.key")}
    with pytest.raises(PaymentError):
        build(one.fake.answers() | files, one.state, one.now).check()


def test_we_take_no_swish_whose_authority_we_do_not_know(one: SwishShop) -> None:
    strange = one.state / "strange.pem"
    strange.write_text(Authority().certificate)
    with pytest.raises(PaymentError):
        build(one.fake.answers() | {"authority": str(strange)}, one.state, one.now).check()


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "0701234567"},
        {"message": "<b>no</b>"},
        {"message": "x" * 51},
        {"certificate": "missing.pem"},
        {"key": "missing.key"},
        {"authority": "missing.pem"},
    ],
)
def test_answers_that_cannot_work_are_refused_without_repeating_them(one: SwishShop, changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        build(one.fake.answers() | changes, one.state, one.now)
    assert next(iter(changes.values())) not in str(raised.value)


def test_the_check_leaves_nothing_open_and_says_when_the_certificate_ends(one: SwishShop) -> None:
    before = set(one.fake.payments)
    assert "valid until 20" in one.provider.check()
    (made,) = set(one.fake.payments) - before
    assert one.fake.payments[made].shown["status"] == "CANCELLED"


def test_what_the_operator_is_asked_is_what_is_needed(one: SwishShop) -> None:
    needed = {question.name for question in QUESTIONS if not question.optional}
    assert needed <= set(one.fake.answers()) <= {question.name for question in QUESTIONS}
    assert "https://tyst.test/pay/swish" in AFTERWARDS.format(callback="https://tyst.test/pay/swish")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"callbackUrl": "http://tyst.test/"}, "RP03"),
        ({"currency": "EUR"}, "AM03"),
        ({"amount": "x"}, "PA02"),
        ({"amount": "0"}, "AM06"),
        ({"message": "<>"}, "RP02"),
        ({"payeePaymentReference": "r" * 36}, "FF08"),
    ],
)
def test_the_fake_refuses_as_the_guide_says(one: SwishShop, changes: dict[str, str], code: str) -> None:
    body = {
        "callbackUrl": "https://tyst.test/",
        "currency": "SEK",
        "amount": "1.00",
        "message": "",
        "payeeAlias": NUMBER,
    }
    wire = one.swish._client.wire
    path = "/swish-cpcapi/api/v2/paymentrequests/" + "A" * 32
    sent = json.dumps(body | changes).encode()
    answer = wire.ask("PUT", path, body=sent, headers={"content-type": "application/json"})
    assert answer.status == 422 and answer.json("Swish")[0]["errorCode"] == code


def test_the_state_folder_is_where_files_are_looked_up(one: SwishShop, tmp_path: Path) -> None:
    for name in ("client.pem", "client.key", "authority.pem"):
        tmp_path.joinpath(name).write_bytes((one.fake.folder / name).read_bytes())
    names = {"certificate": "client.pem", "key": "client.key", "authority": "authority.pem"}
    assert build(one.fake.answers() | names, tmp_path, one.now).check()
