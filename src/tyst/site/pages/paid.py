"""Coming back: asks the processor what became of the payment, and shows the receipt to whoever holds the order.

The receipt is made anew from the sealed order in her cookie and from what the processor says: page and PDF. When the
cookie is gone, after half an hour, nobody can make it again, and the page says so before. Counterparts: `checkout.py`,
`payments.settling` (settles, and makes the receipt), `mail.receipts` (draws the PDF).
"""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse

from tyst.core.receipt import Receipt
from tyst.payments.provider import Event
from tyst.records import accounts
from tyst.site import shop, ways
from tyst.site.pages.checkout import REFRESH_SECONDS, where
from tyst.site.pages.common import allows, customer, page, signed_in
from tyst.site.services import SiteRequest
from tyst.site.shop import Standing

LASTING = (Standing.PAID, Standing.FAILED, Standing.BACK)
"""Where nothing changes any more."""


@allows("GET")
@signed_in
def paid(request: SiteRequest) -> HttpResponse:
    """The receipt, or where the payment is."""
    standing, event = _standing(request)
    if standing is None:
        return page(request, "checkout_none.html")
    receipt = _receipt(request, event) if standing is Standing.PAID and event else None
    context: dict[str, Any] = {"standing": standing, "receipt": receipt, "refresh": REFRESH_SECONDS, "mailed": False}
    if receipt:
        account, _session = customer(request)
        context |= {
            "what": ways.PRODUCTS[receipt.product],
            "term": ways.term(receipt.months, receipt.days),
            "way": ways.WAYS.get(receipt.method),
            "seller": request.services.shop.seller,
            "mailed": bool(account.email) and request.services.outbox.open,
        }
    return page(request, "paid.html", context)


@allows("GET")
@signed_in
def state(request: SiteRequest) -> HttpResponse:
    """The same in one word, for the waiting page's script."""
    standing, _event = _standing(request)
    word = "none" if standing is None else standing.value
    return JsonResponse({"state": word, "lasting": standing is None or standing in LASTING})


@allows("GET")
@signed_in
def pdf(request: SiteRequest) -> HttpResponse:
    """The receipt as a file."""
    standing, event = _standing(request)
    receipt = _receipt(request, event) if standing is Standing.PAID and event else None
    if receipt is None:
        return page(request, "checkout_none.html", status=404)
    body = request.services.shop.pdf(receipt, request.build_absolute_uri(reverse("refund")))
    name = f"tyst-{receipt.number.lower()}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type="application/pdf", headers=headers)


def _standing(request: SiteRequest) -> tuple[Standing | None, Event | None]:
    account, _session = customer(request)
    reference = request.COOKIES.get(shop.COOKIE, "")
    order = request.services.shop.order(reference, account)
    return (None, None) if order is None else where(request, order, reference)


def _receipt(request: SiteRequest, event: Event) -> Receipt | None:
    """Hers, made from her order; the account is read again, because it has the new time now."""
    account, _session = customer(request)
    fresh = accounts.by_handle(account.handle)
    if fresh is None:
        return None
    request.account = fresh
    return request.services.shop.settler.receipt(request.COOKIES.get(shop.COOKIE, ""), event, fresh)
