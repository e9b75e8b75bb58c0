"""The price list, for everybody: plans and add-ons in the currency that is shown, with the VAT that is in them.

The currency is the address's (`?currency=SEK`), else the customer's, else that of the visitor's country, which is
looked up in RAM and forgotten. What is shown is what is charged. Counterparts: `core.pricing` reckons, `buy` sells.
"""

from datetime import UTC, date
from typing import Any

from django.http import HttpResponse

from tyst.core.account import default_currency
from tyst.core.country import COUNTRIES
from tyst.core.pricing import Offer, offers, saving
from tyst.core.product import Product
from tyst.core.vat import EU, home, rate
from tyst.site import ways
from tyst.site.limits import address_of
from tyst.site.pages.common import allows, page
from tyst.site.services import SiteRequest

BEST = 12
"""The months whose saving the banner tells."""


@allows("GET")
def pricing(request: SiteRequest) -> HttpResponse:
    """Plans, add-ons, promotions, and the VAT in them."""
    shop, today, currency = request.services.shop, today_of(request), currency_of(request)
    place = request.GET.get("country", "")[:2]
    place = place if place in COUNTRIES else place_of(request) or ""
    shelf = shop.catalogue
    context = {
        "plans": offers(shelf, Product.SUBSCRIPTION, currency, today),
        "addons": [
            (ways.PRODUCTS[one], offers(shelf, one, currency, today)) for one in (Product.MULTIHOP, Product.IPV4)
        ],
        "currency": currency,
        "currencies": shelf.currencies,
        "banner": _banner(request, currency, today),
        "running": _running(offers(shelf, Product.SUBSCRIPTION, currency, today)),
        "place": place,
        "rate": rate(place, today) if place else None,
        "inside": home(place) in EU,
        "ways": [way for name, way in ways.WAYS.items() if name in shop.providers],
        "open": shop.open,
    }
    return page(request, "pricing.html", context)


def _banner(request: SiteRequest, currency: str, today: date) -> Any:
    shelf = request.services.shop.catalogue
    if shelf.term(Product.SUBSCRIPTION, BEST) is None:
        return None
    return saving(shelf, Product.SUBSCRIPTION, BEST, currency, today) or None


def _running(plans: tuple[Offer, ...]) -> list[Offer]:
    """The plans that a promotion makes cheaper today."""
    return [plan for plan in plans if plan.promotion is not None]


def today_of(request: SiteRequest) -> date:
    """The door's UTC day."""
    return request.services.now().astimezone(UTC).date()


def place_of(request: SiteRequest) -> str | None:
    """The country of the visitor's address, looked up in RAM and kept nowhere."""
    return request.services.geo.country(address_of(request.META.get("REMOTE_ADDR", "")))


def currency_of(request: SiteRequest) -> str:
    """The currency to show."""
    known = request.services.shop.catalogue.currencies
    asked = request.GET.get("currency", "")
    if asked in known:
        return asked
    own = request.account.currency if request.account else default_currency(place_of(request))
    return own if own in known else known[0]
