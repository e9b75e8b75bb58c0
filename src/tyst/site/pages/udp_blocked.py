"""'When UDP is blocked': the exact commands for WireGuard inside TLS and OpenVPN inside Shadowsocks, for everybody.

Nothing here is secret: the Shadowsocks password is the fleet's and hides a protocol, no more. The commands are made by
`core.reach`, which also says what runs at the node.
"""

import ssl

from django.http import Http404, HttpResponse

from tyst.core import reach
from tyst.core.openvpn.profile import server_name_of
from tyst.records import places
from tyst.site.pages.common import allows, page
from tyst.site.pages.public import cities
from tyst.site.services import SiteRequest

AUTHORITY = "authority.crt"


@allows("GET")
def overview(request: SiteRequest) -> HttpResponse:
    """What to try in which order, and the servers."""
    return page(request, "udp_blocked.html", {"cities": cities(places.public_nodes())})


@allows("GET")
def commands(request: SiteRequest, name: str) -> HttpResponse:
    """The commands for one server."""
    nodes, facts = places.public_nodes(), places.fleet()
    node = next((one for one in nodes if one.name == name), None)
    if node is None or facts is None:
        raise Http404
    site = facts.site.rstrip("/")
    context = {
        "cities": cities(nodes),
        "node": node,
        "authority": f"curl -O {site}/en/udp-blocked/{AUTHORITY}",
        "route": reach.route_command(node.ipv4),
        "tls": reach.tls_command(node.ipv4, server_name_of(node.name), AUTHORITY),
        "endpoint": reach.endpoint_command(node.name),
        "shadowsocks": reach.shadowsocks_command(node.ipv4, facts.tls_crypt),
    }
    return page(request, "udp_blocked.html", context)


@allows("GET")
def authority(request: SiteRequest) -> HttpResponse:
    """The certificate authority of the fleet's OpenVPN servers, by which socat knows a node."""
    facts = places.fleet()
    if facts is None:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="{AUTHORITY}"'}
    text = ssl.DER_cert_to_PEM_cert(facts.openvpn_authority)
    return HttpResponse(text, content_type="application/x-pem-file", headers=headers)
