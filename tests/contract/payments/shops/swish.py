"""Swish in the shared suite."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.contract.payments.suite import Button, Clock, Door, Shop, Trouble, patched
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.lab.shop.processor import NOISE
from tyst.lab.shop.swish import PAYER, FakeSwish
from tyst.payments.provider import Callback, Checkout, Event, Provider
from tyst.payments.swish.provider import Swish, build, request_id

BUTTONS = {Button.DECLINE: "decline", Button.EXPIRE: "let it time out"}
_TROUBLES = dict(zip(Trouble, ("down", "slow", "garbage", "error", "cut"), strict=True))


class SwishShop(Shop):
    name = "swish"
    currency, country = "SEK", "se"
    sweeps = False  # open requests are in the site's RAM: lost by `forget`
    buttons = frozenset({Button.PAY, Button.DECLINE, Button.EXPIRE})

    def __init__(self, state: Path, door: Door, clock: Clock) -> None:
        self.clock, self.state = clock, state
        self.fake = FakeSwish(state / "swish", clock.now)
        self.fake.call_at(door.address("swish"))
        self.swish = build(self.fake.answers(), state, clock.now)
        self.provider = self.swish
        self._last = ""

    def press(
        self, button: Button, order: Order, reference: str, checkout: Checkout, amount: Money | None = None
    ) -> Sequence[Event]:
        self._last = self.fake.by_token(checkout.qr.removeprefix("D"))
        assert self._last in (request_id(reference), request_id(reference, 1))
        if button is Button.PAY:
            self.fake.pay(self._last)
        else:
            self.fake.end(self._last, BUTTONS[button])
        return ()

    def tell_again(self) -> None:
        self.fake.again(self._last)

    def given_back(self, order: Order, reference: str) -> Sequence[Money]:
        entry = self.fake.payments[request_id(reference)]
        return [Money(round(self.fake.refunds[one].shown["amount"] * 100), "SEK") for one in entry.refunds]

    def forgeries(self, true: Callback, other: str) -> Mapping[str, Callback]:
        said = json.loads(true.body)
        mine = json.dumps(said | {"id": request_id(other), "callbackUrl": f"https://tyst.test/pay/swish/{other}"})
        identifier = true.headers["callbackidentifier"]
        bare = {name: value for name, value in true.headers.items() if name != "callbackidentifier"}
        return {
            "his order in the address": Callback(other, true.headers, true.body),
            "his order everywhere": Callback(other, true.headers, mine.encode()),
            "no identifier": Callback(other, bare, mine.encode()),
            "an empty identifier": Callback(other, bare | {"callbackidentifier": ""}, mine.encode()),
            "a guessed identifier": Callback(other, bare | {"callbackidentifier": identifier[::-1]}, mine.encode()),
            "letters beyond ASCII": Callback(other, bare | {"callbackidentifier": "å" * 32}, mine.encode()),
            "her address, his id": Callback(true.path, true.headers, mine.encode()),
        }

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Believes the callback: no identifier, no question to Swish."""

        def believe(self: Swish, identity: str, callback: Callback) -> Event | None:
            said: dict[str, Any] = json.loads(callback.body, parse_float=str, parse_int=str)
            return self._told(callback.path, said)

        with patched(Swish, "_read_back", believe), patched(Swish, "_prove", lambda *_: None):
            yield

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self.fake.troubled(_TROUBLES[trouble]))
            stack.enter_context(patched(self.swish._client.wire, "patience", 0.4))
            yield

    def stranger(self) -> Provider:
        folder = self.state / "stranger"
        FakeSwish.identify(self.fake, "1239999999", folder)
        files = {"certificate": str(folder / "client.pem"), "key": str(folder / "client.key")}
        return build(self.fake.answers() | files, self.state, self.clock.now)

    def markers(self) -> Sequence[str]:
        return (PAYER, NOISE, self.fake.folder.joinpath("client.key").read_text())

    def forget(self) -> None:
        for reference in self.swish._open.all(self.now()):
            self.swish._open.drop(reference)

    def refused(self) -> Sequence[Order]:
        return (
            self.order(total=Money(5900, "EUR")),
            self.order(country="no"),
            self.order(total=Money(5900, "USD"), country="us"),
        )


@contextmanager
def shop(state: Path, door: Door, clock: Clock) -> Iterator[Shop]:
    one = SwishShop(state, door, clock)
    try:
        yield one
    finally:
        one.fake.close()
