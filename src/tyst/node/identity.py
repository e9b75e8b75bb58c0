"""Who this node is: its place in the fleet, its certificate, its long-lived keys, and the folder in RAM for them.

A node is let in once by the operator's token and has a certificate for a day, which it renews itself. Its WireGuard and
OpenVPN keys are drawn here, in RAM, at its first start; the gate keeps a sealed copy, so that customers' files survive
a reboot. Everything lies in one folder on a tmpfs, mode 0600: a restarted agent goes on, a powered-off machine holds
nothing. No key of a customer and no lease is ever written there.
"""

import contextlib
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from tyst.core.seal import SealError
from tyst.core.tokens import from_text
from tyst.messages.codec import MessageError, decode, encode
from tyst.messages.fleet import Announce, Announced, Enrol, JoinToken, NodeSecrets, RenewIdentity
from tyst.messages.network import Network
from tyst.node.gate_link import GateLink

T = TypeVar("T")

_RAM = ("tmpfs", "ramfs")
_DAMAGED = "this node's state is damaged: remove the --state folder and give it a fresh token (`./tyst fleet token`)"


class IdentityError(RuntimeError):
    """This node can't join the fleet, or its state is damaged. Says what to do, never what is in it."""


class _Place(msgspec.Struct):
    """Where this node belongs: public facts."""

    name: str
    gate: str
    lists: bytes = b""


@dataclass(slots=True)
class Identity:
    """A node that is in the fleet. `secrets`: its WireGuard private key and OpenVPN key.

    `lists`: the public key of whoever signs the lists of names, from the token.
    """

    name: str
    gate: str
    folder: Path
    secrets: NodeSecrets = field(repr=False)
    lists: bytes = b""

    @property
    def context(self) -> ssl.SSLContext:
        """TLS 1.3 with the fleet's authority as the only root and the certificate of now. IdentityError if damaged."""
        try:
            context = _authority_context(self.folder / "authority.crt")
            context.load_cert_chain(self.folder / "node.crt", self.folder / "node.key")
        except OSError:  # a file that is missing, or none that OpenSSL can read, or two that don't belong together
            raise IdentityError(_DAMAGED) from None
        return context

    def half_life(self, wall: float) -> float:
        """Seconds until the certificate has lived half its life; 0 when it has."""
        certificate = x509.load_pem_x509_certificate((self.folder / "node.crt").read_bytes())
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        middle = begin + (end - begin) / 2
        return max(0.0, (middle - datetime.fromtimestamp(wall, UTC)).total_seconds())

    async def announce(self, link: GateLink) -> Announced:
        """Tells the gate the node's public keys and hands it the sealed copy; what comes back is kept for a restart."""
        private = X25519PrivateKey.from_private_bytes(self.secrets.wireguard_private)
        key = load_der_private_key(self.secrets.openvpn_key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        public = private.public_key().public_bytes_raw()
        wanted = _request(self._resolver_key())
        announced = await link.announce(Announce(public, _request(key), encode(self.secrets), wanted))
        _write(self.folder / "announced", encode(announced))
        return announced

    def _resolver_key(self) -> ec.EllipticCurvePrivateKey:
        """The key with which the resolver speaks TLS: drawn at the first start of this boot, known to nobody else."""
        path = self.folder / "dns.key"
        if not path.exists():
            fresh = ec.generate_private_key(ec.SECP256R1())
            _write(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        key = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def resolver_tls(self, announced: Announced) -> tuple[str, str] | None:
        """What the resolver shows over TLS: (certificate, key), PEM; None when the gate gave no certificate."""
        if not announced.dns_certificate:
            return None
        return _pem(announced.dns_certificate).decode(), (self.folder / "dns.key").read_text()

    def lists_before(self) -> bytes:
        """The bundle of lists that was last taken; empty for none."""
        try:
            return (self.folder / "lists").read_bytes()
        except FileNotFoundError:
            return b""

    def keep_lists(self, bundle: bytes) -> None:
        """Keeps it in RAM: a restarted agent takes none that is older."""
        _write(self.folder / "lists", bundle)

    def announced_before(self) -> Announced | None:
        """What the gate said at the last start of this boot, for a start while the gate is away."""
        return _read(self.folder / "announced", Announced)

    def network_before(self) -> Network | None:
        """What the gate last said of the fleet."""
        return _read(self.folder / "network", Network)

    def keep_network(self, network: Network) -> None:
        """Keeps it in RAM, for a start while the gate is away."""
        _write(self.folder / "network", encode(network))

    async def renew(self, link: GateLink) -> None:
        """A fresh certificate for the same key, from now on in use."""
        key = load_pem_private_key((self.folder / "node.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        answer = await link.renew_identity(RenewIdentity(_request(key)))
        _write(self.folder / "node.crt", _pem(answer.certificate))
        link.use(self.context)


def resume(folder: Path) -> Identity | None:
    """The identity that an earlier start of this boot left, or None. IdentityError when the folder is not in RAM."""
    _prepare(folder)
    place, secrets = _read(folder / "place", _Place), _read(folder / "secrets", NodeSecrets)
    if place is None or secrets is None or not (folder / "node.crt").exists():
        return None
    return Identity(place.name, place.gate, folder, secrets, place.lists)


async def enrol(folder: Path, token_text: str, now: Callable[[], float]) -> Identity:
    """Joins the fleet by the operator's token. IdentityError, GateAbsent, GateRefused."""
    _prepare(folder)
    token = _token(token_text)
    _write(folder / "authority.crt", _pem(token.authority))
    key = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "node.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    link = GateLink(token.gate, _authority_context(folder / "authority.crt"), now)
    try:
        enrolled = await link.enrol(Enrol(token.sealed, _request(key)))
    finally:
        await link.close()
    secrets = decode(enrolled.secrets, NodeSecrets) if enrolled.secrets else _new_secrets()
    _write(folder / "node.crt", _pem(enrolled.certificate))
    _write(folder / "secrets", encode(secrets))
    _write(folder / "place", encode(_Place(enrolled.name, token.gate, token.lists)))
    return Identity(enrolled.name, token.gate, folder, secrets, token.lists)


def _token(text: str) -> JoinToken:
    try:
        return decode(from_text(text.strip()), JoinToken)
    except (SealError, MessageError):
        raise IdentityError("this is no enrolment token: make one with `./tyst fleet add` and give it whole") from None


def _new_secrets() -> NodeSecrets:
    openvpn = ec.generate_private_key(ec.SECP256R1())
    return NodeSecrets(
        X25519PrivateKey.generate().private_bytes_raw(),
        openvpn.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    )


def _request(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A PKCS#10 request (DER). The gate writes the name itself; this one says nothing."""
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tyst")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, SHA256())
    return request.public_bytes(Encoding.DER)


def _pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def _authority_context(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(authority)
    return context


def _prepare(folder: Path) -> None:
    """The folder, mode 0700, on a file system that lives in RAM."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if _filesystem(folder) not in _RAM:
        raise IdentityError("the node's state must lie in RAM: give --state a folder on a tmpfs, such as /run/tyst")


def _filesystem(folder: Path) -> str:
    """The kind of file system that a folder lies on (proc_pid_mountinfo(5))."""
    best, kind, place = "", "", str(folder.resolve())
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4]
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, readable by root alone."""
    beside = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    beside.replace(path)


def _read(path: Path, form: type[T]) -> T | None:
    """A value written earlier, or None."""
    try:
        return decode(path.read_bytes(), form)
    except (FileNotFoundError, MessageError):
        return None
