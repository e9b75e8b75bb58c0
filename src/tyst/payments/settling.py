"""From what a processor tells to what an account gets: opens the order, settles it once, says so once.

Whoever hears or asks a processor (the site's callback page and return page, the sweeps of `jobs`) hands its events to
one `Settler`; it may be told the same thing by all of them, in any order and at once. It decides what an event means
(docs/algorithms/settlement.md has the tables), `records.settlement` and `records.bookkeeping` write. It never waits for
a processor inside a transaction. Counterpart: `payments.provider`, where the events are made.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from tyst.core.keyring import Keyring
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.receipt import Receipt, receipt_of
from tyst.core.refund import PAYMENT_MOST, Refund
from tyst.core.seal import SealError
from tyst.core.tokens import from_text, open_token, seal_token, to_text
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Callback, Event, PaymentError, Provider, What
from tyst.records import bookkeeping, settlement
from tyst.records.models import Account

COINS = frozenset({"coinpayments", "monero"})
"""Where the buyer says how much she sends: a part gives a part. Everything else is all or nothing."""
RETURNABLE = frozenset({"braintree", "swish"})
"""Where money has a way back to who paid: their receipts carry a refund code."""
NEARLY = 995
"""Thousandths of the price that count as all of it: exchange rates move, wallets keep a fee."""
_NONCE_BYTES = 12


class Outcome(StrEnum):
    """What came of an event."""

    GRANTED = "granted"
    """The account has the time; `tell` was called."""
    AGAIN = "again"
    """It was settled before, or was returned before it was told."""
    SEEN = "seen"
    """On its way: nothing happened yet."""
    SHORT = "short"
    """Too little for a single day, or a part where only the whole counts. Refunded where the processor can."""
    GONE = "gone"
    """The account was deleted, or its name is somebody else's now. Refunded where the processor can."""
    REFUSED = "refused"
    """Another processor's order, another currency, an order that doesn't open, a code that isn't hers."""
    RETURNED = "returned"
    """The money went back, and the time with it."""
    FAILED = "failed"
    """Nothing was paid; or the processor couldn't give back now: try again."""


@dataclass(frozen=True)
class Paid:
    """A settled purchase, told once, for the receipt and its letter. `until`: the product's new expiry.

    `first`: nothing was ever had before, so that it may be given back for ten days; `refund`: the sealed code, or "".
    """

    order: Order = field(repr=False)
    event: Event = field(repr=False)
    account: Account = field(repr=False)
    first: bool
    until: datetime = field(repr=False)
    refund: str = field(repr=False)
    receipt: Receipt = field(repr=False)


class Settler:
    """`keys`: the site's (for refund codes). `now`: aware UTC. `tell`: called once for each grant; must not raise or
    block (a queue in RAM). `providers`: for `refund` alone. `draw(n)`: n random bytes.
    """

    def __init__(
        self,
        orders: OrderKeys,
        keys: Keyring,
        now: Callable[[], datetime],
        tell: Callable[[Paid], None],
        providers: Mapping[str, Provider] | None = None,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._orders, self._keys, self._now, self._tell = orders, keys, now, tell
        self._providers, self._draw = providers or {}, draw

    def take(self, provider: Provider, event: Event) -> Outcome:
        """Acts on an event, once, however often it is told. An error of the database passes: tell it again."""
        if event.what is What.SEEN:
            return Outcome.SEEN
        if event.what is What.FAILED:
            return Outcome.FAILED
        try:
            order = self._orders.open(event.reference)
        except SealError:
            return Outcome.REFUSED
        if order.method != provider.name or (event.paid and event.paid.currency != order.total.currency):
            return self._refuse(provider, order, event)
        if event.what is What.RETURNED:
            return self._returned(order, _money(order, event))
        return self._paid(provider, order, event)

    def hear(self, provider: Provider, callback: Callback) -> list[Outcome]:
        """Everything that a callback tells. ForgedError or PaymentError: nothing was done."""
        return [self.take(provider, event) for event in provider.hear(callback)]

    def sweep(self, provider: Provider) -> dict[Outcome, int]:
        """Everything that callbacks may have failed to tell; how often each outcome. PaymentError."""
        counts: dict[Outcome, int] = {}
        for event in provider.sweep(self._now()):
            outcome = self.take(provider, event)
            counts[outcome] = counts.get(outcome, 0) + 1
        return counts

    def spent(self, order: Order) -> bool:
        """Whether this order was settled (or returned) already."""
        return settlement.is_spent(order.serial, settlement.PAID)

    def receipt(self, reference: str, event: Event, account: Account) -> Receipt | None:
        """The receipt once more, for a buyer who still holds her sealed order: for the page that she returns to.

        `event`: what `Provider.look` says. None when it isn't settled, isn't hers, or the order is older than two days.
        """
        try:
            order, made = self._orders.open(reference), self._orders.made(reference)
        except SealError:
            return None
        fresh = (self._now() - made).days <= settlement.RECEIPT_DAYS
        if not (fresh and event.what is What.PAID and settlement.is_hers(order, account) and self.spent(order)):
            return None
        first = settlement.is_spent(order.serial, settlement.FIRST)
        until = getattr(account, order.product) or self._now()
        return self._receipt(order, event, until, self._code(order, event) if first else "")

    def refund(self, code: str, account: Account) -> Outcome:
        """Gives the first purchase back: at the processor first, then the time. RETURNED, AGAIN, REFUSED or FAILED."""
        try:
            refund = open_token(self._keys.seal, Refund, from_text(code.strip()), now=int(self._now().timestamp()))
        except (SealError, ValueError):
            return Outcome.REFUSED
        provider = self._providers.get(refund.method)
        if provider is None or not settlement.is_hers(refund, account):
            return Outcome.REFUSED
        if settlement.is_spent(refund.serial, settlement.RETURNED):
            return self._returned(refund, refund.total)  # completes what a crash left open
        try:
            if not provider.refund(refund):
                return Outcome.REFUSED
        except PaymentError:
            return Outcome.FAILED
        return self._returned(refund, refund.total)

    def _paid(self, provider: Provider, order: Order, event: Event) -> Outcome:
        paid = _money(order, event)
        try:
            granted = settlement.grant(order, share_of(order, paid), self._now())
        except settlement.SpentError:
            bookkeeping.sold(order, paid, self._today())
            return Outcome.AGAIN
        except settlement.GoneError:
            return self._back(provider, order, event, Outcome.GONE)
        except settlement.ShortError:
            return self._back(provider, order, event, Outcome.SHORT)
        code = self._code(order, event) if granted.first else ""
        receipt = self._receipt(order, event, granted.until, code)
        self._tell(Paid(order, event, granted.account, granted.first, granted.until, code, receipt))
        bookkeeping.sold(order, paid, self._today())
        return Outcome.GRANTED

    def _returned(self, bought: Order | Refund, money: Money) -> Outcome:
        try:
            settlement.take_back(bought, settlement.Share(money.minor, bought.total.minor), self._now())
            outcome = Outcome.RETURNED
        except settlement.SpentError:
            outcome = Outcome.AGAIN
        bookkeeping.returned(bought, money, self._today())
        return outcome

    def _refuse(self, provider: Provider, order: Order, event: Event) -> Outcome:
        if event.what is What.PAID and not self.spent(order):
            return self._back(provider, order, event, Outcome.REFUSED)
        return Outcome.REFUSED

    def _back(self, provider: Provider, order: Order, event: Event, outcome: Outcome) -> Outcome:
        """Asks the processor to give back what bought nothing. What fails now is tried again at the next telling."""
        if provider.name in RETURNABLE and event.payment and len(event.payment) <= PAYMENT_MOST:
            try:
                provider.refund(_refund_of(order, event, provider.name))
            except PaymentError:
                return outcome
        return outcome

    def _code(self, order: Order, event: Event) -> str:
        if order.method not in RETURNABLE or not event.payment or len(event.payment) > PAYMENT_MOST:
            return ""
        nonce, now = self._draw(_NONCE_BYTES), int(self._now().timestamp())
        return to_text(seal_token(self._keys.seal, _refund_of(order, event, order.method), nonce=nonce, now=now))

    def _receipt(self, order: Order, event: Event, until: datetime, code: str) -> Receipt:
        return receipt_of(order, _money(order, event), until=until, day=self._today(), refund=code)

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()


def _money(order: Order, event: Event) -> Money:
    """What was paid: all of it, when the processor can't say. Nothing is an amount, too."""
    return order.total if event.paid is None else event.paid


def share_of(order: Order, paid: Money) -> settlement.Share:
    """Which part of an order's time this money buys."""
    part, whole = paid.minor, order.total.minor
    if order.method not in COINS:
        return settlement.Share(int(part >= whole), 1)
    return settlement.Share(1, 1) if whole * NEARLY <= part * 1000 <= whole * 1000 else settlement.Share(part, whole)


def _refund_of(order: Order, event: Event, method: str) -> Refund:
    return Refund(
        method=method,
        payment=event.payment,
        serial=order.serial,
        username=order.username,
        total=event.paid or order.total,
        country=order.country,
        rate=order.rate,
        product=order.product,
        months=order.months,
        days=order.days,
        since=order.since,
    )
