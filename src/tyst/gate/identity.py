"""Who is at the other end of a mutual-TLS connection: role and name out of the certificate, and nothing else.

There is no address here or anywhere in this room: a node is known by its certificate, and a device not at all. The
counterpart is `gate.authority`, which signs these certificates.
"""

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import NameOID


class Role(StrEnum):
    """What a certificate's OU says its holder is."""

    NODE = "node"
    SITE = "site"
    OPERATOR = "operator"
    GATE = "gate"


@dataclass(frozen=True)
class Peer:
    """A verified certificate: role, name, and the second (since 1970) until which it may be used."""

    role: Role
    name: str
    until: float


def peer_of(certificate: bytes) -> Peer | None:
    """The holder of a certificate (DER) that TLS verified against the fleet CA; None when it says nothing of use."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        role = Role(_only(parsed.subject, NameOID.ORGANIZATIONAL_UNIT_NAME))
        name = _only(parsed.subject, NameOID.COMMON_NAME)
    except ValueError:
        return None
    return Peer(role, name, parsed.not_valid_after_utc.timestamp())


def _only(subject: x509.Name, kind: x509.ObjectIdentifier) -> str:
    values = subject.get_attributes_for_oid(kind)
    if len(values) != 1:
        raise ValueError("a subject of the fleet has each part exactly once")
    return str(values[0].value)
