"""The shop: prices, processors and the settler as one part of the site, so that pages can sell.

It seals an order, opens it at a processor, and later asks what became of it; settling is `payments.settling`'s affair,
and what is shown meanwhile `till.py`'s. An order is named by its sealed text, which the buyer's browser keeps in the
cookie `order`: nobody else can ask. Without a seller or a processor the shop is closed, and vouchers still work.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from django.db import DatabaseError, connections

from tyst.core.keyring import Keyring
from tyst.core.order import Order
from tyst.core.plan import Catalogue
from tyst.core.receipt import Receipt
from tyst.core.seal import SealError
from tyst.mail.letters import Writer
from tyst.mail.outbox import Outbox
from tyst.mail.receipts import Issuer, as_pdf
from tyst.payments import catalogue, seller, vies, wiring
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Event, PaymentError, Provider, What
from tyst.payments.seller import Seller
from tyst.payments.settling import Outcome, Paid, Settler
from tyst.payments.vies import Vies
from tyst.records.models import Account
from tyst.site.sessions import ORDER
from tyst.site.till import Till

COOKIE = ORDER
COOKIE_SECONDS = 1800


class Standing(StrEnum):
    """Where a payment is, for the buyer."""

    PAID = "paid"
    SEEN = "seen"
    WAITING = "waiting"
    FAILED = "failed"
    BACK = "back"
    """It bought nothing (too little, or the account changed hands), and was given back where there is a way."""
    AWAY = "away"
    """The processor can't be asked just now."""


@dataclass(frozen=True)
class Shop:
    """`seller`: None while the operator hasn't said who sells."""

    catalogue: Catalogue
    providers: Mapping[str, Provider]
    orders: OrderKeys = field(repr=False)
    settler: Settler = field(repr=False)
    till: Till = field(repr=False)
    seller: Seller | None
    vies: Vies | None = None

    @property
    def open(self) -> bool:
        """Whether anything is sold for money."""
        return self.seller is not None and bool(self.providers)

    @property
    def renewing(self) -> list[Provider]:
        """Those that can charge again by themselves."""
        return [one for one in self.providers.values() if one.renews]

    def begin(self, order: Order, *, back: str, callback: str) -> str:
        """Opens a payment and returns the sealed order. PaymentError. `callback`: ends with `/pay/`."""
        reference, provider = self.orders.seal(order), self.providers[order.method]
        self.till.put(reference, provider.begin(order, reference, back=back, callback=f"{callback}{provider.name}/"))
        return reference

    def again(self, order: Order, reference: str, *, back: str, callback: str) -> None:
        """Opens the same order once more: a declined card, a lapsed code. PaymentError."""
        provider = self.providers[order.method]
        self.till.put(reference, provider.begin(order, reference, back=back, callback=f"{callback}{provider.name}/"))

    def order(self, reference: str, account: Account | None = None) -> Order | None:
        """The order in a cookie; None when it doesn't open, its processor is gone, or it is somebody else's."""
        try:
            order = self.orders.open(reference) if len(reference) < 400 else None
        except SealError:
            return None
        if order is None or order.method not in self.providers:
            return None
        theirs = account is not None and (order.username.lower() != account.username.lower())
        return None if theirs else order

    def look(self, order: Order, reference: str) -> tuple[Standing, Event | None]:
        """Asks the processor, settles what it says, and tells where the payment is."""
        provider = self.providers[order.method]
        try:
            event = provider.look(order, reference)
        except PaymentError:
            return Standing.AWAY, None
        if event is None:
            return Standing.WAITING, None
        return self.told(provider, event), event

    def told(self, provider: Provider, event: Event) -> Standing:
        """Settles an event, and says where the payment is."""
        outcome = self.settler.take(provider, event)
        if outcome in (Outcome.SEEN, Outcome.FAILED):
            return Standing.SEEN if outcome is Outcome.SEEN else Standing.FAILED
        self.till.drop(event.reference)
        settled = outcome in (Outcome.GRANTED, Outcome.AGAIN) and event.what is What.PAID
        return Standing.PAID if settled else Standing.BACK

    def pdf(self, receipt: Receipt, refund_page: str) -> bytes:
        """The receipt as a file."""
        return as_pdf(receipt, issuer(self.seller), refund_page)


def issuer(seller: Seller | None) -> Issuer:
    """Who sells, as receipts print it."""
    return Issuer(seller.name, seller.address, seller.vat_id) if seller else Issuer("Tyst", ())


@dataclass(frozen=True)
class Parts:
    """What a shop is built from, besides its state folder. `site`: its address, for letters."""

    keys: Keyring = field(repr=False)
    now: Callable[[], datetime]
    draw: Callable[[int], bytes] = field(repr=False)
    outbox: Outbox
    site: str


def build(state: Path, parts: Parts) -> Shop:
    """The shop of a state folder. ConfigError or CatalogueError with a sentence for the operator."""
    orders = OrderKeys(state, lambda: int(parts.now().timestamp()), parts.draw)
    return assemble(
        catalogue.load(state), wiring.providers(state, parts.now), orders, seller.load(state), vies.load(state), parts
    )


def assemble(
    shelf: Catalogue,
    providers: Mapping[str, Provider],
    orders: OrderKeys,
    sells: Seller | None,
    asks: Vies | None,
    parts: Parts,
) -> Shop:
    """Ties the knot: the settler tells the till and the outbox, the till asks the shop."""
    till = Till(parts.now, lambda reference: _ask(shop, reference))

    def tell(paid: Paid) -> None:
        till.drop(paid.event.reference)
        if paid.account.email and parts.outbox.open:
            parts.outbox.post(Writer(parts.site).receipt(paid.account.email, paid.receipt, issuer(sells)))

    settler = Settler(orders, parts.keys, parts.now, tell, providers, parts.draw)
    shop = Shop(shelf, providers, orders, settler, till, sells, asks)
    return shop


def _ask(shop: Shop, reference: str) -> None:
    """One open payment, for a buyer who may have gone: the till's thread. What fails is asked again."""
    order = shop.order(reference)
    if order is None:
        return
    try:
        shop.look(order, reference)
    except DatabaseError:
        return
    finally:
        connections.close_all()
