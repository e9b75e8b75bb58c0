"""OpenVPN: profiles to download, the same for everybody, and VPN credentials, which name no account.

A credential is a sealed token split into a user name and a password; nothing about it is stored, and a re-key ends it.
It is shown once, because nobody could show it again.
"""

import ssl

from django.http import Http404, HttpResponse

from tyst.core.account import is_live
from tyst.core.faces import PLAIN, Face
from tyst.core.openvpn.profile import Profile, Protocol, Remote, profile, server_name_of
from tyst.core.reach import NODE_LOOPBACK
from tyst.core.tokens import Credential, credential_pair, seal_token
from tyst.records import places
from tyst.records.models import Account
from tyst.records.places import PublicNode
from tyst.site import choices, sentences, sessions
from tyst.site.pages.common import allows, customer, page, refused, signed_in
from tyst.site.pages.public import cities
from tyst.site.services import SiteRequest
from tyst.site.steering import in_order, recommended

PROTOCOLS: tuple[Protocol, ...] = ("udp", "tcp")
WRAPPED = "shadowsocks"


@allows("GET")
@signed_in
def overview(request: SiteRequest) -> HttpResponse:
    """Credentials and profiles."""
    return page(request, "openvpn.html", _context(request))


def _context(request: SiteRequest) -> dict[str, object]:
    nodes, loads = places.public_nodes(), request.services.steering.loads()
    return {
        "cities": cities(in_order(nodes, loads)),
        "recommended": recommended(nodes, loads),
        "protocols": PROTOCOLS,
        "live": _live(request),
        "faces": choices.faces(),
        "face": choices.chosen(request.GET.get("dns", "")).word,
    }


def _live(request: SiteRequest) -> bool:
    return is_live(customer(request)[0].subscription, request.services.now().date())


@allows("POST")
@signed_in
def credential(request: SiteRequest) -> HttpResponse:
    """A fresh user name and password for OpenVPN, shown once."""
    if not _live(request):
        return refused(request, "openvpn.html", {"credential": sentences.EXPIRED}, _context(request))
    services, handle = request.services, customer(request)[0].handle
    nonce = services.draw(sessions.NONCE_BYTES)
    blob = seal_token(services.keys.seal, Credential(handle), nonce=nonce, now=services.seconds)
    username, word = credential_pair(blob)
    return page(request, "openvpn.html", {**_context(request), "vpn_username": username, "vpn_password": word})


@allows("GET")
@signed_in
def download(request: SiteRequest, name: str, protocol: str) -> HttpResponse:
    """One node's profile for one protocol."""
    if not _live(request):
        return refused(request, "openvpn.html", {"profile": sentences.EXPIRED}, _context(request))
    node = next((one for one in places.public_nodes() if one.name == name), None)
    if node is None or protocol not in (*PROTOCOLS, WRAPPED):
        raise Http404
    text = profile_text(
        customer(request)[0],
        node,
        "udp" if protocol == "udp" else "tcp",
        wrapped=protocol == WRAPPED,
        face=choices.chosen(request.GET.get("dns", "")),
    )
    headers = {"Content-Disposition": f'attachment; filename="{node.name}-{protocol}.ovpn"'}
    return HttpResponse(text, content_type="application/x-openvpn-profile", headers=headers)


def profile_text(
    account: Account,
    node: PublicNode,
    protocol: Protocol,
    by: tuple[Remote, ...] = (),
    *,
    wrapped: bool = False,
    face: Face = PLAIN,
) -> str:
    """The portable profile: IPv4 first, because some programs take the first remote only.

    `by`: a multihop's entry. `wrapped`: through a Shadowsocks proxy on the customer's machine.
    """
    facts = places.fleet()
    if facts is None:
        raise Http404
    value = Profile(
        remotes=by or _remotes(node, protocol, wrapped=wrapped),
        authority_pem=ssl.DER_cert_to_PEM_cert(facts.openvpn_authority),
        tls_crypt=facts.tls_crypt,
        server_name=server_name_of(node.name),
        compression=bool(account.compression),
        wrapped=node.ipv4 if wrapped else None,
        face=face,
    )
    return profile(value)


def _remotes(node: PublicNode, protocol: Protocol, *, wrapped: bool) -> tuple[Remote, ...]:
    """Where to connect to; the UDP processes of a node stand on the ports from its first one up."""
    if wrapped:
        return (Remote(NODE_LOOPBACK, node.openvpn_tcp, "tcp"),)
    if protocol == "tcp":
        ports = [node.openvpn_tcp]
    else:
        ports = [node.openvpn_udp + number for number in range(node.openvpn_processes)]
    return tuple(Remote(address, port, protocol) for address in (node.ipv4, node.ipv6) for port in ports)
