"""Node ↔ gate: joining the fleet, showing what clients need to know, renewing the identity."""

from typing import Annotated

import msgspec
from msgspec import Meta

Small = Annotated[bytes, Meta(max_length=8192)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,30}$")]


class JoinToken(msgspec.Struct, frozen=True):
    """What the operator hands to a new node, as base64url text: where the gate is, how to know it, a permission."""

    gate: Annotated[str, Meta(max_length=200)]
    authority: Small
    """The fleet CA's certificate (DER)."""
    sealed: Small
    """Kind ENROLMENT, opened by the gate, once."""
    lists: Annotated[bytes, Meta(max_length=32)] = b""
    """The public key (Ed25519) of whoever signs the lists of names: by the operator's hand, not by the gate's."""


class Enrol(msgspec.Struct, frozen=True):
    """A node knocks for the first time (server-authenticated TLS only). `request`: its PKCS#10 request (DER)."""

    sealed: Small
    request: Small


class Enrolled(msgspec.Struct, frozen=True):
    """`certificate` (DER): the short-lived identity; `secrets`: what this node deposited earlier, or empty."""

    name: Name
    certificate: Small
    secrets: Small = b""


class RenewIdentity(msgspec.Struct, frozen=True):
    """A fresh certificate before the old one ends (mutual TLS)."""

    request: Small


class Identity(msgspec.Struct, frozen=True):
    certificate: Small


class NodeSecrets(msgspec.Struct, frozen=True):
    """A node's long-lived keys, drawn in its RAM at its first start; kept at the gate sealed (kind NODE_KEYS)."""

    wireguard_private: Annotated[bytes, Meta(min_length=32, max_length=32)]
    openvpn_key: Small
    """PKCS#8 DER, P-256: the key of the OpenVPN server certificate."""


class Announce(msgspec.Struct, frozen=True):
    """What clients must know of this node, and its keys to keep sealed. `openvpn_request`: PKCS#10 (DER)."""

    wireguard_public: Annotated[bytes, Meta(min_length=32, max_length=32)]
    openvpn_request: Small
    secrets: Small
    """NodeSecrets, encoded; the gate seals it before it writes it."""
    dns_request: Small = b""
    """PKCS#10 (DER) of the resolver's key, or nothing."""


class Announced(msgspec.Struct, frozen=True):
    """What the node needs to serve OpenVPN and to seal logins. Certificates are DER, `tls_crypt` a static key file."""

    openvpn_certificate: Small
    openvpn_authority: Small
    tls_crypt: Annotated[str, Meta(max_length=4096)]
    gate_public: Annotated[bytes, Meta(min_length=32, max_length=32)]
    site: str
    """Where the notice page sends people: the site's address, such as https://tyst.test."""
    site_addresses: list[str] = []
    """The site's own addresses: all that the walled garden may reach besides the notice page."""
    openvpn_processes: Annotated[int, Meta(ge=1, le=14)] = 1
    """How many UDP processes of OpenVPN the node runs, one for each core: on the ports from the first one up."""
    dns_certificate: Small = b""
    """What the resolver shows over TLS (DER), by the OpenVPN authority; empty: it doesn't."""


class Refusal(msgspec.Struct, frozen=True):
    """What a door says when it refuses: a fixed code and a fixed sentence. Never a value from the request."""

    code: str
    sentence: str
