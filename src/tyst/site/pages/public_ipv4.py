"""Public IPv4: she takes an address of a server's, changes it, gives it back. The one thing here that ties an address
to an account, and the page says so before anything else.

Counterparts: `records.reservations` (the rows), `gate.admission` (tells the server who connects there).
"""

import secrets
from typing import Any

from django.http import HttpResponse

from tyst.core.account import is_live
from tyst.core.owner import OWNER
from tyst.records import places, reservations
from tyst.records.places import PublicNode
from tyst.site import sentences
from tyst.site.pages.common import allows, customer, page, refused, signed_in, typed
from tyst.site.pages.public import cities
from tyst.site.services import SiteRequest


@allows("GET", "POST")
@signed_in
def overview(request: SiteRequest) -> HttpResponse:
    """What she has, and what she may do about it."""
    if request.method != "POST":
        return page(request, "public_ipv4.html", _context(request))
    account, _session = customer(request)
    if not request.services.limits.vouchers.take(account.handle):
        return refused(request, "public_ipv4.html", {"form": sentences.CHANGES_TOO_MANY}, _context(request))
    fault = _release(request) if typed(request, "action", 10) == "release" else _take(request)
    if fault:
        return refused(request, "public_ipv4.html", {"form": fault}, _context(request))
    return page(request, "public_ipv4.html", {**_context(request), "saved": True})


def _take(request: SiteRequest) -> str:
    """One of the chosen server's, in place of the one that she had; why not, or nothing."""
    account, _session = customer(request)
    services, node = request.services, typed(request, "node", 31)
    try:
        reservations.reserve(account.handle, _key(request), node, services.now(), secrets.randbelow)
    except reservations.NotPaidError:
        return sentences.IPV4_NEEDED
    except reservations.NoneFreeError:
        return sentences.IPV4_NONE_FREE
    return ""


def _release(request: SiteRequest) -> str:
    account, _session = customer(request)
    reservations.release(reservations.owner(_key(request), account), request.services.now())
    return ""


def _key(request: SiteRequest) -> bytes:
    return request.services.keys.secrets[OWNER]


def _context(request: SiteRequest) -> dict[str, Any]:
    account, _session = customer(request)
    now = request.services.now()
    free = reservations.free_on(now)
    return {
        "until": account.ipv4 if is_live(account.ipv4, now.date()) else None,
        "held": reservations.held_by(_key(request), account),
        "cities": cities([node for node in _nodes() if node.name in free]),
    }


def _nodes() -> list[PublicNode]:
    return list(places.public_nodes())
