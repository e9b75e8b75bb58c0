"""Row 29: forged callbacks at the site's real door, for each processor that calls back.

Alice has paid, but her processor's callback is held back: Mallory has a copy of it, and an unpaid order of his own.
Whatever he makes of the two is answered with 4xx and changes no row; then the true callback is let through and counts.
What our checks are worth, each taken out for a moment, is shown by the processors' shared suite
(`payments/test_every_provider.py`: `test_without_our_check_a_forgery_would_count`); replays, orders and crashes (row 30)
by the settlement's cases.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from tests.contract.counter import Buyer, Counter, now, until
from tyst.lab.shop import braintree_wire
from tyst.lab.shop.coinpayments import other_secret
from tyst.lab.shop.processor import Letter

Forgeries = Mapping[str, Letter]


@dataclass
class Case:
    """A true callback that wasn't delivered yet, and what Mallory makes of it."""

    true: Letter
    forged: Forgeries


def swish(counter: Counter, alice: Buyer, mallory: Buyer) -> Case:
    mallory.order("swish", "SEK", "se")
    his = next(reversed(counter.swish.payments))
    alice.order("swish", "SEK", "se")
    alice.pay_swish()
    true = counter.swish.posted[-1]
    address = true.url.replace(alice.reference, mallory.reference)
    said = json.dumps(json.loads(true.body) | {"id": his, "callbackUrl": address}).encode()
    bare = {name: value for name, value in true.headers.items() if name != "callbackIdentifier"}
    identifier = true.headers["callbackIdentifier"]
    return Case(
        true,
        {
            "swapped body": Letter(true.url, true.headers, said),
            "swapped address": Letter(address, true.headers, true.body),
            "his order everywhere": Letter(address, true.headers, said),
            "no identifier": Letter(address, bare, said),
            "empty identifier": Letter(address, bare | {"callbackIdentifier": ""}, said),
            "backward identifier": Letter(address, bare | {"callbackIdentifier": identifier[::-1]}, said),
            "doubled header": Letter(address, bare | {"callbackIdentifier": f"{identifier}, {identifier}"}, said),
            "identifier as a field": Letter(f"{address}?callbackIdentifier={identifier}", bare, said),
        },
    )


def coinpayments(counter: Counter, alice: Buyer, mallory: Buyer) -> Case:
    mallory.order("coinpayments", "EUR", "de")
    alice.order("coinpayments", "EUR", "de")
    identity = alice.pay_coins()
    true = counter.coins.posted[-1]
    address = true.url.replace(alice.reference, mallory.reference)
    said = json.loads(true.body)
    said["invoice"] |= {"id": counter.coins.by_order(mallory.reference), "customData": {"order": mallory.reference}}
    his = json.dumps(said).encode()
    sign, moment = counter.coins.sign, now()
    old = moment - timedelta(minutes=6)
    signature = true.headers["X-CoinPayments-Signature"]
    bare = {name: value for name, value in true.headers.items() if name != "X-CoinPayments-Signature"}
    assert identity in true.body.decode()
    return Case(
        true,
        {
            "swapped body": Letter(true.url, true.headers, his),
            "swapped address": Letter(address, true.headers, true.body),
            "his order everywhere": Letter(address, true.headers, his),
            "no signature": Letter(address, bare, his),
            "empty signature": Letter(address, bare | {"X-CoinPayments-Signature": ""}, his),
            "algorithm none": Letter(address, bare | {"X-CoinPayments-Signature": "none"}, his),
            "doubled header": Letter(address, bare | {"X-CoinPayments-Signature": f"{signature}, {signature}"}, his),
            "another's secret": Letter(address, sign(address, his, moment, secret=other_secret()), his),
            "another's account": Letter(address, sign(address, his, moment, client="0" * 32), his),
            "signed six minutes ago": Letter(address, sign(address, his, old), his),
            "signed for another address": Letter(address, sign(true.url, his, moment), his),
        },
    )


def braintree(counter: Counter, alice: Buyer, mallory: Buyer) -> Case:
    mallory.order("braintree", "EUR", "de")
    alice.order("braintree", "EUR", "de")
    with held(counter):
        name = alice.pay_card()
    subject = braintree_wire.transaction(counter.cards.vault.find(name))
    address = f"{counter.url}/pay/braintree/"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def body(subject: Mapping[str, object], moment: object = None, key: str = counter.cards.private_key) -> bytes:
        written = braintree_wire.notification("transaction_disbursed", ("transaction", subject), moment or now())  # type: ignore[arg-type]
        return braintree_wire.form(written, counter.cards.public_key, key)

    true, his = body(subject), body(dict(subject) | {"order_id": mallory.reference}, key="x" * 32)
    fields, foreign = parse_qs(true.decode()), parse_qs(his.decode())
    signature = fields["bt_signature"][0]
    changes = {
        "another's key": foreign,
        "swapped payload": foreign | {"bt_signature": [signature]},
        "no signature": {"bt_payload": foreign["bt_payload"]},
        "empty signature": foreign | {"bt_signature": [""]},
        "algorithm none": foreign | {"bt_signature": [f"{counter.cards.public_key}|"]},
        "another merchant": foreign | {"bt_signature": [signature.replace(counter.cards.public_key, "0" * 16)]},
        "doubled fields": foreign | {"bt_signature": [signature, *foreign["bt_signature"]]},
        "doubled payload": fields | {"bt_payload": [*fields["bt_payload"], *foreign["bt_payload"]]},
    }
    forged = {name: Letter(address, headers, urlencode(form, doseq=True).encode()) for name, form in changes.items()}
    forged["signed six years ago"] = Letter(address, headers, body(subject, now().replace(year=2020)))
    return Case(Letter(address, headers, true), forged)


class held:
    """Braintree's webhooks wait."""

    def __init__(self, counter: Counter) -> None:
        self.cards = counter.cards

    def __enter__(self) -> None:
        self.post = self.cards.post
        self.cards.post = lambda body: None  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        self.cards.post = self.post  # type: ignore[method-assign]


@pytest.fixture
def quiet(counter: Counter) -> Iterator[Counter]:
    """No callback is delivered by itself."""
    counter.swish.posting = counter.coins.posting = False
    yield counter
    counter.swish.posting = counter.coins.posting = True


def send(letter: Letter) -> httpx.Response:
    """A callback, as anybody may post it."""
    with httpx.Client(trust_env=False, timeout=20, verify=False) as client:
        return client.post(letter.url, content=letter.body, headers=dict(letter.headers))


@pytest.mark.parametrize("processor", [swish, coinpayments, braintree], ids=lambda one: one.__name__)
def test_mallorys_callbacks_are_refused_and_change_nothing(
    quiet: Counter, processor: Callable[[Counter, Buyer, Buyer], Case]
) -> None:
    alice, mallory = (Buyer(quiet, f"{name}.{processor.__name__}") for name in ("alice", "mallory"))
    case = processor(quiet, alice, mallory)
    before = quiet.everything()
    for name, letter in case.forged.items():
        answer = send(letter)
        assert 400 <= answer.status_code < 500, f"{name}: {answer.status_code}"
        assert answer.content == b"", f"{name}: the door says nothing"
        assert not {"set-cookie", "location"} & set(answer.headers), name
    assert quiet.everything() == before
    assert send(case.true).status_code == 200
    assert until(lambda: quiet.expiry(alice.name) is not None), "the true callback counts"
    assert quiet.expiry(mallory.name) is None
    for _ in range(3):
        settled = quiet.everything()
        assert send(case.true).status_code == 200 and quiet.everything() == settled, "replayed, it changes nothing"


@pytest.mark.parametrize("name", ["swish", "coinpayments", "braintree", "monero", "paypal", "SWISH"])
def test_what_is_no_callback_is_refused_in_silence(counter: Counter, name: str) -> None:
    before = counter.everything()
    with httpx.Client(trust_env=False, timeout=20, verify=False, base_url=f"{counter.url}/pay/{name}/") as client:
        for path in ("", "x", "a/b/c", "%00", "..%2f..%2faccount", "A" * 151, "A" * 5000):
            for body in (b"", b"{}", b"[]", b"\xff" * 10, b'{"id":' * 2000, b"bt_signature=a&bt_payload=b"):
                answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
                assert 400 <= answer.status_code < 500 and answer.content == b"", (path, body[:10])
    assert counter.everything() == before


def test_the_door_hears_posts_only_and_limits_them(counter: Counter) -> None:
    with httpx.Client(trust_env=False, timeout=20, base_url=counter.url) as client:
        for method in ("GET", "PUT", "DELETE", "HEAD"):
            assert client.request(method, "/pay/swish/x").status_code == 405
        assert client.post("/pay/swish/x", content=b"x" * 5_000_000).status_code == 413
