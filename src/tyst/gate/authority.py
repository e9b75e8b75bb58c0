"""The two certificate authorities of a provider: the fleet's (who may speak to the gate) and OpenVPN's (servers only).

They share no key, so that an OpenVPN server certificate, which customers' programs trust, opens no door here, and a
node's identity is no server to them. Private keys lie in the gate's key file. Every time in a certificate is a full
hour: a certificate is no record of the minute in which a node started. Counterpart: `gate.identity` reads subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tyst.gate.identity import Role

ORGANISATION = "tyst"
NODE_LIFE = timedelta(hours=24)
LONG_LIFE = timedelta(days=825)
OPENVPN_LIFE = timedelta(days=398)
AUTHORITY_LIFE = timedelta(days=3653)


class RequestError(ValueError):
    """A certificate request that is not one: malformed, unsigned, or not for a P-256 key."""


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        """The CA's certificate."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def secret(self) -> bytes:
        """The CA's private key (PKCS#8 DER), for the key file."""
        return private_bytes(self.key)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as PKCS#8 DER, unencrypted."""
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load(certificate: bytes, secret: bytes) -> Authority:
    """An authority from its certificate and private key (both DER). ValueError when they do not belong together."""
    parsed = x509.load_der_x509_certificate(certificate)
    key = serialization.load_der_private_key(secret, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != parsed.public_key():
        raise ValueError("the authority's certificate and its key do not belong together")
    return Authority(parsed, key)


def found(name: str, *, now: float) -> Authority:
    """A new authority."""
    key = new_key()
    subject = _name(name, None)
    builder = _builder(subject, subject, key.public_key(), now, AUTHORITY_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Authority(builder.sign(key, hashes.SHA256()), key)


def client_certificate(
    authority: Authority, public: ec.EllipticCurvePublicKey, role: Role, name: str, *, now: float, life: timedelta
) -> bytes:
    """The identity (DER) of a node, the site or the operator at the gate's door."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return _leaf(authority, public, _name(name, role), usage, (), now=now, life=life)


def server_certificate(
    authority: Authority, public: ec.EllipticCurvePublicKey, names: Sequence[str], *, now: float
) -> bytes:
    """The gate's own server certificate (DER) for these DNS names."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return _leaf(authority, public, _name(names[0], Role.GATE), usage, names, now=now, life=LONG_LIFE)


def openvpn_certificate(authority: Authority, public: ec.EllipticCurvePublicKey, node: str, *, now: float) -> bytes:
    """A node's OpenVPN server certificate (DER): `remote-cert-tls server`, `verify-x509-name` (openvpn(8))."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    name = f"{node}.node.tyst"
    return _leaf(authority, public, _name(name, None), usage, (name,), now=now, life=OPENVPN_LIFE)


def resolver_certificate(
    authority: Authority, public: ec.EllipticCurvePublicKey, names: Sequence[str], *, now: float
) -> bytes:
    """The certificate (DER) that a node's resolver shows over TLS, for the names of its faces."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return _leaf(authority, public, _name(names[0], None), usage, names, now=now, life=OPENVPN_LIFE)


def requested_key(request: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a PKCS#10 request (DER) whose signature proves its private half. Subject and wishes are ignored."""
    try:
        parsed = x509.load_der_x509_csr(request)
        valid, key = parsed.is_signature_valid, parsed.public_key()
    except (ValueError, InvalidSignature, UnsupportedAlgorithm, TypeError):
        raise RequestError("the certificate request is malformed") from None
    if not valid or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise RequestError("the certificate request is not signed by the P-256 key that it names")
    return key


def _leaf(
    authority: Authority,
    public: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    usage: x509.ExtendedKeyUsage,
    names: Sequence[str],
    *,
    now: float,
    life: timedelta,
) -> bytes:
    builder = _builder(subject, authority.certificate.subject, public, now, life)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(usage, critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: float, life: timedelta
) -> x509.CertificateBuilder:
    # From the full hour before to the full hour after, so that the life promised is never cut short by the rounding.
    start = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0, microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + life + timedelta(hours=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str, role: Role | None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION)]
    if role is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role.value))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
