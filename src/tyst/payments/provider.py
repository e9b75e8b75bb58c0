"""What every processor's folder offers to the rest, and what it tells: checkouts, events, refunds.

A provider never touches the records. It turns what its processor says into `Event`s; `records.settlement` acts on them,
once each, however often they are told. What identifies a payment (`Event.payment`) is for the receipt's refund code and
for no store. Siblings: `braintree/`, `swish/`, `coinpayments/`, `monero/`, each with `provider.py` (this interface),
`client.py` (the wire), `setup.py` (what the operator is asked). One suite tests them all: tests/contract/payments.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.refund import Refund


class PaymentError(Exception):
    """A processor can't be reached, refused us, or said something that makes no sense. Carries nothing it said."""


class ForgedError(PaymentError):
    """A callback that its processor did not send: bad signature, wrong secret, old or for somebody else."""


class What(StrEnum):
    """What became of a payment."""

    PAID = "paid"
    """All of it, for certain. `Event.paid` may be more or less than asked: settlement decides."""
    SEEN = "seen"
    """On its way (a pool, an authorisation): shown to the buyer, nothing else."""
    FAILED = "failed"
    """Declined, cancelled or timed out: nothing was paid and nothing will be."""
    RETURNED = "returned"
    """Refunded or charged back: the money went back to the buyer."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a processor told of one order. `reference`: the sealed order's text, as we handed it over."""

    what: What
    reference: str = field(repr=False)
    paid: Money | None = field(default=None, repr=False)
    """What arrived; None when the processor can't say. Never trusted from an unverified callback."""
    payment: str = field(default="", repr=False)
    """The processor's id of this payment (ASCII, at most 64 characters), for a refund."""
    mandate: str = field(default="", repr=False)
    """A recurring mandate's id, when this payment is one of a mandate's."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """What the buyer is shown or led to. `kind`: redirect, qr, address or card. `url`: where to go, or the app's link.

    `qr`: text for a QR code. `lines`: label and value pairs to be typed (an address, an amount). `token`: for the
    page's script (cards). `until`: the processor's own deadline.
    """

    kind: str
    url: str = field(default="", repr=False)
    qr: str = field(default="", repr=False)
    lines: Sequence[tuple[str, str]] = field(default=(), repr=False)
    token: str = field(default="", repr=False)
    until: datetime | None = None
    allow: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What this one page may load besides our own: origins by directive of the Content-Security-Policy (cards)."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A processor's request to our callback address, as the site received it."""

    path: str = field(repr=False)
    """The rest of the address after `/pay/NAME/`: where the reference is too long for a field, it is here."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in small letters."""
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a mandate's customer agreed to: to be charged for so many months at a time, in this currency."""

    months: int
    currency: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the operator is asked when she sets the provider up (`./tyst payments setup NAME`)."""

    name: str
    asks: str
    secret: bool = False
    optional: bool = False


class Provider(Protocol):
    """One processor. All calls may block for some seconds and raise PaymentError."""

    name: str
    """As in `core.order.METHODS`."""
    renews: bool
    """Whether it can charge again without the buyer."""

    def offers(self, order: Order) -> bool:
        """Whether this order can be paid so (currency, country)."""

    def begin(self, order: Order, reference: str, *, back: str, callback: str) -> Checkout:
        """Opens a payment. `reference`: the sealed order's text; `back`: our page to return to; `callback`: the address
        (without the reference) at which the processor may reach us."""

    def pay(self, order: Order, reference: str, posted: Mapping[str, str]) -> Event:
        """For cards: takes the payment that the page's script prepared. Others raise PaymentError."""

    def hear(self, callback: Callback) -> Sequence[Event]:
        """What a callback tells, once it is certain: signature verified, or read back. ForgedError."""

    def look(self, order: Order, reference: str) -> Event | None:
        """Asks the processor about one order, for the buyer's return page; None when it knows nothing of it (yet)."""

    def sweep(self, now: datetime) -> Iterable[Event]:
        """All events that callbacks may have failed to tell, of the last days."""

    def refund(self, refund: Refund) -> bool:
        """Gives all of it back; False when the processor can't (a coin has no way back)."""

    def stop(self, mandate: str) -> None:
        """Cancels a recurring mandate. `mandate`: the owner's hash as hexadecimal (core.owner), as at `begin`."""

    def has_mandate(self, mandate: str) -> bool:
        """Whether the processor would charge again."""

    def check(self) -> str:
        """Speaks with the processor and says in one sentence that the credentials work; PaymentError otherwise."""
