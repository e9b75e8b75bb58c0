"""Pages for what goes wrong, with fixed words: nothing from the request stands in them, and nothing is written down."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _

from tyst.quiet import fence
from tyst.site import languages

_LAST_RESORT = b"<!doctype html><meta charset=utf-8><title>Tyst</title><p>Something broke on our side. Try again soon."


def foreign(request: HttpRequest) -> HttpResponse:
    """A post that came from no page of ours."""
    title, text = _("That didn't come from one of our pages."), _("Open the page here, then send it once more.")
    return _page(request, 403, title, text)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """400: a request that no browser of good will sends."""
    with _spoken(request):
        return _page(request, 400, _("We can't read this request."), _("Go back to the start and try from there."))


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """404: also what a page of somebody else's looks like."""
    with _spoken(request):
        return _page(request, 404, _("There is nothing at this address."), _("It may have moved, or never been."))


def broken(request: HttpRequest) -> HttpResponse:
    """500: our mistake. Nothing about it is written down, so the page asks to be told."""
    with _spoken(request):
        text = _("It is our fault, and nothing about it was recorded. If it happens again, tell us what you did.")
        return _page(request, 500, _("Something broke on our side."), text)


def _spoken(request: HttpRequest) -> Any:
    first = request.path_info.removeprefix("/").partition("/")[0]
    known = languages.BY_PREFIX.get(first) or languages.wished(request.headers.get("Accept-Language", ""))
    return translation.override(known.code)


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    try:
        return render(request, "error.html", {"title": title, "text": text}, status=status)
    except Exception as error:  # noqa: BLE001 - the page about a failure must not fail, and must not tell why
        fence.fault(error)
        return HttpResponse(_LAST_RESORT, status=status)
