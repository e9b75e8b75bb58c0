"""The transparency page and the signed files behind it: what authorities asked, what they got, and how cities are used.

All of it is computed from the files at each request (`core.openness.report`), so the claim 'we have given no
information' goes the moment the counters say otherwise, and a canary is stale the day after its last. Without valid
files nothing is claimed. It knows no account. Counterparts: `records.transparency`, `./tyst transparency`.
"""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tyst.core.court import Answer, Asked
from tyst.core.openness.canary import Says
from tyst.core.openness.report import CANARY, COUNTERS, Report, month_file
from tyst.core.signed import public_text
from tyst.records import places, transparency
from tyst.records.transparency import ANSWERS, KEYS, TransparencyError
from tyst.site.pages.common import allows, page
from tyst.site.services import SiteRequest

REPORT = "report.json"
MONTHS_SHOWN = 12
ASKED: Mapping[str, Promise] = {
    Asked.DISCLOSURE: _("about a named account"),
    Asked.PRESERVATION: _("to preserve data"),
    Asked.SEARCH: _("to find out who it was (by address, time, payment)"),
}
ANSWERED: Mapping[str, Promise] = {
    Answer.GIVEN: _("information given"),
    Answer.NO_ACCOUNT: _("no such account"),
    Answer.NOTHING: _("nothing given"),
}
SAID: Mapping[str, Promise] = {
    Says.NO_CHANGE: _("Nobody has made us change the program, or run another one."),
    Says.NO_KEYS: _("Nobody but us has our keys."),
    Says.NO_SILENCE: _("No order forbids us to speak of it."),
}


@allows("GET")
def overview(request: SiteRequest) -> HttpResponse:
    """The page."""
    folder, today = request.services.transparency, request.services.now().date()
    report = transparency.report(folder)
    if report is None or report.counters is None:
        return page(request, "transparency.html", {"report": report, "files": _names(report)})
    context = {
        "report": report,
        "stale": report.stale(today),
        "says": [SAID[one] for one in report.canary.says] if report.canary else [],
        "requests": _requests(report),
        "months": _months(report),
        "files": _names(report),
        "keys": [public_text(one) for one in _keys(request)],
    }
    return page(request, "transparency.html", context)


@allows("GET")
def file(request: SiteRequest, name: str) -> HttpResponse:
    """A signed file, the public keys, or the report that follows from them."""
    folder = request.services.transparency
    report = transparency.report(folder)
    if report is None or name not in _names(report):
        raise Http404
    try:
        body = report.text() if name == REPORT else (folder / name).read_bytes()
    except OSError:
        raise Http404 from None
    return HttpResponse(body, content_type="application/x-pem-file" if name == ANSWERS else "application/json")


def _names(report: Report | None) -> list[str]:
    """The files that are to be had, the broken ones too: strangers shall see them."""
    if report is None:
        return []
    months = [month_file(one) for one in report.months]
    signed = [COUNTERS] if report.counters else []
    signed += [CANARY] if report.canary else []
    return [*sorted({KEYS, ANSWERS, *signed, *months, *report.broken}), REPORT]


def _keys(request: SiteRequest) -> tuple[bytes, bytes]:
    try:
        found = transparency.keys_of(request.services.transparency)
    except TransparencyError:
        return b"", b""
    return found.counters, found.canary


def _requests(report: Report) -> list[dict[str, Any]]:
    """Newest month first."""
    counts = report.counters.counts if report.counters else {}
    return [
        {"month": month, "asked": ASKED[asked], "country": country, "answered": ANSWERED[answer], "count": count}
        for (month, asked, country, answer), count in sorted(counts.items(), reverse=True)
    ]


def _months(report: Report) -> list[dict[str, Any]]:
    """The last year's months, with each city's figures beside its name."""
    cities = places.cities()
    shown = list(report.months.items())[:MONTHS_SHOWN]
    return [
        {"month": month, "cities": [(*cities.get(slug, (slug, "")), one) for slug, one in sorted(found.items())]}
        for month, found in shown
    ]
