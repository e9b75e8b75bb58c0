"""A processor for unit tests of the shop's pages, without a wire: what it will say is set by hand.

The real ones, against fakes that speak their wire protocols, are in tests/contract/payments and tests/site.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tyst.core.order import Order
from tyst.core.refund import Refund
from tyst.payments.provider import Callback, Checkout, Event, ForgedError, PaymentError, What


@dataclass
class ProcessorOfTest:
    """`says`: what becomes of each order, by its sealed text."""

    name: str
    kind: str = "redirect"
    renews: bool = False
    away: bool = False
    says: dict[str, Event] = field(default_factory=dict)
    opened: list[tuple[Order, str, str, str]] = field(default_factory=list)
    mandates: set[str] = field(default_factory=set)
    refunded: list[str] = field(default_factory=list)

    @property
    def order(self) -> Order:
        """The newest order."""
        return self.opened[-1][0]

    @property
    def reference(self) -> str:
        """Its sealed text."""
        return self.opened[-1][1]

    def paid(self, reference: str = "", what: What = What.PAID) -> Event:
        """Somebody pays (or whatever `what` is) the newest order, or another one."""
        found = next(one for one, sealed, *_ in self.opened if sealed == (reference or self.reference))
        event = Event(what, reference or self.reference, found.total, "payment-1")
        self.says[event.reference] = event
        return event

    def _reach(self) -> None:
        if self.away:
            raise PaymentError("away")

    def offers(self, order: Order) -> bool:
        return self.name != "swish" or (order.total.currency == "SEK" and order.country == "se")

    def begin(self, order: Order, reference: str, *, back: str, callback: str) -> Checkout:
        self._reach()
        self.opened.append((order, reference, back, callback))
        hosts = {"script-src": ["https://js.braintreegateway.com"]} if self.kind == "card" else {}
        lines = (("address", "4ABC"), ("amount", "0.25")) if self.kind == "address" else ()
        return Checkout(self.kind, url="https://processor.test/pay", qr="code", lines=lines, token="t", allow=hosts)

    def pay(self, order: Order, reference: str, posted: Mapping[str, str]) -> Event:
        self._reach()
        return self.paid(reference, What.PAID if posted.get("nonce") == "good" else What.FAILED)

    def hear(self, callback: Callback) -> Sequence[Event]:
        self._reach()
        if callback.headers.get("x-proof") != "true":
            raise ForgedError("forged")
        return [self.says[callback.path]]

    def look(self, order: Order, reference: str) -> Event | None:
        self._reach()
        return self.says.get(reference)

    def sweep(self, now: datetime) -> Iterable[Event]:
        return list(self.says.values())

    def refund(self, refund: Refund) -> bool:
        self._reach()
        self.refunded.append(refund.payment)
        return True

    def stop(self, mandate: str) -> None:
        self._reach()
        self.mandates.discard(mandate)

    def has_mandate(self, mandate: str) -> bool:
        self._reach()
        return mandate in self.mandates

    def check(self) -> str:
        return "works"
