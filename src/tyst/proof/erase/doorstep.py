"""A node at the gate's door, as far as the gate can tell: it has joined, and asks for a device. No tunnel is behind it.

The erasure check needs the gate's answers alone: before, her key opens; afterwards, it doesn't. Counterparts: the real
node is `tyst.node`, the door `gate.door`.
"""

import http.client
import ssl
import tempfile
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import from_text
from tyst.messages.admission import Admission, AdmitKey, Confirm, Held, Renew, Renewed
from tyst.messages.codec import decode, encode
from tyst.messages.fleet import Announce, Announced, Enrol, Enrolled, JoinToken, NodeSecrets

SECONDS = 20
T = TypeVar("T")


class Doorstep:
    """One node that has joined. `token`: its one-time token, as the operator's command prints it."""

    def __init__(self, gate: str, authority: Path, token: str) -> None:
        parts = urlsplit(gate)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._context = ssl.create_default_context(cafile=str(authority))
        self._join(decode(from_text(token), JoinToken))

    def open(self, device: bytes) -> Admission:
        """Asks for a device and reports its first packet: a slot is taken when the gate says yes."""
        asked = self._ask("admit/key", AdmitKey(tag_of(device), opener_of(device)), Admission)
        return self._ask("confirm", Confirm(asked.lease), Admission) if asked.lease else asked

    def ended(self, lease: bytes) -> bool:
        """Whether the gate ends this lease at its renewal."""
        return bool(self._ask("renew", Renew([Held(lease, False)], []), Renewed).ended)

    def leave(self, lease: bytes) -> None:
        """Her tunnel ended: the lease goes back to the gate."""
        self._ask("renew", Renew([], [lease]), Renewed)

    def _join(self, token: JoinToken) -> None:
        key, openvpn = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        enrolled = self._ask("enrol", Enrol(token.sealed, _request(key)), Enrolled)
        text = x509.load_der_x509_certificate(enrolled.certificate).public_bytes(Encoding.PEM)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:  # nosec B108
            file.write(text + private)
            file.flush()
            self._context.load_cert_chain(file.name)
        wireguard = X25519PrivateKey.generate()
        kept = openvpn.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        secrets = encode(NodeSecrets(wireguard.private_bytes_raw(), kept))
        self._ask(
            "announce", Announce(wireguard.public_key().public_bytes_raw(), _request(openvpn), secrets), Announced
        )

    def _ask(self, path: str, asked: msgspec.Struct, form: type[T]) -> T:
        link = http.client.HTTPSConnection(self._host, self._port, timeout=SECONDS, context=self._context)
        try:
            link.request("POST", f"/v1/{path}", encode(asked), {"Content-Type": "application/msgpack"})
            answer = link.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"the gate refused {path}")
            return decode(body, form)
        finally:
            link.close()


def _request(key: ec.EllipticCurvePrivateKey) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "doorstep")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)
