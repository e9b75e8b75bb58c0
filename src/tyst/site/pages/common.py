"""What pages share: rendering, the door for signed-in customers, starting a session, moving to a new handle."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from tyst.core.paper import bits_to_symbols, symbols_to_text
from tyst.core.tokens import HANDLE_BYTES, Recovery, Session, seal_token
from tyst.core.transient import Transient
from tyst.records import erase
from tyst.records.models import Account
from tyst.site import languages, sessions
from tyst.site.limits import address_of, prefix_of
from tyst.site.sentences import SENTENCES
from tyst.site.services import Services, SiteRequest

View = Callable[..., HttpResponse]
RECOVERY_GROUP = 4


def page(
    request: SiteRequest, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A page in the visitor's language."""
    return render(request, template, dict(context or {}), status=status)


def refused(request: SiteRequest, template: str, errors: Mapping[str, str], context: Mapping[str, Any]) -> HttpResponse:
    """The form again, with a sentence at each field (by code) that was refused, and what was typed but passwords."""
    sentences = {field: SENTENCES[code] for field, code in errors.items()}
    return page(request, template, {**context, "errors": sentences, "codes": errors}, status=422)


def allows(*methods: str) -> Callable[[View], View]:
    """The page answers to these methods only (HEAD goes with GET)."""
    allowed = [*methods, *(["HEAD"] if "GET" in methods else [])]

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: SiteRequest, *args: Any, **words: Any) -> HttpResponse:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            return view(request, *args, **words)

        return inner

    return decorate


def signed_in(view: View) -> View:
    """The page is for customers; others are led to the sign-in page."""

    @wraps(view)
    def inner(request: SiteRequest, *args: Any, **words: Any) -> HttpResponse:
        if request.account is None:
            return HttpResponseRedirect(reverse("signin"))
        return view(request, *args, **words)

    return inner


def to_page(name: str, language: str | None = None) -> HttpResponseRedirect:
    """Leads to a page, in another language when one is named by its prefix."""
    address = reverse(name)
    if language in languages.BY_PREFIX:
        address = f"/{language}/{address.split('/', 2)[2]}"
    return HttpResponseRedirect(address)


def typed(request: SiteRequest, name: str, most: int = 200) -> str:
    """A posted field, cut to a length that no honest one exceeds."""
    return request.POST.get(name, "")[:most]


def secret(request: SiteRequest, name: str) -> Transient[str]:
    """A posted password."""
    return Transient(request.POST.get(name, "")[:1024])


def visitor(request: SiteRequest) -> bytes:
    """The visitor's address prefix, for counting tries only."""
    return prefix_of(address_of(request.META.get("REMOTE_ADDR", "")))


def customer(request: SiteRequest) -> tuple[Account, Session]:
    """The signed-in customer and her session, behind `signed_in`."""
    assert request.account is not None and request.session is not None, "only behind signed_in"
    return request.account, request.session


def shown_session(request: SiteRequest) -> bytes:
    """The customer's session, sealed anew for the gate to see."""
    services = request.services
    nonce = services.draw(sessions.NONCE_BYTES)
    return sessions.sealed(services.keys, customer(request)[1], nonce, services.seconds)


def enter(request: SiteRequest, response: HttpResponse, handle: bytes, *, remember: bool) -> None:
    """Signs the visitor in: fresh cookies with a fresh serial in the response."""
    services = request.services
    session = Session(handle, services.draw(sessions.SERIAL_BYTES))
    nonces = (services.draw(sessions.NONCE_BYTES), services.draw(sessions.NONCE_BYTES) if remember else None)
    sessions.set_cookies(response, services.keys, session, nonces, services.seconds, secure=request.is_secure())


def recovery_code(services: Services, handle: bytes) -> str:
    """The code for the customer's drawer, in groups of four."""
    nonce = services.draw(sessions.NONCE_BYTES)
    blob = seal_token(services.keys.seal, Recovery(handle), nonce=nonce, now=services.seconds)
    return symbols_to_text(bits_to_symbols(blob), RECOVERY_GROUP)


def rekeyed(request: SiteRequest, account: Account, *, password: str | None = None, why: str) -> HttpResponse:
    """Moves the account to a fresh handle and shows the new recovery code; this browser alone stays signed in."""
    services = request.services
    fresh = services.draw(HANDLE_BYTES)
    if not erase.rekey(account.handle, fresh, services.now(), password=password):
        return to_page("signin")
    account.handle = fresh
    request.account = account
    response = page(request, "code.html", {"code": recovery_code(services, fresh), "why": why})
    enter(request, response, fresh, remember=sessions.REMEMBER in request.COOKIES)
    return response
