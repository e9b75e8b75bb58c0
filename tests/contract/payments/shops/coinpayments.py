"""CoinPayments in the shared suite."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.contract.payments.suite import Button, Clock, Door, Shop, Trouble, patched
from tyst.core.money import Money, from_wire
from tyst.core.order import Order
from tyst.lab.shop.coinpayments import ADDRESS, BUYER, SECRET, FakeCoinPayments, other_secret
from tyst.lab.shop.processor import NOISE
from tyst.payments.coinpayments.provider import CoinPayments, build
from tyst.payments.provider import Callback, Checkout, Event, Provider, What

_TROUBLES = dict(zip(Trouble, ("down", "slow", "garbage", "error", "cut"), strict=True))
_ENDS = {Button.DECLINE: "cancelled", Button.EXPIRE: "timedOut"}


class CoinPaymentsShop(Shop):
    name = "coinpayments"
    returns = False
    parts = True
    excess = False
    buttons = frozenset({Button.PAY, Button.DECLINE, Button.EXPIRE})

    def __init__(self, state: Path, door: Door, clock: Clock) -> None:
        self.clock, self.state, self.door = clock, state, door
        self.fake = FakeCoinPayments(state / "coinpayments", clock.now)
        self.fake.call_at(door.address("coinpayments"))
        self.coins = build(self.fake.answers(), state, clock.now)
        self.provider = self.coins
        self._last = ""

    def press(
        self, button: Button, order: Order, reference: str, checkout: Checkout, amount: Money | None = None
    ) -> Sequence[Event]:
        self._last = self.fake.by_order(reference)
        assert checkout.url.endswith(self._last)
        if button is not Button.PAY:
            self.fake.end(self._last, _ENDS[button])
            return ()
        self.fake.pay(self._last, Fraction((amount or order.total).minor, order.total.minor))
        if self.fake.invoices[self._last].status == "pending":
            self.fake.accept(self._last)
        return ()

    def tell_again(self) -> None:
        self.fake.again(self._last)

    def forgeries(self, true: Callback, other: str) -> Mapping[str, Callback]:
        said = json.loads(true.body)
        said["invoice"] |= {"customData": {"order": other}, "notes": other}
        his = json.dumps(said).encode()
        url = self.door.address("coinpayments") + other
        now, old = self.now(), self.now() - timedelta(minutes=6)

        def signed(address: str = url, body: bytes = his, **how: Any) -> dict[str, str]:
            made = self.fake.sign(address, body, how.pop("moment", now), **how)
            return {name.lower(): value for name, value in made.items()}

        bare = {name: value for name, value in true.headers.items() if not name.startswith("x-coinpayments")}
        return {
            "his order in the address": Callback(other, true.headers, true.body),
            "his order in the body": Callback(true.path, true.headers, his),
            "his order everywhere": Callback(other, true.headers, his),
            "no signature": Callback(other, bare, his),
            "an empty signature": Callback(other, dict(true.headers) | {"x-coinpayments-signature": ""}, his),
            "a doubled signature": Callback(other, dict(true.headers) | _twice(true), his),
            "letters beyond ASCII": Callback(other, dict(true.headers) | {"x-coinpayments-signature": "å"}, his),
            "somebody else's secret": Callback(other, signed(secret=other_secret()), his),
            "somebody else's account": Callback(other, signed(client="0" * 32), his),
            "signed for another address": Callback(other, signed("https://evil.test/pay/coinpayments/" + other), his),
            "signed long ago": Callback(other, signed(moment=old), his),
            "signed for later": Callback(other, signed(moment=now + timedelta(minutes=6)), his),
            "truly signed, about another's invoice": Callback(other, signed(), his),
            "truly signed, about her order": Callback(other, signed(body=true.body), true.body),
        }

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Believes the webhook: no signature, no question to CoinPayments."""

        def believe(self: CoinPayments, identity: str, callback: Callback) -> Event:
            invoice = json.loads(callback.body)["invoice"]
            return Event(What.PAID, callback.path, from_wire(invoice["amount"]["total"], "EUR"), identity)

        with patched(CoinPayments, "_read_back", believe), patched(CoinPayments, "_prove", lambda *_: None):
            yield

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self.fake.troubled(_TROUBLES[trouble]))
            stack.enter_context(patched(self.coins._client.wire, "patience", 0.4))
            yield

    def stranger(self) -> Provider:
        return build(self.fake.answers() | {"secret": other_secret()}, self.state, self.clock.now)

    def markers(self) -> Sequence[str]:
        return (BUYER, ADDRESS, SECRET, NOISE)


def _twice(callback: Callback) -> dict[str, str]:
    signature = callback.headers["x-coinpayments-signature"]
    return {"x-coinpayments-signature": f"{signature}, {signature}"}


@contextmanager
def shop(state: Path, door: Door, clock: Clock) -> Iterator[Shop]:
    one = CoinPaymentsShop(state, door, clock)
    try:
        yield one
    finally:
        one.fake.close()
