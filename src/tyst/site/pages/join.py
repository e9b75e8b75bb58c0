"""Joining and coming back: sign-up, sign-in, sign-out, and recovery with the code from the drawer.

Sign-in writes nothing: no time, no counter, no flag. An unknown user name costs the same work and gets the same answer
as a wrong password. That a name is taken can't be hidden from whoever tries to take it; tries are limited.
"""

from typing import Any

from django.http import HttpResponse

from tyst.core.account import CURRENCIES, default_currency, password_fault, username_fault
from tyst.core.country import COUNTRIES
from tyst.core.paper import PaperError, symbols_to_bits, text_to_symbols
from tyst.core.seal import SealError
from tyst.core.tokens import HANDLE_BYTES, Recovery, open_token
from tyst.records import accounts
from tyst.records.models import Account
from tyst.site import languages, parting, sentences, sessions
from tyst.site.limits import address_of
from tyst.site.pages.common import (
    allows,
    enter,
    page,
    recovery_code,
    refused,
    rekeyed,
    secret,
    to_page,
    typed,
    visitor,
)
from tyst.site.services import SiteRequest


@allows("GET", "POST")
def sign_up(request: SiteRequest) -> HttpResponse:
    """A user name and a password; everything that would be stored is shown before it is."""
    context = _sign_up_context(request)
    if request.method != "POST":
        return page(request, "signup.html", context)
    if not request.services.limits.signups.take(visitor(request)):
        return refused(request, "signup.html", {"form": sentences.TOO_MANY}, context)
    errors = _sign_up_faults(request, context)
    if errors:
        return refused(request, "signup.html", errors, context)
    try:
        account = _create(request, context)
    except accounts.UsernameTakenError:
        return refused(request, "signup.html", {"username": sentences.USERNAME_TAKEN}, context)
    return _welcome(request, account)


def _sign_up_context(request: SiteRequest) -> dict[str, Any]:
    """What the form shows. The address is looked at here and nowhere else, and only its country goes on."""
    services = request.services
    found = services.geo.country(address_of(request.META.get("REMOTE_ADDR", "")))
    chosen = typed(request, "country", 2)
    country = found or (chosen if chosen in COUNTRIES else None)
    currency = typed(request, "currency", 3)
    return {
        "username": typed(request, "username"),
        "found": found,
        "country": country,
        "countries": services.assets.countries[request.LANGUAGE_CODE],
        "currency": currency if currency in CURRENCIES else default_currency(country),
        "currencies": CURRENCIES,
        "language": languages.prefix_of(request.LANGUAGE_CODE),
    }


def _sign_up_faults(request: SiteRequest, context: dict[str, Any]) -> dict[str, str]:
    username = context["username"]
    word = secret(request, "password").reveal()
    faults: dict[str, str | None] = {
        "username": username_fault(username),
        "password": password_fault(word, username, request.services.passwords.common),
        "country": None if context["country"] else sentences.COUNTRY_MISSING,
    }
    if faults["username"] is None and not parting.is_free(request.services, username):
        faults["username"] = sentences.USERNAME_TAKEN
    return {field: fault for field, fault in faults.items() if fault}


def _create(request: SiteRequest, context: dict[str, Any]) -> Account:
    services = request.services
    return accounts.create(
        handle=services.draw(HANDLE_BYTES),
        username=context["username"],
        password=services.passwords.hash(secret(request, "password")),
        country=context["country"],
        language=context["language"],
        currency=context["currency"],
        now=services.now(),
    )


def _welcome(request: SiteRequest, account: Account) -> HttpResponse:
    request.account = account
    code = recovery_code(request.services, account.handle)
    response = page(request, "code.html", {"code": code, "why": "welcome"})
    enter(request, response, account.handle, remember=False)
    return response


@allows("GET", "POST")
def sign_in(request: SiteRequest) -> HttpResponse:
    """User name and password, and 'remember me' for those who tick it."""
    context = {"username": typed(request, "username")}
    if request.method != "POST":
        return to_page("account") if request.account else page(request, "signin.html", context)
    limits, place = request.services.limits, visitor(request)
    if limits.signins.spent(place):
        return refused(request, "signin.html", {"form": sentences.TOO_MANY}, context)
    account = accounts.by_username(context["username"])
    if not request.services.passwords.check(account.password if account else None, secret(request, "password")):
        limits.signins.take(place)
        return refused(request, "signin.html", {"form": sentences.LOGIN_WRONG}, context)
    assert account is not None, "only an account's own password is right"
    response = to_page("account", account.language)
    enter(request, response, account.handle, remember="remember" in request.POST)
    return response


@allows("POST")
def sign_out(request: SiteRequest) -> HttpResponse:
    """Ends this session, here and for any copy of its cookies."""
    if request.session is not None:
        request.services.denied.add(request.session.serial, request.services.seconds)
    response = to_page("start")
    sessions.drop_cookies(response)
    return response


@allows("GET", "POST")
def recover(request: SiteRequest) -> HttpResponse:
    """The code from the drawer and a new password. Everything else that opened the account opens nothing afterwards."""
    if request.method != "POST":
        return page(request, "recover.html")
    limits, place = request.services.limits, visitor(request)
    if limits.signins.spent(place):
        return refused(request, "recover.html", {"form": sentences.TOO_MANY}, {})
    account = account_of_code(request)
    if account is None:
        limits.signins.take(place)
        return refused(request, "recover.html", {"code": sentences.RECOVERY_WRONG}, {})
    word = secret(request, "password")
    fault = password_fault(word.reveal(), account.username, request.services.passwords.common)
    if fault:
        return refused(request, "recover.html", {"password": fault}, {"code_typed": typed(request, "code", 300)})
    return rekeyed(request, account, password=request.services.passwords.hash(word), why="recovered")


def account_of_code(request: SiteRequest) -> Account | None:
    """Whose recovery code was typed; None when it opens nothing."""
    services = request.services
    try:
        blob = symbols_to_bits(text_to_symbols(typed(request, "code", 300)))
        token = open_token(services.keys.seal, Recovery, blob, now=services.seconds)
    except (PaperError, SealError):
        return None
    return accounts.by_handle(token.handle)
