"""Automatic renewal: whether the card processor would charge again, asked of it when somebody looks; and its end.

We store nothing about it: the processor finds the mandate by a keyed hash of the user name (`core.owner`). Switching it
off cancels it there at once. It is switched on by buying with the box ticked. Counterparts: `buy.py`, `leaving.py`.
"""

from collections.abc import Sequence

from django.http import HttpResponse

from tyst.payments.provider import PaymentError
from tyst.records.models import Account
from tyst.site import holdings, parting, sentences
from tyst.site.pages.common import allows, customer, page, refused, signed_in
from tyst.site.services import SiteRequest


@allows("GET", "POST")
@signed_in
def renewal(request: SiteRequest) -> HttpResponse:
    """On or off, and the switch."""
    account, _session = customer(request)
    if not request.services.limits.looks.take(account.handle):
        return refused(request, "renewal.html", {"form": sentences.TOO_OFTEN}, {"known": False})
    try:
        if request.method == "POST":
            if not parting.mandates_end(request.services, account):
                raise PaymentError
            return page(request, "renewal.html", {"known": True, "on": False, "stopped": True})
        return page(request, "renewal.html", {"known": True, "on": bool(_held(request, account))})
    except PaymentError:
        return refused(request, "renewal.html", {"form": sentences.MANDATE_AWAY}, {"known": False})


def _held(request: SiteRequest, account: Account) -> Sequence[str]:
    name = holdings.mandate(request.services, account)
    return [one.name for one in request.services.shop.renewing if one.has_mandate(name)]
