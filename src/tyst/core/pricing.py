"""What something costs: the day's price, what a longer term saves, part of an add-on's term, what goes back.

Pure reckoning over a `Catalogue` and a day. Listed prices hold VAT; what is shown is what is charged. Every rule and a
worked table for each: docs/algorithms/pricing.md, which the tests read. Counterparts: `core.vat` says who owes the tax,
`core.rounding.extended_months` what a term is in days, `records.settlement` what happens once it is paid.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tyst.core.money import Money
from tyst.core.plan import Catalogue, Promotion
from tyst.core.product import Product
from tyst.core.rounding import end_of_day
from tyst.core.vat import Duty, Treatment, split

REFUND_DAYS = 10
UPTIME_ALLOWED = 200
"""One minute of so many may be without service: 99.5 % is promised."""
_MINUTES_OF_A_DAY = 1440


class PricingError(ValueError):
    """This isn't sold: no such product, term or currency on the shelf."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the price page. `listed`: without promotion; `monthly`: `price` by the month; `saving`: against as
    many single months, at their listed price.
    """

    product: Product
    months: int
    package: str
    price: Money
    listed: Money
    monthly: Money
    saving: Money
    promotion: Promotion | None


@dataclass(frozen=True, slots=True)
class Charge:
    """What a buyer pays, and what of it is tax. `total` is `net` + `vat`, always."""

    total: Money
    net: Money
    vat: Money


def listed(catalogue: Catalogue, product: Product, months: int, currency: str) -> Money:
    """The price without any promotion, VAT included, or PricingError."""
    term = catalogue.term(product, months)
    if term is None or currency not in term.prices:
        raise PricingError("this is not on the shelf")
    return term.prices[currency]


def promotion(catalogue: Catalogue, product: Product, months: int, day: date) -> Promotion | None:
    """The promotion that runs for a term on this day: the first in the catalogue, when several do."""
    return next((one for one in catalogue.promotions if one.runs(product, months, day)), None)


def price(catalogue: Catalogue, product: Product, months: int, currency: str, day: date) -> Money:
    """What a term costs on this day (UTC), VAT included: what is shown and, but for reverse charge, what is charged."""
    full, running = listed(catalogue, product, months, currency), promotion(catalogue, product, months, day)
    return full if running is None else running.price(full)


def saving(catalogue: Catalogue, product: Product, months: int, currency: str, day: date) -> Money:
    """What the term saves against as many single months at their listed price; nothing when it saves nothing."""
    singles = listed(catalogue, product, 1, currency).share(months, 1)
    return max(singles - price(catalogue, product, months, currency, day), Money(0, currency))


def offers(catalogue: Catalogue, product: Product, currency: str, day: date) -> tuple[Offer, ...]:
    """All terms of a product on this day, shortest first."""
    return tuple(_offer(catalogue, product, term.months, currency, day) for term in catalogue.of(product))


def _offer(catalogue: Catalogue, product: Product, months: int, currency: str, day: date) -> Offer:
    now = price(catalogue, product, months, currency, day)
    return Offer(
        product,
        months,
        f"{product}-{months}",
        now,
        listed(catalogue, product, months, currency),
        now.share(1, months),
        saving(catalogue, product, months, currency, day),
        promotion(catalogue, product, months, day),
    )


def charged(total: Money, treatment: Treatment) -> Charge:
    """What is charged for something whose price with VAT is `total`: under reverse charge the net of it."""
    if treatment.duty == Duty.BUYER:
        net, _ = split(total, treatment.within)
        return Charge(net, net, Money(0, total.currency))
    net, vat = split(total, treatment.rate)
    return Charge(total, net, vat)


def aligned_days(subscription: datetime | None, addon: datetime | None, today: date) -> int:
    """For how many days an add-on must be bought to end with the subscription; 0 when it does already, or there is no
    subscription that runs. Expiries are ends of UTC days.
    """
    if subscription is None:
        return 0
    start = today if addon is None else max(today, addon.date())
    return max(0, (subscription.date() - start).days)


def prorated(catalogue: Catalogue, product: Product, days: int, currency: str, day: date) -> Money:
    """What `days` of a product cost: by the day, at the rate of the longest term that fits, and never more than the
    next longer term. At least the catalogue's smallest amount.
    """
    if days <= 0:
        raise PricingError("time is sold by whole days")
    parts = [
        _part(price(catalogue, product, term.months, currency, day), term.months, days, place == 0)
        for place, term in enumerate(catalogue.of(product))
    ]
    if not parts:
        raise PricingError("this is not on the shelf")
    least = (catalogue.least or {}).get(currency, Money(1, currency))
    return max(min(parts), least)


def _part(full: Money, months: int, days: int, shortest: bool) -> Money:
    """`days` at a term's daily rate, a month being a twelfth of 365 days. A term longer than `days` is bought whole,
    but for the shortest of all.
    """
    fits = days * 12 >= months * 365
    return full.share(days * 12, months * 365) if fits or shortest else full


def refund_until(bought: date) -> datetime:
    """Until when a first purchase can be given back: the end of the tenth UTC day after it."""
    return end_of_day(bought + timedelta(days=REFUND_DAYS))


def refundable(first: bool, bought: date, now: datetime) -> bool:
    """Whether the buyer may have her money back: the first purchase of an account, within the time."""
    return first and now <= refund_until(bought)


def minutes_missed(down: int, whole: int) -> int:
    """Minutes below the promised uptime, of `down` minutes without service in a month of `whole` minutes."""
    return max(0, down - whole // UPTIME_ALLOWED)


def uptime_credit(minutes_missed: int) -> int:
    """Days added to every account that is live then: two minutes for one, a begun day counting as a whole one."""
    return -(-2 * minutes_missed // _MINUTES_OF_A_DAY)
