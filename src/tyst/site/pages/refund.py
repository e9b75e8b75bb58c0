"""Money back: the code from the receipt, within ten days of the first purchase.

We can't look a payment up: the code is the only thing that tells which one it was. After its time, or without it, the
link is gone, and the page says so. Counterpart: `payments.settling.Settler.refund`.
"""

from django.http import HttpResponse

from tyst.payments.settling import Outcome
from tyst.records import accounts
from tyst.site import sentences
from tyst.site.pages.common import allows, customer, page, refused, signed_in, to_page, typed
from tyst.site.services import SiteRequest

FAULTS = {
    Outcome.REFUSED: sentences.REFUND_GONE,
    Outcome.AGAIN: sentences.REFUND_AGAIN,
    Outcome.FAILED: sentences.REFUND_LATER,
}


@allows("GET", "POST")
def refund(request: SiteRequest) -> HttpResponse:
    """Says how it works to everybody; the form is for the signed-in."""
    if request.method != "POST":
        return page(request, "refund.html")
    if request.account is None:
        return to_page("signin")
    return _back(request)


@signed_in
def _back(request: SiteRequest) -> HttpResponse:
    account, _session = customer(request)
    code = typed(request, "code", 400)
    if not request.services.limits.vouchers.take(account.handle):
        return refused(request, "refund.html", {"code": sentences.TOO_MANY}, {"code": code})
    outcome = request.services.shop.settler.refund(code, account)
    if outcome in FAULTS:
        return refused(request, "refund.html", {"code": FAULTS[outcome]}, {"code": code})
    request.account = accounts.by_handle(account.handle)
    return page(request, "refund.html", {"done": True})
