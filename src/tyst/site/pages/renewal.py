"""Automatic renewal: whether the card processor would charge again, asked of it when somebody looks; and its end.

We store nothing about it: the processor finds the mandate by a keyed hash of the user name (`core.owner`). Switching it
off cancels it there at once. It is switched on by buying with the box ticked. Counterparts: `buy.py`, `leaving.py`.
"""

from collections.abc import Sequence

from django.http import HttpResponse

from tyst.core.owner import OWNER
from tyst.payments.provider import PaymentError
from tyst.records import reservations
from tyst.records.models import Account
from tyst.site import sentences
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
            stop(request, account)
            return page(request, "renewal.html", {"known": True, "on": False, "stopped": True})
        return page(request, "renewal.html", {"known": True, "on": bool(_held(request, account))})
    except PaymentError:
        return refused(request, "renewal.html", {"form": sentences.MANDATE_AWAY}, {"known": False})


def stop(request: SiteRequest, account: Account) -> None:
    """Cancels whatever could charge this account again. PaymentError when a processor can't be reached."""
    name = mandate(request, account)
    for provider in request.services.shop.renewing:
        provider.stop(name)


def mandate(request: SiteRequest, account: Account) -> str:
    """The name by which a processor finds the account's mandate."""
    return reservations.owner(request.services.keys.secrets[OWNER], account).hex()


def _held(request: SiteRequest, account: Account) -> Sequence[str]:
    name = mandate(request, account)
    return [one.name for one in request.services.shop.renewing if one.has_mandate(name)]
