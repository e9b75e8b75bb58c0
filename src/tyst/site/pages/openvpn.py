"""OpenVPN: profiles to download, the same for everybody, and VPN credentials, which name no account.

A credential is a sealed token split into a user name and a password; nothing about it is stored, and a re-key ends it.
It is shown once, because nobody could show it again.
"""

import ssl

from django.http import Http404, HttpResponse

from tyst.core.account import is_live
from tyst.core.openvpn.profile import Profile, Protocol, Remote, profile, server_name_of
from tyst.core.tokens import Credential, credential_pair, seal_token
from tyst.records import places
from tyst.records.models import Account
from tyst.records.places import PublicNode
from tyst.site import sentences, sessions
from tyst.site.pages.common import allows, customer, page, refused, signed_in
from tyst.site.pages.public import cities
from tyst.site.services import SiteRequest

PROTOCOLS: tuple[Protocol, ...] = ("udp", "tcp")


@allows("GET")
@signed_in
def overview(request: SiteRequest) -> HttpResponse:
    """Credentials and profiles."""
    return page(request, "openvpn.html", _context(request))


def _context(request: SiteRequest) -> dict[str, object]:
    return {
        "cities": cities(places.public_nodes()),
        "protocols": PROTOCOLS,
        "live": _live(request),
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
    if node is None or protocol not in PROTOCOLS:
        raise Http404
    text = profile_text(customer(request)[0], node, "udp" if protocol == "udp" else "tcp")
    headers = {"Content-Disposition": f'attachment; filename="{node.name}-{protocol}.ovpn"'}
    return HttpResponse(text, content_type="application/x-openvpn-profile", headers=headers)


def profile_text(account: Account, node: PublicNode, protocol: Protocol) -> str:
    """The portable profile: IPv4 first, because some programs take the first remote only."""
    facts = places.fleet()
    if facts is None:
        raise Http404
    port = node.openvpn_udp if protocol == "udp" else node.openvpn_tcp
    value = Profile(
        remotes=(Remote(node.ipv4, port, protocol), Remote(node.ipv6, port, protocol)),
        authority_pem=ssl.DER_cert_to_PEM_cert(facts.openvpn_authority),
        tls_crypt=facts.tls_crypt,
        server_name=server_name_of(node.name),
        compression=bool(account.compression),
    )
    return profile(value)
