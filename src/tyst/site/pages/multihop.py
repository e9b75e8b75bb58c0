"""Multihop: a pair of servers, in at one and out at another, as an OpenVPN profile or two lines of a WireGuard config.

A customer's device speaks to the exit with the exit's key, so no new key and no new credential is needed: any config of
hers goes this way with another address and port. The browser makes the whole file on the WireGuard page. Counterparts:
`core.multihop` (the pair), `wireguard` and `openvpn` (the direct ways).
"""

from collections.abc import Sequence

from django.http import Http404, HttpResponse

from tyst.core.account import is_live
from tyst.core.multihop import End, Pair, SameNodeError
from tyst.core.openvpn.profile import Remote
from tyst.core.wireguard.config import endpoint_text, key_text
from tyst.records import places
from tyst.records.places import PublicNode
from tyst.site import sentences
from tyst.site.pages.common import allows, customer, page, refused, signed_in
from tyst.site.pages.openvpn import profile_text
from tyst.site.services import SiteRequest

Chosen = tuple[PublicNode, PublicNode, Pair]


class _NoPairError(Exception):
    """What was chosen is no pair of two servers that are up."""


@allows("GET")
@signed_in
def overview(request: SiteRequest) -> HttpResponse:
    """The choice, and what it means for her configs."""
    nodes = places.public_nodes()
    try:
        return page(request, "multihop.html", {**_context(request, nodes), **_ways(_chosen(request, nodes))})
    except _NoPairError:
        return refused(request, "multihop.html", {"pair": sentences.NO_PAIR}, _context(request, nodes))


@allows("GET")
@signed_in
def download(request: SiteRequest) -> HttpResponse:
    """The pair's OpenVPN profile."""
    nodes = places.public_nodes()
    try:
        chosen = _chosen(request, nodes)
    except _NoPairError:
        return refused(request, "multihop.html", {"pair": sentences.NO_PAIR}, _context(request, nodes))
    if chosen is None:
        raise Http404
    entry, leaving, pair = chosen
    remotes = tuple(Remote(address, pair.openvpn_port, "udp") for address in (entry.ipv4, entry.ipv6))
    text = profile_text(customer(request)[0], leaving, "udp", remotes)
    headers = {"Content-Disposition": f'attachment; filename="{pair.file_name}.ovpn"'}
    return HttpResponse(text, content_type="application/x-openvpn-profile", headers=headers)


def _context(request: SiteRequest, nodes: Sequence[PublicNode]) -> dict[str, object]:
    account, _session = customer(request)
    today = request.services.now().date()
    return {
        "nodes": nodes,
        "entry_name": request.GET.get("entry", "")[:40],
        "exit_name": request.GET.get("exit", "")[:40],
        "live": is_live(account.subscription, today),
        "until": account.multihop if is_live(account.multihop, today) else None,
    }


def _chosen(request: SiteRequest, nodes: Sequence[PublicNode]) -> Chosen | None:
    """The pair that was chosen; None before a choice."""
    names = request.GET.get("entry", ""), request.GET.get("exit", "")
    if not any(names):
        return None
    by_name = {node.name: node for node in nodes}
    try:
        entry, leaving = (by_name[name] for name in names)
        return entry, leaving, Pair(end_of(entry), end_of(leaving))
    except (KeyError, SameNodeError):
        raise _NoPairError from None


def end_of(node: PublicNode) -> End:
    """A server as one end of a pair."""
    return End(node.name, node.country, node.number)


def _ways(chosen: Chosen | None) -> dict[str, object]:
    """What the page shows for a pair: the two lines, and the file's name."""
    if chosen is None:
        return {}
    entry, leaving, pair = chosen
    return {
        "entry": entry,
        "exit": leaving,
        "file_name": pair.file_name,
        "public_key": key_text(leaving.wireguard_public),
        "endpoint": endpoint_text(entry.ipv4, pair.wireguard_port),
        "endpoint6": endpoint_text(entry.ipv6, pair.wireguard_port),
    }
