"""The open payment: a link to the processor, a code to scan, an address to send to, or card fields.

Which one it is the processor's `Checkout` says. The page asks the processor itself, again and again: by a script where
there is one, by the page's own reloading where not. The card page alone may load the card processor's script. Nothing
but the buyer's cookie says which order it is. Counterparts: `buy.py` before it, `paid.py` after it.
"""

from typing import Any

import segno
from django.http import HttpResponse
from django.utils.safestring import SafeString

from tyst.core.order import Order
from tyst.payments.provider import Checkout, Event, PaymentError, What
from tyst.site import sentences, shop, ways
from tyst.site.middleware import relaxed
from tyst.site.pages.buy import addresses
from tyst.site.pages.common import allows, customer, page, refused, signed_in, to_page
from tyst.site.services import SiteRequest
from tyst.site.shop import Standing

REFRESH_SECONDS = 6
_FORMS = {
    "redirect": "checkout_redirect.html",
    "qr": "checkout_code.html",
    "address": "checkout_address.html",
    "card": "checkout_card.html",
}


@allows("GET", "POST")
@signed_in
def checkout(request: SiteRequest) -> HttpResponse:
    """The payment that is open, or the way to a new one."""
    reference = request.COOKIES.get(shop.COOKIE, "")
    account, _session = customer(request)
    order = request.services.shop.order(reference, account)
    if order is None:
        return page(request, "checkout_none.html")
    opened = request.services.shop.till.get(reference)
    if opened is None:
        return _reopened(request, order, reference)
    if opened.kind == "card":
        return _card(request, order, reference, opened)
    standing = where(request, order, reference)[0]
    if standing in (Standing.PAID, Standing.BACK, Standing.FAILED):
        return to_page("paid")
    return page(request, _FORMS[opened.kind], {**context(order, opened), "standing": standing})


def where(request: SiteRequest, order: Order, reference: str) -> tuple[Standing, Event | None]:
    """Where the payment is, unless she has asked too often just now."""
    account, _session = customer(request)
    if not request.services.limits.looks.take(account.handle):
        return Standing.AWAY, None
    return request.services.shop.look(order, reference)


def _reopened(request: SiteRequest, order: Order, reference: str) -> HttpResponse:
    """Nothing is open under this order (any more): paid, lapsed, or forgotten at a restart."""
    standing = where(request, order, reference)[0]
    if standing not in (Standing.WAITING, Standing.FAILED):
        return to_page("paid")
    return page(request, "checkout_none.html")


def _card(request: SiteRequest, order: Order, reference: str, opened: Checkout) -> HttpResponse:
    if request.method != "POST":
        return _card_page(request, order, opened, {})
    account, _session = customer(request)
    if not request.services.limits.orders.take(account.handle):
        return _card_page(request, order, opened, {"card": sentences.TOO_OFTEN})
    provider = request.services.shop.providers[order.method]
    try:
        event = provider.pay(order, reference, {name: request.POST.get(name, "")[:4000] for name in request.POST})
    except PaymentError:
        return _card_page(request, order, opened, {"card": sentences.CARD_UNCERTAIN})
    if event.what is not What.FAILED:
        request.services.shop.told(provider, event)
        return to_page("paid")
    return _declined(request, order, reference, opened)


def _declined(request: SiteRequest, order: Order, reference: str, opened: Checkout) -> HttpResponse:
    """The same page with a fresh token, and why."""
    try:
        request.services.shop.again(order, reference, **addresses(request))
    except PaymentError:
        return _card_page(request, order, opened, {"card": sentences.PROCESSOR_AWAY})
    fresh = request.services.shop.till.get(reference) or opened
    return _card_page(request, order, fresh, {"card": sentences.CARD_DECLINED})


def _card_page(request: SiteRequest, order: Order, opened: Checkout, errors: dict[str, str]) -> HttpResponse:
    """The page whose policy lets the card processor's script in, by the origins that the provider names."""
    response = refused(request, _FORMS["card"], errors, context(order, opened))
    response.status_code = 422 if errors else 200
    return relaxed(response, opened.allow)


def context(order: Order, opened: Checkout) -> dict[str, Any]:
    """What all kinds show."""
    return {
        "order": order,
        "checkout": opened,
        "way": ways.WAYS.get(order.method),
        "what": ways.PRODUCTS[order.product],
        "term": ways.term(order.months, order.days),
        "code": drawn(opened.qr) if opened.qr else "",
        "lines": [(ways.LABELS.get(label, label), value, label) for label, value in opened.lines],
        "refresh": REFRESH_SECONDS,
    }


def drawn(text: str) -> SafeString:
    """A QR code as an SVG element: black on white whatever the page's colours, no style and no script in it."""
    made = segno.make(text, error="m", micro=False)
    svg = made.svg_inline(scale=1, border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None)
    # A code's SVG holds a path of numbers and nothing of the text.
    return SafeString(svg.replace("<svg ", '<svg aria-hidden="true" ', 1))  # nosec B703
