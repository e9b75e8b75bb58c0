"""Another user name. The password is asked for, and what hangs on the old name is ended first or told of.

The processor's mandate is found by a hash of the name, so it is cancelled before; whoever wants it buys with the box
ticked again. The old name rests for 90 days. Counterpart: `records.renaming`.
"""

from django.http import HttpResponse

from tyst.core.account import username_fault
from tyst.core.owner import OWNER
from tyst.records import accounts, renaming
from tyst.records.models import Account
from tyst.site import holdings, parting, sentences
from tyst.site.pages.common import allows, customer, page, refused, secret, signed_in, to_page, typed, visitor
from tyst.site.pages.settings import context
from tyst.site.services import SiteRequest


@allows("POST")
@signed_in
def rename(request: SiteRequest) -> HttpResponse:
    """Changes the user name."""
    account, _session = customer(request)
    wished = typed(request, "username").strip()
    errors = _faults(request, account, wished)
    if not errors and holdings.orders(request.services, account):
        errors = {"renewal": sentences.PAYMENT_OPEN}
    if not errors and not parting.mandates_end(request.services, account):
        errors = {"renewal": sentences.MANDATE_AWAY}
    if errors:
        return refused(request, "settings.html", errors, {**context(request), "wished": wished})
    services = request.services
    try:
        done = renaming.rename(account.handle, services.keys.secrets[OWNER], wished, services.now())
    except accounts.UsernameTakenError:
        taken = {"username": sentences.USERNAME_TAKEN}
        return refused(request, "settings.html", taken, {**context(request), "wished": wished})
    if not done:
        return to_page("signin")
    request.account = accounts.by_handle(account.handle)
    return page(request, "settings.html", {**context(request), "renamed": True})


def _faults(request: SiteRequest, account: Account, wished: str) -> dict[str, str]:
    services, place = request.services, visitor(request)
    if services.limits.signins.spent(place):
        return {"proof": sentences.TOO_MANY}
    if not services.passwords.check(account.password, secret(request, "proof")):
        services.limits.signins.take(place)
        return {"proof": sentences.PASSWORD_WRONG}
    fault = username_fault(wished)
    if fault:
        return {"username": fault}
    other = wished.lower() != account.username.lower()
    if other and not services.limits.reminders.take(account.handle):
        return {"username": sentences.CHANGES_TOO_MANY}
    return {"username": sentences.USERNAME_TAKEN} if other and not parting.is_free(services, wished) else {}
