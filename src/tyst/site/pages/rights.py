"""Her rights without asking anybody: a copy of all that is kept, and the same for those who can't sign in.

The password, or the recovery code, is the only proof that an account is hers: a copy is shown to whoever types one of
them, also when a browser is signed in already, and there is no third way. Requests are answered on the spot, so none is
stored. Counterparts: `copies.py` puts the copy together, `leaving.py` deletes, `settings.py` and `naming.py` correct.
"""

import json
from collections.abc import Mapping

from django.http import HttpResponse

from tyst.records.models import Account
from tyst.site import copies, sentences
from tyst.site.pages.common import allows, customer, page, refused, signed_in, typed, visitor
from tyst.site.pages.join import account_of_code
from tyst.site.pages.leaving import deleted, losses, password_errors
from tyst.site.services import SiteRequest

CODE_MOST = 300


@allows("GET", "POST")
@signed_in
def copy(request: SiteRequest) -> HttpResponse:
    """Everything that is kept about her, once she has typed her password."""
    account, _session = customer(request)
    if request.method != "POST":
        return page(request, "copy.html")
    errors = password_errors(request, account) or _often(request, account, "password")
    if errors:
        return refused(request, "copy.html", errors, {})
    return _handed_over(request, account)


@allows("GET", "POST")
def rights(request: SiteRequest) -> HttpResponse:
    """What she may ask for and where; and, by the recovery code, a copy or deletion without signing in."""
    context = {"seller": request.services.shop.seller}
    if request.method != "POST":
        return page(request, "rights.html", context)
    account = _proved(request)
    if isinstance(account, dict):
        return refused(request, "rights.html", account, context)
    act = typed(request, "act", 10)
    if act in ("page", "json"):
        errors = _often(request, account, "code")
        return refused(request, "rights.html", errors, context) if errors else _handed_over(request, account)
    words = {**losses(request, account), "code": typed(request, "code", CODE_MOST)}
    if act != "gone":
        return page(request, "delete.html", words)
    return deleted(request, account, words, lambda *_: {})


def _proved(request: SiteRequest) -> Account | dict[str, str]:
    """Whose code it is; or what to say."""
    limits, place = request.services.limits, visitor(request)
    if limits.signins.spent(place):
        return {"code": sentences.TOO_MANY}
    account = account_of_code(request)
    if account is None:
        limits.signins.take(place)
        return {"code": sentences.RECOVERY_WRONG}
    return account


def _often(request: SiteRequest, account: Account, field: str) -> Mapping[str, str]:
    """Processors and mail services are asked each time: that has a limit."""
    return {} if request.services.limits.orders.take(account.handle) else {field: sentences.TOO_OFTEN}


def _handed_over(request: SiteRequest, account: Account) -> HttpResponse:
    """The copy, as a page or as a file."""
    found = copies.of(request.services, account)
    if typed(request, "act", 10) != "json":
        return page(request, "copy_shown.html", found.context())
    text = json.dumps(found.document(), ensure_ascii=False, indent=2)
    name = {"Content-Disposition": 'attachment; filename="tyst-copy.json"'}
    return HttpResponse(text + "\n", content_type="application/json; charset=utf-8", headers=name)
