"""Renewing by card: the day before a subscription ends, whoever agreed to it is charged for as long again.

Nothing of ours says who agreed: the processor is asked by the owner's keyed hash (`core.owner`). A charge is an order
like any other and is settled like any other. It is tried on the day before the end and on the last day; the processor's
folder sees to it that two tries are one charge, and once it is settled the end is another day. Declined: nothing more
happens, and the reminder of the last day says so in time. Prices are today's; a term that is no longer sold is not
charged.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol, cast

from tyst.core.order import SERIAL_BYTES, Order
from tyst.core.owner import owner_of
from tyst.core.plan import Catalogue
from tyst.core.pricing import PricingError, price
from tyst.core.product import Product
from tyst.core.vat import treat
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Agreed, Event, PaymentError, Provider
from tyst.payments.settling import Settler
from tyst.records import readers
from tyst.records.readers import Ending


class Renewing(Provider, Protocol):
    """What a provider with `renews` offers besides."""

    def agreed(self, mandate: str) -> Agreed | None: ...

    def renew(self, order: Order, reference: str, mandate: str) -> Event: ...

    def tidy(self, living: Iterable[str]) -> int: ...


@dataclass(frozen=True)
class Till:
    """What a renewal needs. `owners`: the key of `core.owner`; `seller`: the country that the provider is taxed in."""

    catalogue: Catalogue
    orders: OrderKeys = field(repr=False)
    settler: Settler = field(repr=False)
    owners: bytes = field(repr=False)
    seller: str
    draw: Callable[[int], bytes] = field(repr=False)


def renewals(providers: Mapping[str, Provider], till: Till, today: date) -> dict[str, int]:
    """Charges who is due. Counts of outcomes, and of processors' failures as `away`."""
    counts: dict[str, int] = {}
    for provider in _renewing(providers):
        for ending in _due(today):
            outcome = _renewed(provider, till, ending, today)
            if outcome:
                counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def forget_gone(providers: Mapping[str, Provider], till: Till) -> int:
    """Ends the mandates of accounts that went while the processor could not be reached; how many."""
    living = [_mandate(till, name, since) for name, since in readers.everybody()]
    return sum(provider.tidy(living) for provider in _renewing(providers))


def _renewing(providers: Mapping[str, Provider]) -> list[Renewing]:
    return [cast(Renewing, provider) for provider in providers.values() if provider.renews]


def _mandate(till: Till, username: str, since: datetime) -> str:
    return owner_of(till.owners, username, since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")).hex()


def _due(today: date) -> Iterator[Ending]:
    """A list first: a charge moves an end, and no transaction is open while a processor is asked."""
    yield from [one for days in (0, 1) for one in readers.endings(today + timedelta(days=days))]


def _renewed(provider: Renewing, till: Till, ending: Ending, today: date) -> str:
    mandate = _mandate(till, ending.username, ending.since)
    try:
        agreed = provider.agreed(mandate)
        order = _order(provider.name, till, ending, agreed, today) if agreed else None
        if order is None:
            return ""
        event = provider.renew(order, till.orders.seal(order), mandate)
        return till.settler.take(provider, event).value
    except PaymentError:
        return "away"


def _order(method: str, till: Till, ending: Ending, agreed: Agreed, today: date) -> Order | None:
    """The order for the same term again, at today's price; None when it is no longer sold."""
    try:
        total = price(till.catalogue, Product.SUBSCRIPTION, agreed.months, agreed.currency, today)
    except PricingError:
        return None
    treatment = treat(ending.country, "", till.seller, today)
    return Order(
        method=method,
        serial=till.draw(SERIAL_BYTES),
        username=ending.username,
        since=ending.since,
        product=Product.SUBSCRIPTION,
        months=agreed.months,
        days=0,
        total=total,
        country=treatment.country,
        rate=treatment.rate,
        language=ending.language,
        renews=True,
    )
