"""Orders paid by coins through CoinPayments.

The sealed order rides in an invoice's notes (which only the merchant sees, and which lists bring back), in its custom
data (which webhooks bring back) and in the webhook's address (to which the signature is bound). A webhook that proves
itself is a reason to ask for the invoice, and that answer counts: so it doesn't matter in which order webhooks come.
What is paid too much CoinPayments gives back by itself, and what came too little as well, unless the merchant accepts
it by hand: then we tell how much it was. It has no refunds for us to ask for. Wire: `client.py`, proof: `signature.py`.
"""

import hashlib
import re
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tyst.core.money import Money, MoneyError, from_wire
from tyst.core.order import Order
from tyst.core.refund import Refund
from tyst.payments.coinpayments.client import NOTIFICATIONS, Client
from tyst.payments.coinpayments.setup import SERVER
from tyst.payments.coinpayments.signature import is_true
from tyst.payments.config import ConfigError
from tyst.payments.provider import Callback, Checkout, Event, ForgedError, PaymentError, What
from tyst.payments.sweeping import one_by_one
from tyst.payments.wire import from_json, text

OPEN_FOR = timedelta(minutes=60)
"""How long a rate holds (CoinPayments: an hour)."""
SWEPT = timedelta(days=8)
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{100,200}")
_UNITS = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
_STATES = {
    "unpaid": None,
    "pending": What.SEEN,
    "paid": What.PAID,
    "scheduledforpayout": What.PAID,
    "completed": What.PAID,
    "cancelling": What.FAILED,
    "cancelled": What.FAILED,
    "timedout": What.FAILED,
    "deleted": What.FAILED,
}
_TELLS = {name.lower() for name in NOTIFICATIONS}


class CoinPayments:
    """CoinPayments, for one integration."""

    name = "coinpayments"
    renews = False

    def __init__(self, client: Client, site: str, now: Callable[[], datetime]) -> None:
        self._client, self._now = client, now
        self._doors = [f"{site.rstrip('/')}/pay/coinpayments/"] if site else []

    def offers(self, order: Order) -> bool:
        """Everywhere, in each of our currencies."""
        return True

    def begin(self, order: Order, reference: str, *, back: str, callback: str) -> Checkout:
        """Leads to the invoice's page, where the buyer chooses her coin."""
        door = callback.rstrip("/") + "/"
        if door not in self._doors:
            self._doors = [*self._doors[:3], door]
        opened = self._client.open(
            currency=order.total.currency,
            amount=order.total.wire(),
            number=number_of(reference),
            order=reference,
            callback=door + reference,
            back=back,
        )
        return Checkout("redirect", url=opened.link, until=self._now() + OPEN_FOR)

    def pay(self, order: Order, reference: str, posted: Mapping[str, str]) -> Event:
        """Nothing is posted to us: coins are."""
        raise PaymentError("coins are paid on CoinPayments' own page")

    def hear(self, callback: Callback) -> Sequence[Event]:
        """A webhook: proven, then read back."""
        self._prove(callback)
        said = _body(callback)
        reference, invoice = callback.path, said.get("invoice")
        if reference not in (text(invoice, "customData", "order"), text(invoice, "notes")):
            raise ForgedError("this webhook is about another payment than its address")
        if text(said, "type").lower() not in _TELLS:
            return ()
        event = self._read_back(text(invoice, "id"), callback)
        return () if event is None else (event,)

    def look(self, order: Order, reference: str) -> Event | None:
        """Searches by the number that follows from the sealed order; of several invoices the best paid one."""
        number = number_of(reference)
        ids = [text(one, "id") for one in self._client.invoices(number) if text(one, "invoiceId") == number]
        events = [event for one in ids if (event := self._told(reference, self._client.invoice(one)))]
        rank = (What.PAID, What.SEEN, What.FAILED)
        return min(events, key=lambda event: rank.index(event.what), default=None)

    def sweep(self, now: datetime) -> Iterable[Event]:
        """All paid invoices of the last days. One that can't be read doesn't hide the others."""
        return one_by_one(self._lately(now), self._summed_up, "CoinPayments told of invoices that can't be read")

    def refund(self, refund: Refund) -> bool:
        """There is no way back for a coin: its sender's address is not where it came from."""
        return False

    def stop(self, mandate: str) -> None:
        """There are none."""

    def has_mandate(self, mandate: str) -> bool:
        """Coins don't come by themselves."""
        return False

    def check(self) -> str:
        """Lists invoices and asks for our currencies: id, secret and permissions are right."""
        next(iter(self._client.invoices()), None)
        known = [code for code in ("EUR", "SEK", "USD") if self._knows(code)]
        if not known:
            raise PaymentError("CoinPayments invoices in none of our currencies")
        return f"CoinPayments accepts our client id and secret; it invoices in {', '.join(known)}."

    def _prove(self, callback: Callback) -> None:
        """ForgedError unless CoinPayments signed this, for this address, lately."""
        if not _REFERENCE.fullmatch(callback.path):
            raise ForgedError("this is no address of ours")
        client, secret, now = self._client.client, self._client.secret.reveal(), self._now()
        urls = [door + callback.path for door in self._doors]
        if not any(is_true(secret, url, client, callback.headers, callback.body, now) for url in urls):
            raise ForgedError("this webhook's signature is not true, not for us, or old")

    def _read_back(self, identity: str, callback: Callback) -> Event | None:
        """What CoinPayments says when asked."""
        return self._told(callback.path, self._client.invoice(identity))

    def _told(self, reference: str, invoice: Any) -> Event | None:
        """An invoice as an event; None while it is unpaid. PaymentError for one that isn't this order's."""
        if text(invoice, "customData", "order") != reference:
            raise PaymentError("CoinPayments told of an invoice that isn't this order's")
        what = _state(invoice)
        if what is not What.PAID:
            return None if what is None else Event(what, reference)
        paid = _paid(invoice)
        return Event(what, reference, paid, text(invoice, "id")) if paid else Event(What.FAILED, reference)

    def _summed_up(self, summary: Any) -> Event | None:
        """The event of one line of the list: only paid ones are asked about."""
        reference = text(summary, "notes")
        if not _REFERENCE.fullmatch(reference) or _state(summary) is not What.PAID:
            return None
        return self._told(reference, self._client.invoice(text(summary, "id")))

    def _lately(self, now: datetime) -> Iterator[Any]:
        for summary in self._client.invoices():
            created = _time(text(summary, "created"))
            if created is not None and now - created > SWEPT:
                return
            yield summary

    def _knows(self, code: str) -> bool:
        try:
            return bool(self._client.currency(code))
        except PaymentError:
            return False


def number_of(reference: str) -> str:
    """An invoice's number, by which we find it: the buyer sees it, so it says nothing."""
    return hashlib.sha256(b"tyst coinpayments " + reference.encode()).hexdigest()[:24].upper()


def build(answers: Mapping[str, str], state: Path, now: Callable[[], datetime]) -> CoinPayments:
    """The provider from the operator's answers. ConfigError."""
    authority = answers.get("authority")
    try:
        context = ssl.create_default_context(cafile=str(state / authority)) if authority else None
    except (OSError, ValueError):
        raise ConfigError("the authority's file for CoinPayments can't be read") from None
    base = answers.get("server") or SERVER
    client = Client(base, answers["client"], answers["secret"].encode(), now, context)
    return CoinPayments(client, answers.get("site", ""), now)


def _body(callback: Callback) -> dict[str, Any]:
    try:
        said = from_json(callback.body, "CoinPayments")
    except PaymentError:
        raise ForgedError("this webhook is not JSON") from None
    if not isinstance(said, dict):
        raise ForgedError("this webhook is not JSON")
    return said


def _state(invoice: Any) -> What | None:
    """PaymentError for a state that we don't know."""
    state = text(invoice, "status").lower()
    if state not in _STATES:
        raise PaymentError("CoinPayments told of an invoice in a state that we don't know")
    return _STATES[state]


def _paid(invoice: Any) -> Money:
    """What was paid, at most all: the part of what was expected that arrived, of the invoice's amount."""
    try:
        total = from_wire(text(invoice, "amount", "total"), text(invoice, "currency", "symbol"))
    except MoneyError:
        raise PaymentError("CoinPayments told of an amount that isn't one") from None
    payments = invoice.get("payments")
    shares = [_share(one) for one in payments] if isinstance(payments, list) else []
    if not shares:
        return total
    return total.share(int(min(sum(shares, Decimal(0)), Decimal(1)) * 10**9), 10**9)


def _share(payment: Any) -> Decimal:
    """Which part of its expected amount a payment brought, both counted in the coin's smallest units."""
    written = [text(payment, name, "value") for name in ("expectedAmount", "actualAmount")]
    if not all(_UNITS.fullmatch(one) for one in written) or not (expected := Decimal(written[0])):
        raise PaymentError("CoinPayments told of an amount that isn't one")
    return Decimal(written[1]) / expected


def _time(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
