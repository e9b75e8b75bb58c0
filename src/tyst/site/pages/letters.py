"""Where the links of our letters lead: a new password, a confirmation, an end to the newsletter; and the mail services'
door for bounces.

Opening a page changes nothing: programs that look into mail open links. Whether a link is good says the seal, and for
a new password the handle in it, which its first use replaces. Asking for one gets the same answer in the same time
whether or not there is such an account. Counterparts: `site.post` seals, `settings.py` asks.
"""

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpResponse, JsonResponse, UnreadablePostError
from django.utils import translation

from tyst.core.account import password_fault
from tyst.core.links import Purpose
from tyst.mail.letter import ForgedError
from tyst.records import accounts
from tyst.site import languages, notices, post, sentences
from tyst.site.pages.common import allows, page, refused, rekeyed, secret, typed, visitor
from tyst.site.services import SiteRequest


@allows("GET", "POST")
def recover(request: SiteRequest) -> HttpResponse:
    """Asks for a letter with a link to a new password."""
    if not request.services.outbox.open:
        return page(request, "recover_mail.html", {"closed": True})
    if request.method != "POST":
        return page(request, "recover_mail.html")
    name, email = typed(request, "username"), typed(request, "email", 300).strip()
    limits, context = request.services.limits, {"username": name, "email": email}
    if not limits.letters.take(visitor(request)):
        return refused(request, "recover_mail.html", {"form": sentences.TOO_MANY}, context)
    if limits.reminders.take(f"{name.lower()}\n{email.lower()}".encode()):
        post.send_reset(request.services, name, email, languages.prefix_of(request.LANGUAGE_CODE))
    return page(request, "recover_mail.html", {"sent": True})


@allows("GET", "POST")
def reset(request: SiteRequest, token: str) -> HttpResponse:
    """A new password; it re-keys, which ends the link too."""
    account = post.account_of_reset(request.services, token)
    if account is None:
        return page(request, "link_dead.html", {"reset": True}, status=410)
    if request.method != "POST":
        return page(request, "reset.html", {"username": account.username})
    word = secret(request, "password")
    fault = password_fault(word.reveal(), account.username, request.services.passwords.common)
    if fault:
        return refused(request, "reset.html", {"password": fault}, {"username": account.username})
    return rekeyed(request, account, password=request.services.passwords.hash(word), why="recovered")


@allows("GET", "POST")
def confirm(request: SiteRequest, token: str) -> HttpResponse:
    """Says yes to a question of ours: an address, or the newsletter."""
    found = post.confirmed(request.services, token)
    if found is None:
        return page(request, "link_dead.html", status=410)
    asked, account = found
    context = {"newsletter": asked.purpose is Purpose.NEWSLETTER, "email": asked.email}
    if request.method != "POST":
        return page(request, "confirm.html", context)
    if asked.purpose is Purpose.ADDRESS:
        before = account.email
        accounts.edit(account.handle, request.services.now(), email=asked.email)
        if before != asked.email:
            post.tell_old_address(request.services, account, before)
    elif account.email != asked.email:
        return page(request, "link_dead.html", {"other": True}, status=410)
    else:
        accounts.edit(account.handle, request.services.now(), newsletter=True)
    return page(request, "confirm.html", {**context, "done": True})


@allows("GET", "POST")
def unsubscribe(request: SiteRequest, token: str) -> HttpResponse:
    """Ends the newsletter: by the page's button, or by a mail program's POST (RFC 8058), signed in or not."""
    account = post.unsubscriber(request.services, token)
    if account is None:
        return page(request, "link_dead.html", status=410)
    if request.method != "POST":
        return page(request, "unsubscribe.html")
    if account.newsletter:
        accounts.edit(account.handle, request.services.now(), newsletter=False)
    return page(request, "unsubscribe.html", {"done": True})


def one_click(request: SiteRequest, token: str) -> HttpResponse:
    """The address in the newsletter's header: mail programs post here, without cookies, language or origin."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    account = post.unsubscriber(request.services, token)
    if account is None:
        return HttpResponse(status=410)
    if account.newsletter:
        accounts.edit(account.handle, request.services.now(), newsletter=False)
    return HttpResponse(status=200)


def bounced(request: SiteRequest, service: str) -> HttpResponse:
    """A mail service tells of letters that came back. Answers without a word."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        request.services.bounces.hear(service, headers, request.body, request.services.seconds)
    except (ForgedError, UnreadablePostError):
        return HttpResponse(status=403)
    except RequestDataTooBig:
        return HttpResponse(status=413)
    except DatabaseError:
        return HttpResponse(status=503)
    return HttpResponse(status=200)


@allows("GET")
def account_notices(request: SiteRequest) -> HttpResponse:
    """What the signed-in account must know today, as JSON for clients, in the account's language."""
    if request.account is None:
        return JsonResponse({"error": "signed-out"}, status=401)
    with translation.override(languages.BY_PREFIX[request.account.language].code):
        return JsonResponse({"notices": notices.of_account(request.account, request.services)})
