"""Settings: what she decides about her tunnels and how we speak to her; and her password."""

from typing import Any

from django.http import HttpResponse

from tyst.core.account import CURRENCIES, LANGUAGES, PASSWORD_ADVISED, PASSWORD_MIN, email_fault, password_fault
from tyst.core.country import COUNTRIES
from tyst.records import accounts
from tyst.records.models import Account
from tyst.site import languages, post, sentences
from tyst.site.pages.common import allows, customer, page, refused, rekeyed, secret, signed_in, to_page, typed, visitor
from tyst.site.services import SiteRequest

FLAGS = ("has_ipv6", "compression", "streaming")


@allows("GET", "POST")
@signed_in
def preferences(request: SiteRequest) -> HttpResponse:
    """Flags, language, currency, e-mail and newsletter, in one form."""
    if request.method != "POST":
        return page(request, "settings.html", context(request))
    changes = _changes(request)
    errors = _faults(request, changes)
    if errors:
        return refused(request, "settings.html", errors, {**context(request), "typed": changes})
    account, _session = customer(request)
    asked = _asked(request, account, changes)
    accounts.edit(account.handle, request.services.now(), **changes)
    if asked:
        request.account = accounts.by_handle(account.handle)
        return page(request, "settings.html", {**context(request), "asked": asked})
    return to_page("settings", changes["language"])


def _asked(request: SiteRequest, account: Account, changes: dict[str, Any]) -> str:
    """Takes out of the changes what is only true once an address has said so, and asks it; which one was asked.

    Without mail an address is taken as it is typed: nobody writes to it.
    """
    services, email = request.services, changes["email"]
    wants = changes["newsletter"] and not account.newsletter
    changes["newsletter"] = changes["newsletter"] and account.newsletter and email is not None
    if not services.outbox.open:
        return ""
    if email == account.email:
        del changes["email"]
    elif email is None:
        post.tell_old_address(services, account, account.email)
    else:
        del changes["email"]
        post.ask_address(services, account, email)
    if wants and email:
        post.ask_newsletter(services, account, email)
    return email or "" if wants or (email is not None and email != account.email) else ""


def context(request: SiteRequest) -> dict[str, Any]:
    """What the settings page shows."""
    account, _session = customer(request)
    names = ("email", "newsletter", "language", "currency", "country", *FLAGS)
    return {
        "typed": {name: getattr(account, name) for name in names},
        "languages": languages.ALL,
        "currencies": CURRENCIES,
        "countries": request.services.assets.countries[request.LANGUAGE_CODE],
        "shortest": PASSWORD_MIN,
        "advised": PASSWORD_ADVISED,
    }


def _changes(request: SiteRequest) -> dict[str, Any]:
    changes: dict[str, Any] = {name: name in request.POST for name in ("newsletter", *FLAGS)}
    changes["email"] = typed(request, "email", 300).strip() or None
    changes["country"] = typed(request, "country", 2) or customer(request)[0].country
    return {**changes, "language": typed(request, "language", 2), "currency": typed(request, "currency", 3)}


def _faults(request: SiteRequest, changes: dict[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if changes["email"] is not None and (fault := email_fault(changes["email"])):
        errors["email"] = fault
    elif changes["newsletter"] and changes["email"] is None:
        errors["newsletter"] = sentences.NEWSLETTER_NEEDS_EMAIL
    elif changes["newsletter"] and not request.services.outbox.open:
        errors["newsletter"] = sentences.NEWSLETTER_NO_MAIL
    elif _writes(request, changes) and not request.services.limits.reminders.take(customer(request)[0].handle):
        errors["form"] = sentences.CHANGES_TOO_MANY
    known = changes["language"] in LANGUAGES and changes["currency"] in CURRENCIES and changes["country"] in COUNTRIES
    if not known:
        errors["form"] = sentences.SETTING_UNKNOWN
    return errors


def _writes(request: SiteRequest, changes: dict[str, Any]) -> bool:
    """Whether these changes send a letter to an address that somebody typed: that has a limit."""
    account, _session = customer(request)
    new = changes["email"] is not None and changes["email"] != account.email
    return request.services.outbox.open and (new or (changes["newsletter"] and not account.newsletter))


@allows("POST")
@signed_in
def password(request: SiteRequest) -> HttpResponse:
    """A new password; with it, unless she unticks it, a new handle: everything else is signed out and disconnected."""
    account, _session = customer(request)
    services, place = request.services, visitor(request)
    if services.limits.signins.spent(place):
        return refused(request, "settings.html", {"current": sentences.TOO_MANY}, context(request))
    if not services.passwords.check(account.password, secret(request, "current")):
        services.limits.signins.take(place)
        return refused(request, "settings.html", {"current": sentences.PASSWORD_WRONG}, context(request))
    fresh = secret(request, "password")
    fault = password_fault(fresh.reveal(), account.username, services.passwords.common)
    if fault:
        return refused(request, "settings.html", {"password": fault}, context(request))
    hashed = services.passwords.hash(fresh)
    if "rekey" in request.POST:
        return rekeyed(request, account, password=hashed, why="password")
    accounts.edit(account.handle, services.now(), password=hashed)
    return page(request, "settings.html", {**context(request), "saved": True})
