"""The form in which a processor joins the shared suite: a `Shop` is its fake together with our provider against it.

What to do for a new processor: write `shops/NAME.py` with

    @contextmanager
    def shop(state: Path, door: Door, clock: Clock) -> Iterator[Shop]: ...

that starts the fake (on a port of its own), builds the provider by `tyst.payments.NAME.provider.build`, and yields a
subclass of `Shop`. `door.address(NAME)` is the callback address to hand to `begin`; whatever the fake posts there over
HTTP is in `door.heard`. `clock.now` is the time for provider and fake alike; tests move it. The tests themselves are in
`test_every_provider.py`; what settlement makes of events is modelled by `Till`.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.core.seal import SealError
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Callback, Checkout, Event, Provider, What

SINCE = datetime(2026, 3, 1, 9, tzinfo=UTC)
BACK = "https://tyst.test/en/paid/"
PATIENCE = 15.0


class Button(StrEnum):
    """What a buyer, or the processor's own people, may do with an open payment."""

    PAY = "pay"
    DECLINE = "decline"
    EXPIRE = "let it time out"
    RETURN = "charge back, or give back in the processor's own portal"


class Trouble(StrEnum):
    """What may be wrong with a processor while we ask it something."""

    DOWN = "nobody listens"
    SLOW = "answers after our patience"
    GARBAGE = "answers 200 with bytes that mean nothing"
    ERROR = "answers 500 with a page"
    CUT = "breaks off in the middle of its answer"


class Clock:
    """The real time and what a test has added. Provider, fake and order keys all ask it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> int:
        return int(self.now().timestamp())


class Door:
    """Where processors call back: a real HTTP server that keeps what it hears, as the site would hand it on."""

    def __init__(self) -> None:
        self.heard: list[Callback] = []
        door = self

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.removeprefix("/pay/").partition("/")[2]
                headers = {name.lower(): value for name, value in self.headers.items()}
                door.heard.append(Callback(path, headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def address(self, name: str) -> str:
        """The callback address of one processor, without the reference."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/pay/{name}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


class Shop(ABC):
    """One processor's fake and our provider against it. Attributes with a value are the usual case."""

    name: str
    provider: Provider
    clock: Clock
    currency: str = "EUR"
    country: str = "de"
    calls_back: bool = True
    """Whether the processor ever posts to us. One that doesn't is found by `look` and `sweep` alone."""
    sweeps: bool = True
    """Whether `sweep` finds a paid order when no callback came (after `forget()`: as a new process would)."""
    returns: bool = True
    """Whether `refund` can give money back."""
    parts: bool = False
    """Whether less than asked can arrive (coins)."""
    excess: bool = True
    """Whether what is paid too much stays here (or the processor gives it back by itself)."""
    buttons: frozenset[Button] = frozenset(Button)
    checkouts: ClassVar[dict[str, Checkout]] = {}
    """What buyers of `test_settled.py` see, by their sealed orders."""

    @abstractmethod
    def press(
        self, button: Button, order: Order, reference: str, checkout: Checkout, amount: Money | None = None
    ) -> Sequence[Event]:
        """Does what the button says at the fake, over the wire as a buyer would. Events that the provider itself told at
        once (a card's `pay`); none when the processor tells later. `amount`: other than asked, for coins."""

    @abstractmethod
    def forgeries(self, true: Callback, other: str) -> Mapping[str, Callback]:
        """What Mallory makes of a true callback: each must change nothing. `other`: the reference of another open,
        unpaid order, to which she'd like the payment to count."""

    @abstractmethod
    def unguarded(self) -> AbstractContextManager[None]:
        """The planted fault: the provider without the check that keeps forgeries out (patched here, in the test)."""

    @abstractmethod
    def trouble(self, trouble: Trouble) -> AbstractContextManager[None]:
        """The fake, broken in one way, and the provider's patience cut to under a second."""

    @abstractmethod
    def stranger(self) -> Provider:
        """The provider, built with credentials that the fake does not know."""

    @abstractmethod
    def markers(self) -> Sequence[str]:
        """Texts of the payer that the fake knows and sends, secrets of ours, and what broken answers say."""

    def forget(self) -> None:  # noqa: B027 - most hold nothing
        """What the provider holds in RAM is gone, as after a restart."""

    def now(self) -> datetime:
        """The time that provider and fake have."""
        return self.clock.now()

    def later(self, much: timedelta) -> None:
        """Lets time pass until the test's end."""
        self.clock.ahead += much

    def tell_again(self) -> None:
        """The processor posts once more what it posted of the last payment, with a signature of now."""
        raise NotImplementedError

    def given_back(self, order: Order, reference: str) -> Sequence[Money]:
        """What the fake has given back of an order."""
        raise NotImplementedError

    def refused(self) -> Sequence[Order]:
        """Orders that this provider must not offer. Usually: none."""
        return ()

    def order(self, serial: bytes = b"alice001", **changes: Any) -> Order:
        """Alice's year. Each order of a test has a serial of its own."""
        total = Money(5900, self.currency)
        order = Order(self.name, serial, "alice", SINCE, Product.SUBSCRIPTION, 12, 0, total, self.country, 2500, "en")
        return replace(order, **changes)


class Till:
    """What settlement makes of events, in its simplest form: each serial once, for the right provider, fully paid.

    The real one is `payments.settling`; this model has no store and no crash points, so that a provider is judged alone.
    """

    def __init__(self, keys: OrderKeys, provider: Provider) -> None:
        self._keys, self._provider = keys, provider
        self.granted: list[bytes] = []
        self.returned: list[bytes] = []
        self.paid: dict[bytes, Event] = {}

    def take(self, event: Event) -> None:
        """One event's effect."""
        try:
            order = self._keys.open(event.reference)
        except SealError:
            return
        if order.method != self._provider.name or event.paid is None:
            return
        if event.what is What.PAID and order.serial not in self.granted and event.paid.currency == order.total.currency:
            self.granted.append(order.serial)
            self.paid[order.serial] = event
        if event.what is What.RETURNED and order.serial in self.granted and order.serial not in self.returned:
            self.returned.append(order.serial)

    def hear(self, callback: Callback) -> None:
        """One callback's effect. ForgedError."""
        for event in self._provider.hear(callback):
            self.take(event)

    def sweep(self, now: datetime) -> None:
        """What the provider's sweep finds."""
        for event in self._provider.sweep(now):
            self.take(event)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether the condition came true before the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.02)
    return True


@contextmanager
def patched(owner: object, name: str, value: object) -> Iterator[None]:
    """One attribute, another value, for as long as this lasts."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


ShopMaker = Callable[[Path, Door, Clock], AbstractContextManager[Shop]]
