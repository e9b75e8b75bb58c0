"""What a buyer has chosen on the buy page, read from her form and judged field by field; and the order it becomes.

A value of one request: nothing of it is kept. Counterparts: `pages/buy.py` shows the form, `core.pricing` and
`core.vat` reckon, `core.order` is what the processor carries.
"""

from dataclasses import dataclass, field
from datetime import date

from tyst.core.country import COUNTRIES
from tyst.core.money import Money
from tyst.core.order import SERIAL_BYTES, Order
from tyst.core.pricing import Charge, aligned_days, charged, price, prorated
from tyst.core.product import PRODUCTS, Product
from tyst.core.vat import EU, Duty, Treatment, home, treat
from tyst.payments.vies import checked
from tyst.records.models import Account
from tyst.site import languages, sentences
from tyst.site.pages.pricing import place_of, today_of
from tyst.site.services import SiteRequest

ALIGNED = "end"
"""In a package's name, in place of the months: until the subscription's last day."""


@dataclass(frozen=True)
class Choice:
    """`package`: `subscription-12`, `multihop-end`. `vat_id`: as typed; `number`: as printed, once it is a good one."""

    package: str
    product: Product
    months: int
    days: int
    currency: str
    country: str
    vat_id: str = field(repr=False)
    number: str = field(repr=False)
    treatment: Treatment
    charge: Charge = field(repr=False)

    @property
    def reversed(self) -> bool:
        """Whether the buyer owes the VAT herself."""
        return self.treatment.duty == Duty.BUYER


def typed_of(request: SiteRequest, account: Account) -> dict[str, str]:
    """What stands in the form: what was sent, else what the address says, else what fits the account."""
    sent = request.POST if request.method == "POST" else request.GET
    shelf = request.services.shop.catalogue
    own = account.currency if account.currency in shelf.currencies else shelf.currencies[0]
    default = {"package": _usual(request), "currency": own, "country": account.country, "vat_id": "", "confirmed": ""}
    return {name: sent.get(name, usual)[:40].strip() for name, usual in default.items()}


def _usual(request: SiteRequest) -> str:
    terms = request.services.shop.catalogue.of(Product.SUBSCRIPTION)
    return next((term.package for term in terms if term.months == 12), terms[0].package)


def read(request: SiteRequest, account: Account, typed: dict[str, str]) -> Choice | dict[str, str]:
    """The choice, or a sentence's code for each field that is wrong."""
    shop, today, faults = request.services.shop, today_of(request), dict[str, str]()
    bought = part_of(request, account, typed["package"])
    if bought is None:
        faults["package"] = sentences.NOT_SOLD
    if typed["currency"] not in shop.catalogue.currencies:
        faults["currency"] = sentences.CURRENCY_UNKNOWN
    if typed["country"] not in COUNTRIES:
        faults["country"] = sentences.COUNTRY_MISSING
    elif not typed["confirmed"] and _contradicted(request, typed["country"]):
        faults["confirmed"] = sentences.COUNTRY_DIFFERS
    number = _number(request, typed) if typed["country"] in COUNTRIES else ""
    if number is None:
        faults["vat_id"] = sentences.VAT_ID_WRONG
    if faults or bought is None or number is None or shop.seller is None:
        return faults or {"package": sentences.NOT_SOLD}
    treatment = treat(typed["country"], number, shop.seller.country, today)
    charge = charged(_price(request, bought, typed["currency"], today), treatment)
    where = typed["package"], *bought, typed["currency"], typed["country"]
    return Choice(*where, typed["vat_id"], number, treatment, charge)


def _contradicted(request: SiteRequest, country: str) -> bool:
    """Whether the visitor's address, in RAM, speaks for another country's VAT than the one she declares."""
    found = place_of(request)
    return found is not None and home(found) != home(country)


def _number(request: SiteRequest, typed: dict[str, str]) -> str | None:
    """A company's number as it is printed; "" for a private buyer; None for one that can't be."""
    if not typed["vat_id"]:
        return ""
    if home(typed["country"]) not in EU:
        return None
    return checked(typed["vat_id"], typed["country"], request.services.shop.vies)


def part_of(request: SiteRequest, account: Account, package: str) -> tuple[Product, int, int] | None:
    """(product, months, days) of a package's name; None for what isn't sold (to her)."""
    term = request.services.shop.catalogue.package(package)
    if term is not None:
        return term.product, term.months, 0
    name, _, end = package.rpartition("-")
    if end != ALIGNED or name not in PRODUCTS or name == Product.SUBSCRIPTION:
        return None
    product = Product(name)
    days = aligned_days(account.subscription, getattr(account, product), today_of(request))
    return (product, 0, days) if days and request.services.shop.catalogue.of(product) else None


def _price(request: SiteRequest, bought: tuple[Product, int, int], currency: str, today: date) -> Money:
    shelf, (product, months, days) = request.services.shop.catalogue, bought
    return prorated(shelf, product, days, currency, today) if days else price(shelf, product, months, currency, today)


def order_of(request: SiteRequest, account: Account, choice: Choice, method: str, *, renews: bool = False) -> Order:
    """The order for a choice, with a fresh serial."""
    return Order(
        method=method,
        serial=request.services.draw(SERIAL_BYTES),
        username=account.username,
        since=account.created_at,
        product=choice.product,
        months=choice.months,
        days=choice.days,
        total=choice.charge.total,
        country=choice.treatment.country,
        rate=choice.treatment.rate,
        language=languages.prefix_of(request.LANGUAGE_CODE),
        renews=renews,
        vat_id=choice.number,
    )
