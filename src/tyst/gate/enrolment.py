"""A node joins, shows what clients need to know of it, and renews its identity.

The only paths besides the daily batch that write: a spent token's hash, and the node's public key with its secrets
sealed to the gate itself (kind NODE_KEYS, the node's name inside). A node that enrols again under the same name gets
its secrets back, so that customers' configs survive a reboot. Counterpart: `fleet` makes tokens and node rows.
"""

import asyncio
import hashlib
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.kinds import names_of
from tyst.core.seal import NONCE_BYTES, Kind, SealError, open_sealed, seal
from tyst.core.tokens import Enrolment, open_token
from tyst.gate import authority
from tyst.gate.identity import Role
from tyst.gate.refusals import No, Refused
from tyst.gate.room import Gate
from tyst.messages.codec import MessageError, decode
from tyst.messages.fleet import Announce, Announced, Enrol, Enrolled, Identity, NodeSecrets, RenewIdentity
from tyst.records.statements import NodeRow


async def enrol(gate: Gate, name: str, asked: Enrol) -> Enrolled:
    """Spends a token; answers with the node's identity and the secrets that it deposited before, if any."""
    public = _requested(asked.request)
    try:
        token = open_token(gate.keys.seal, Enrolment, asked.sealed, now=gate.now())
    except SealError:
        raise Refused(No.TOKEN) from None
    row = gate.records.node(token.name)
    if row is None or row.revoked:
        raise Refused(No.REVOKED)
    if not await asyncio.to_thread(gate.records.spend, hashlib.sha256(token.serial).digest()):
        raise Refused(No.TOKEN)
    return Enrolled(token.name, _identity(gate, token.name, public), _deposited(gate, row))


async def identity(gate: Gate, name: str, asked: RenewIdentity) -> Identity:
    """A fresh certificate for a node whose present one is still valid."""
    return Identity(_identity(gate, name, _requested(asked.request)))


async def announce(gate: Gate, name: str, asked: Announce) -> Announced:
    """Stores what clients must know and the sealed secrets; answers with what the node needs to serve."""
    public = _requested(asked.openvpn_request)
    _check_secrets(asked, public)
    row = gate.records.node(name)
    if row is None or row.wireguard_public != asked.wireguard_public or _deposited(gate, row) != asked.secrets:
        blob = _sealed(gate, name, asked.secrets)
        await asyncio.to_thread(gate.records.announce, name, wireguard_public=asked.wireguard_public, key_blob=blob)
    certificate = authority.openvpn_certificate(gate.openvpn, public, name, now=gate.clock())
    return Announced(
        certificate,
        gate.openvpn.der,
        gate.fleet.tls_crypt,
        gate.keys.hpke_public,
        gate.fleet.site,
        await asyncio.to_thread(gate.site_addresses),
        row.openvpn_processes if row is not None else 1,
        dns_certificate=_for_resolver(gate, asked.dns_request),
    )


def _for_resolver(gate: Gate, request: bytes) -> bytes:
    """What the node's resolver shows over TLS; nothing when it asked for nothing."""
    names = names_of(urlsplit(gate.fleet.site).hostname or "")
    if not request or not names:
        return b""
    return authority.resolver_certificate(gate.openvpn, _requested(request), names, now=gate.clock())


def _requested(request: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return authority.requested_key(request)
    except authority.RequestError:
        raise Refused(No.REQUEST) from None


def _identity(gate: Gate, name: str, public: ec.EllipticCurvePublicKey) -> bytes:
    return authority.client_certificate(
        gate.authority, public, Role.NODE, name, now=gate.clock(), life=authority.NODE_LIFE
    )


def _check_secrets(asked: Announce, openvpn: ec.EllipticCurvePublicKey) -> None:
    """Refuses secrets that would not give back, after a reboot, the keys that clients will know."""
    try:
        secrets = decode(asked.secrets, NodeSecrets)
        wireguard = X25519PrivateKey.from_private_bytes(secrets.wireguard_private).public_key().public_bytes_raw()
        key = serialization.load_der_private_key(secrets.openvpn_key, password=None)
        belong = wireguard == asked.wireguard_public and key.public_key() == openvpn
    except (MessageError, ValueError, TypeError):
        belong = False
    if not belong:
        raise Refused(No.KEYS)


def _sealed(gate: Gate, name: str, secrets: bytes) -> bytes:
    payload = len(name).to_bytes(1, "big") + name.encode("ascii") + secrets
    return seal(gate.keys.seal, Kind.NODE_KEYS, payload, nonce=gate.draw(NONCE_BYTES), now=gate.now())


def _deposited(gate: Gate, row: NodeRow) -> bytes:
    """The node's own secrets, or nothing when there are none or the blob is another node's."""
    if row.key_blob is None:
        return b""
    try:
        payload = open_sealed(gate.keys.seal, Kind.NODE_KEYS, row.key_blob, now=gate.now())
    except SealError:
        return b""
    end = 1 + payload[0]
    return payload[end:] if payload[1:end] == row.name.encode("ascii") else b""
