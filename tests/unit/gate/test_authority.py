"""Certificates: each holder one purpose, and no time in them that tells a minute."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tyst.gate import authority
from tyst.gate.identity import Role, peer_of

NOW = 1_790_001_234.5


@pytest.fixture(scope="module")
def fleet() -> authority.Authority:
    return authority.found("tyst fleet", now=NOW)


def usage(der: bytes) -> list[x509.ObjectIdentifier]:
    extensions = x509.load_der_x509_certificate(der).extensions
    return list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_a_nodes_identity_says_who_it_is_and_for_how_long(fleet: authority.Authority) -> None:
    key = authority.new_key().public_key()
    der = authority.client_certificate(fleet, key, Role.NODE, "se-sto", now=NOW, life=timedelta(hours=24))
    peer = peer_of(der)
    assert peer is not None and (peer.role, peer.name) == (Role.NODE, "se-sto")
    assert 24 * 3600 <= peer.until - NOW <= 25 * 3600
    assert usage(der) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_times_are_full_hours(fleet: authority.Authority) -> None:
    key = authority.new_key().public_key()
    ders = [
        fleet.der,
        authority.server_certificate(fleet, key, ["gate.tyst.test"], now=NOW),
        authority.openvpn_certificate(fleet, key, "se-sto", now=NOW),
        authority.client_certificate(fleet, key, Role.SITE, "site", now=NOW, life=authority.LONG_LIFE),
    ]
    for der in ders:
        parsed = x509.load_der_x509_certificate(der)
        for moment in (parsed.not_valid_before_utc, parsed.not_valid_after_utc):
            assert (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)


def test_openvpns_authority_opens_no_door_of_the_gate(fleet: authority.Authority) -> None:
    openvpn = authority.found("tyst openvpn", now=NOW)
    der = authority.openvpn_certificate(openvpn, authority.new_key().public_key(), "se-sto", now=NOW)
    assert usage(der) == [ExtendedKeyUsageOID.SERVER_AUTH] and peer_of(der) is None
    parsed = x509.load_der_x509_certificate(der)
    parsed.verify_directly_issued_by(openvpn.certificate)
    with pytest.raises((ValueError, InvalidSignature)):
        parsed.verify_directly_issued_by(fleet.certificate)


def test_an_authority_is_loaded_with_its_own_key_only(fleet: authority.Authority) -> None:
    assert authority.load(fleet.der, fleet.secret).certificate == fleet.certificate
    with pytest.raises(ValueError):
        authority.load(fleet.der, authority.found("other", now=NOW).secret)


def test_a_request_must_be_signed_by_its_own_p256_key() -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    good = authority.new_key()
    der = builder.sign(good, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    assert authority.requested_key(der) == good.public_key()
    wrong_curve = builder.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA256())
    wrong_kind = builder.sign(rsa.generate_private_key(65537, 2048), hashes.SHA256())
    broken = bytearray(der)
    broken[-1] ^= 1
    bad = [r.public_bytes(serialization.Encoding.DER) for r in (wrong_curve, wrong_kind)]
    for request in (*bad, bytes(broken), b"", b"garbage"):
        with pytest.raises(authority.RequestError):
            authority.requested_key(request)


def test_a_resolver_shows_a_server_certificate_for_the_names_of_its_faces(fleet: authority.Authority) -> None:
    key = authority.new_key()
    names = ("dns.tyst.test", "clean.dns.tyst.test")
    shown = x509.load_der_x509_certificate(authority.resolver_certificate(fleet, key.public_key(), names, now=NOW))
    shown.verify_directly_issued_by(fleet.certificate)
    given = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(given.get_values_for_type(x509.DNSName)) == names and shown.public_key() == key.public_key()


def test_no_private_key_shows_itself(fleet: authority.Authority) -> None:
    assert "key" not in repr(fleet)
