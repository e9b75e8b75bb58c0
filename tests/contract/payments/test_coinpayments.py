"""What is CoinPayments' alone: what its invoice carries, long lists, coins that are too few, and its setting up."""

from collections.abc import Iterator
from fractions import Fraction

import httpx
import pytest

from tests.contract.payments.shops.coinpayments import CoinPaymentsShop
from tests.contract.payments.suite import BACK, Clock, Door, patched
from tyst.core.money import Money
from tyst.lab.shop.coinpayments import BUYER
from tyst.payments.coinpayments import client
from tyst.payments.coinpayments.provider import build, number_of
from tyst.payments.coinpayments.setup import AFTERWARDS, QUESTIONS
from tyst.payments.config import ConfigError
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Callback, ForgedError, PaymentError, What


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory, listening: Door, clock: Clock) -> Iterator[CoinPaymentsShop]:
    made = CoinPaymentsShop(tmp_path_factory.mktemp("coinpayments"), listening, clock)
    yield made
    made.fake.close()


def opened(one: CoinPaymentsShop, keys: OrderKeys, door: Door, serial: bytes, currency: str = "EUR") -> tuple[str, str]:
    """A sealed order and its invoice's id."""
    order = one.order(serial, total=Money(5900, currency))
    reference = keys.seal(order)
    one.provider.begin(order, reference, back=BACK, callback=door.address("coinpayments"))
    return reference, one.fake.by_order(reference)


@pytest.mark.parametrize("currency", ["EUR", "SEK", "USD"])
def test_an_invoice_carries_the_order_three_times_and_nothing_of_the_buyer(
    one: CoinPaymentsShop, keys: OrderKeys, door: Door, currency: str
) -> None:
    reference, identity = opened(one, keys, door, f"carry{currency}".encode(), currency)
    asked = one.fake.invoices[identity].asked
    assert asked["notes"] == asked["customData"]["order"] == reference
    assert asked["webhooks"][0]["notificationsUrl"] == door.address("coinpayments") + reference
    assert asked["invoiceId"] == number_of(reference)
    assert asked["amount"]["total"] == "59.00"
    assert "alice" not in str(asked) and "buyer" not in {name for name in asked if asked[name]}


def test_too_little_is_seen_and_ends_when_its_time_is_over(one: CoinPaymentsShop, keys: OrderKeys, door: Door) -> None:
    reference, identity = opened(one, keys, door, b"little01")
    one.fake.pay(identity, Fraction(1, 2))
    event = one.provider.look(one.order(), reference)
    assert event is not None and event.what is What.SEEN
    assert list(one.provider.sweep(one.now())) == []
    one.fake.end(identity, "timedOut")
    event = one.provider.look(one.order(), reference)
    assert event is not None and event.what is What.FAILED
    assert one.fake.invoices[identity].given_back == one.fake.invoices[identity].came


def test_too_much_goes_back_by_itself_and_all_is_paid(one: CoinPaymentsShop, keys: OrderKeys, door: Door) -> None:
    reference, identity = opened(one, keys, door, b"much0001")
    one.fake.pay(identity, Fraction(3, 2))
    event = one.provider.look(one.order(), reference)
    assert event is not None and (event.what, event.paid) == (What.PAID, Money(5900, "EUR"))
    assert one.fake.invoices[identity].given_back == one.fake.invoices[identity].expected // 2


def test_the_sweep_walks_through_all_pages(one: CoinPaymentsShop, keys: OrderKeys, door: Door) -> None:
    refs = []
    for number in range(5):
        reference, identity = opened(one, keys, door, f"page{number:04}".encode())
        one.fake.pay(identity)
        refs.append(reference)
    opened(one, keys, door, b"page-new")
    with patched(client, "PAGE", 2):
        found = [event.reference for event in one.provider.sweep(one.now())]
    assert [ref for ref in found if ref in refs] == refs[::-1]


def test_a_webhook_before_the_site_was_asked_for_anything_is_understood(
    one: CoinPaymentsShop, keys: OrderKeys, door: Door
) -> None:
    """After a restart nobody has begun anything yet: the address comes from the set-up."""
    _, identity = opened(one, keys, door, b"restart1")
    one.fake.pay(identity)
    fresh = build(one.fake.answers(), one.state, one.now)
    assert [event.what for event in fresh.hear(door.heard[-1])] == [What.PAID]
    with pytest.raises(PaymentError):
        build(one.fake.answers() | {"site": ""}, one.state, one.now).hear(door.heard[-1])


def test_a_webhook_of_another_kind_is_taken_and_says_nothing(
    one: CoinPaymentsShop, keys: OrderKeys, door: Door
) -> None:
    _, identity = opened(one, keys, door, b"another1")
    door.heard.clear()
    one.fake._webhook(one.fake.invoices[identity], "PaymentTimedOut")
    assert BUYER in door.heard[0].body.decode()
    assert one.provider.hear(door.heard[0]) == ()


def test_a_signed_webhook_about_another_order_is_refused_before_anything_is_asked(
    one: CoinPaymentsShop, keys: OrderKeys, door: Door
) -> None:
    _, identity = opened(one, keys, door, b"signed01")
    one.fake.pay(identity)
    another, _ = opened(one, keys, door, b"signed02")
    body = one.fake.invoices[identity].last
    made = one.fake.sign(door.address("coinpayments") + another, body, one.now())

    def nobody(*_: object, **__: object) -> None:
        raise AssertionError("CoinPayments was asked")

    with patched(one.coins._client.wire, "ask", nobody), pytest.raises(ForgedError):
        one.provider.hear(Callback(another, {name.lower(): value for name, value in made.items()}, body))


def test_a_page_without_https_is_not_led_to(one: CoinPaymentsShop) -> None:
    assert not client.Client("https://a-api.test", "x", b"x", one.now, None)._may_lead_to("http://127.0.0.1/")
    assert not one.coins._client._may_lead_to("javascript:alert(1)")
    assert not one.coins._client._may_lead_to("http://evil.test/")
    assert one.coins._client._may_lead_to("https://checkout.test/x")


def test_a_person_pays_on_the_fakes_page_and_goes_back(one: CoinPaymentsShop, keys: OrderKeys, door: Door) -> None:
    reference, identity = opened(one, keys, door, b"person01")
    with httpx.Client(trust_env=False, timeout=5) as browser:
        page = f"{one.fake.page}?only={identity}"
        shown = browser.get(page).text
        assert BACK in shown and shown.count("<form") == 1
        assert browser.post(page, data={"id": identity, "button": "pay"}).headers["location"].endswith(identity)
    event = one.provider.look(one.order(), reference)
    assert event is not None and event.what is What.PAID


def test_what_the_operator_is_asked_is_what_is_needed(one: CoinPaymentsShop) -> None:
    needed = {question.name for question in QUESTIONS if not question.optional}
    assert needed <= set(one.fake.answers()) <= {question.name for question in QUESTIONS}
    assert [question.name for question in QUESTIONS if question.secret] == ["secret"]
    assert "https://tyst.test" in AFTERWARDS.format(callback="https://tyst.test/pay/coinpayments")


def test_a_file_that_is_not_there_is_said_without_its_name(one: CoinPaymentsShop) -> None:
    with pytest.raises(ConfigError) as raised:
        build(one.fake.answers() | {"authority": "missing.pem"}, one.state, one.now)
    assert "missing" not in str(raised.value)


def test_the_check_names_the_currencies(one: CoinPaymentsShop) -> None:
    assert one.provider.check().endswith("EUR, SEK, USD.")
