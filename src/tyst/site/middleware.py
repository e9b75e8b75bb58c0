"""What happens around every page: headers, the language in the address, who may post, and who is signed in.

Posting is open to our own pages only: the browser's `Origin` must be ours, so no token and no cookie is needed for it
(RFC 6454; a page without cookies stays without). `Referrer-Policy` is `same-origin`, which tells other sites nothing,
because under `no-referrer` browsers send `Origin: null` with a form of our own. The customer is looked up by the handle
in her sealed cookie; a handle that exists no more takes its cookies away.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from django.http import HttpResponse, HttpResponseRedirect
from django.utils import translation

from tyst.records import accounts
from tyst.records.inventory import inventory
from tyst.site import errors, languages, sessions
from tyst.site.services import SiteRequest

Next = Callable[[SiteRequest], HttpResponse]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
}
HSTS = "max-age=63072000"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_RELAXED = "tyst_policy"
_MAY_RELAX = ("script-src", "frame-src", "connect-src", "img-src")
_LAB = re.compile(r"http://localhost:\d+")
_WITHOUT_LANGUAGE = ("static", "robots.txt", "privacy.json", "favicon.ico", "pay", "mail", "api")
OUTSIDERS = ("/pay/", "/mail/", "/unsubscribe/")
"""The doors for processors, mail services and mail programs: what comes there proves itself, and has no page, language
or cookie of ours."""


def headers(get_response: Next) -> Next:
    """The outermost: every answer carries the same headers, and nothing but static files may be kept."""

    def middleware(request: SiteRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response[name] = value
        response["Content-Security-Policy"] = getattr(response, _RELAXED, POLICY)
        if request.is_secure():
            response["Strict-Transport-Security"] = HSTS
        response.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def relaxed(response: HttpResponse, allow: Mapping[str, Sequence[str]]) -> HttpResponse:
    """The same answer, whose page may also load from these origins, by directive: the card page, and no other.

    Only what the inventory declares (`[[host]]`) can be let in, and the lab's own host. Frames may be open to all of
    HTTPS: under 3-D Secure they show the buyer's own bank. ValueError for anything else.
    """
    directives = {name: list(sources) for name, *sources in (rule.split() for rule in POLICY.split(";"))}
    declared = {(one.directive, origin) for one in inventory().hosts for origin in one.origins}
    for name, origins in allow.items():
        if not all((name, origin) in declared or (name in _MAY_RELAX and _LAB.fullmatch(origin)) for origin in origins):
            raise ValueError("a page may load from named hosts that the inventory declares, and from nowhere else")
        directives[name] = [*directives.get(name, []), *origins]
    setattr(response, _RELAXED, "; ".join(" ".join([name, *sources]) for name, sources in directives.items()))
    return response


def language(get_response: Next) -> Next:
    """Speaks the language of the address, and leads addresses without one to the language that the browser prefers."""

    def middleware(request: SiteRequest) -> HttpResponse:
        first, _, rest = request.path_info.removeprefix("/").partition("/")
        if first in languages.BY_PREFIX:
            request.LANGUAGE_CODE = languages.BY_PREFIX[first].code
            with translation.override(request.LANGUAGE_CODE):
                return get_response(request)
        if first in _WITHOUT_LANGUAGE or request.method not in SAFE:
            return get_response(request)
        known = languages.BY_CODE.get(first)
        wished = known or languages.wished(request.headers.get("Accept-Language", ""))
        return HttpResponseRedirect(f"/{wished.prefix}/{rest if known else request.path_info.lstrip('/')}")

    return middleware


def same_origin(get_response: Next) -> Next:
    """Refuses whatever another site's page, or no page at all, wants to post here."""

    def middleware(request: SiteRequest) -> HttpResponse:
        if request.method not in SAFE and not request.path_info.startswith(OUTSIDERS):
            ours = f"{request.scheme}://{request.get_host()}"
            if request.headers.get("Origin") != ours:
                return errors.foreign(request)
        return get_response(request)

    return middleware


def customer(get_response: Next) -> Next:
    """Finds the account of the visitor's cookies, and makes her session anew where only 'remember me' was left."""

    def middleware(request: SiteRequest) -> HttpResponse:
        if not request.path_info.startswith(("/static/", *OUTSIDERS)):
            renew = _look_up(request)
            response = get_response(request)
            return _refresh(request, response, renew)
        return get_response(request)

    return middleware


def _look_up(request: SiteRequest) -> bool:
    """Sets `account` and `session`; says whether the session cookie is to be made anew."""
    services = request.services
    found = sessions.read(services.keys, services.denied, request.COOKIES, services.seconds)
    if found is None:
        return False
    request.account = accounts.by_handle(found.session.handle)
    request.session = found.session if request.account else None
    return found.renew


def _refresh(request: SiteRequest, response: HttpResponse, renew: bool) -> HttpResponse:
    services = request.services
    sets = bool(response.cookies)
    if request.session is not None and renew and not sets:
        nonces = (services.draw(sessions.NONCE_BYTES), None)
        secure = request.is_secure()
        sessions.set_cookies(response, services.keys, request.session, nonces, services.seconds, secure=secure)
    elif request.session is None and not sets and {sessions.SESSION, sessions.REMEMBER} & set(request.COOKIES):
        sessions.drop_cookies(response)
    return response
