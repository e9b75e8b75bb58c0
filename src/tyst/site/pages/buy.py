"""Buying, for the signed-in: first what, for which country; then the price with its VAT, and how to pay it.

One address, one form after the other, so that nothing typed is lost and nothing is kept between them. The country that
she declares is compared in RAM with her address's; where they differ she confirms. The order that comes of it is in her
cookie and at the processor, nowhere with us. Counterparts: `choice.py` judges the form, `checkout.py` goes on.
"""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from tyst.core.account import is_live
from tyst.core.pricing import aligned_days, offers, prorated
from tyst.core.product import PRODUCTS, Product
from tyst.payments.provider import PaymentError
from tyst.records.models import Account
from tyst.site import choice as choices
from tyst.site import sentences, shop, ways
from tyst.site.choice import Choice
from tyst.site.pages.common import allows, customer, page, refused, signed_in, to_page, typed
from tyst.site.pages.pricing import place_of, today_of
from tyst.site.services import SiteRequest


@allows("GET", "POST")
@signed_in
def buy(request: SiteRequest) -> HttpResponse:
    """Both forms."""
    account, _session = customer(request)
    if not request.services.shop.open:
        return page(request, "buy_closed.html")
    form = choices.typed_of(request, account)
    if request.method != "POST":
        return page(request, "buy.html", _shelf(request, account, form))
    chosen = choices.read(request, account, form)
    if isinstance(chosen, dict):
        return refused(request, "buy.html", chosen, _shelf(request, account, form))
    if "method" not in request.POST:
        return page(request, "buy_pay.html", _counter(request, account, chosen, form))
    return _sold(request, account, chosen, form)


def _sold(request: SiteRequest, account: Account, chosen: Choice, form: dict[str, str]) -> HttpResponse:
    """Opens the payment, and leads to it."""
    method, context = typed(request, "method", 20), _counter(request, account, chosen, form)
    if method not in [way.name for way in context["ways"]]:
        return refused(request, "buy_pay.html", {"method": sentences.METHOD_MISSING}, context)
    if not request.services.limits.orders.take(account.handle):
        return refused(request, "buy_pay.html", {"method": sentences.TOO_OFTEN}, context)
    order = choices.order_of(request, account, chosen, method, renews=context["renewable"] and context["renews"])
    try:
        reference = request.services.shop.begin(order, **addresses(request))
    except PaymentError:
        return refused(request, "buy_pay.html", {"method": sentences.PROCESSOR_AWAY}, context)
    response = to_page("checkout")
    keep(request, response, reference)
    return response


def addresses(request: SiteRequest) -> dict[str, str]:
    """Where the processor leads her back to, and where it may reach us."""
    here = f"{request.scheme}://{request.get_host()}"
    return {"back": here + reverse("paid"), "callback": f"{here}/pay/"}


def keep(request: SiteRequest, response: HttpResponse, reference: str) -> None:
    """The sealed order, in her own cookie for half an hour."""
    secure = request.is_secure()
    response.set_cookie(
        shop.COOKIE, reference, max_age=shop.COOKIE_SECONDS, path="/", secure=secure, httponly=True, samesite="Lax"
    )


def _shelf(request: SiteRequest, account: Account, form: dict[str, str]) -> dict[str, Any]:
    """The first form: what is sold, and what stands in the fields."""
    catalogue, today = request.services.shop.catalogue, today_of(request)
    currency = form["currency"] if form["currency"] in catalogue.currencies else catalogue.currencies[0]
    shelves = []
    for name in PRODUCTS:
        product = Product(name)
        rows = [
            (one.package, ways.term(one.months), one.price, one) for one in offers(catalogue, product, currency, today)
        ]
        shelves.append((product, ways.PRODUCTS[product], rows, _aligned(request, account, product, currency)))
    return {
        "shelves": [shelf for shelf in shelves if shelf[2]],
        "typed": form,
        "currency": currency,
        "currencies": catalogue.currencies,
        "countries": request.services.assets.countries[request.LANGUAGE_CODE],
        "found": place_of(request),
        "live": is_live(account.subscription, today),
    }


def _aligned(request: SiteRequest, account: Account, product: Product, currency: str) -> tuple[str, str, Any] | None:
    """An add-on until the subscription's last day: its package, how long that is, and what it costs."""
    if product == Product.SUBSCRIPTION:
        return None
    today, catalogue = today_of(request), request.services.shop.catalogue
    days = aligned_days(account.subscription, getattr(account, product), today)
    if not days:
        return None
    return f"{product}-{choices.ALIGNED}", ways.term(0, days), prorated(catalogue, product, days, currency, today)


def _counter(request: SiteRequest, account: Account, chosen: Choice, form: dict[str, str]) -> dict[str, Any]:
    """The second form: the price, and the ways to pay it."""
    offered = {
        name
        for name, provider in request.services.shop.providers.items()
        if provider.offers(choices.order_of(request, account, chosen, name))
    }
    today = today_of(request)
    return {
        "fields": list(form.items()),
        "chosen": chosen,
        "what": ways.PRODUCTS[chosen.product],
        "term": ways.term(chosen.months, chosen.days),
        "ways": [way for name, way in ways.WAYS.items() if name in offered],
        "method": typed(request, "method", 20),
        "renewable": _renewable(request, chosen, offered),
        "renews": "renews" in request.POST,
        "rests": chosen.product != Product.SUBSCRIPTION and not is_live(account.subscription, today),
        "outside": chosen.treatment.duty == "nobody",
    }


def _renewable(request: SiteRequest, chosen: Choice, offered: set[str]) -> bool:
    """Whether cards can renew this by themselves: the subscription, for private buyers."""
    renewing = {one.name for one in request.services.shop.renewing}
    return (
        chosen.product == Product.SUBSCRIPTION and chosen.months > 0 and not chosen.number and bool(renewing & offered)
    )
