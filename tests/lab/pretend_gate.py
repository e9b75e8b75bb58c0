"""A gate in the hand of a test: speaks the true protocol (mutual TLS 1.3, msgpack) and says what the test wants.

`python -m tests.lab.pretend_gate prepare` makes an authority and a token; `… serve` answers on port 8443. Verdicts are
read for each question from /run/test/verdicts.json: {"admit": [...], "confirm": [...], "ended": why or "", "slow": s}
(the last element of a list stays). What was asked is appended to /run/test/asked, one word a line.
"""

import datetime
import json
import ssl
import sys
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.lab.small_internet import ADDRESSES
from tyst.core.tokens import to_text
from tyst.messages import admission as a
from tyst.messages import fleet as f
from tyst.messages.codec import decode, encode
from tyst.messages.network import Network, NetworkOf

FOLDER = Path("/run/test")
GATE = f"https://{ADDRESSES['gate'][0]}:8443"
_numbers = count(1)


def _certificate(
    name: str, key: Any, signer: Any, issuer: x509.Name | None = None, *, public: Any = None
) -> x509.Certificate:
    import ipaddress

    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tyst"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(public or key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=24))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESSES["gate"][0]))]), critical=False
        )
    )
    return builder.sign(signer, SHA256())


def prepare() -> None:
    """An authority, the gate's certificate, a token for one node."""
    authority, gate = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("authority", authority, authority)
    server = _certificate("gate", gate, authority, root.subject)
    for name, key in (("ca", authority), ("gate", gate)):
        (FOLDER / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for name, certificate in (("ca", root), ("gate", server)):
        (FOLDER / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    token = f.JoinToken(GATE, root.public_bytes(Encoding.DER), b"permission")
    (FOLDER / "token").write_text(to_text(encode(token)))


class PretendGate:
    """Answers as told."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self.key = load_pem_private_key((FOLDER / "ca.key").read_bytes(), None)
        self.root = x509.load_pem_x509_certificate((FOLDER / "ca.crt").read_bytes())

    def _verdict(self, name: str) -> a.Admission:
        import os

        path = FOLDER / "verdicts.json"
        told = json.loads(path.read_text()) if path.exists() else {}
        words = told.get(name, ["open"])
        word = words[0]
        if len(words) > 1:
            told[name] = words[1:]
            path.with_suffix(".tmp").write_text(json.dumps(told))
            os.replace(path.with_suffix(".tmp"), path)
        verdict, _, why = word.partition(":")
        lease = b"lease %d" % next(_numbers) if verdict == "open" else b""
        return a.Admission(a.Verdict(verdict), a.Why(why), lease, a.Features(ipv6=told.get("ipv6", True)))

    def _note(self, word: str) -> None:
        with (FOLDER / "asked").open("a") as file:
            file.write(word + "\n")

    def _sign(self, request: bytes) -> bytes:
        asked = x509.load_der_x509_csr(request)
        made = _certificate("se-sto", None, self.key, self.root.subject, public=asked.public_key())
        return made.public_bytes(Encoding.DER)

    async def answer(self, request: web.Request) -> web.Response:
        path, body = request.match_info["path"], await request.read()
        if request.transport is None or (path != "enrol" and not request.transport.get_extra_info("peercert")):
            return web.Response(status=403, body=encode(f.Refusal("certificate", "no certificate")))
        if path not in ("renew", "network"):
            self._note(path)
        return web.Response(body=encode(getattr(self, path.replace("/", "_"))(body)))

    def enrol(self, body: bytes) -> Any:
        return f.Enrolled("se-sto", self._sign(decode(body, f.Enrol).request))

    def identity(self, body: bytes) -> Any:
        return f.Identity(self._sign(decode(body, f.RenewIdentity).request))

    def announce(self, body: bytes) -> Any:
        asked = decode(body, f.Announce)
        (FOLDER / "node.pub").write_text(asked.wireguard_public.hex())
        web_host = ADDRESSES["gate"]
        return f.Announced(
            self._sign(asked.openvpn_request), self.root.public_bytes(Encoding.DER), "", bytes(32),
            "https://tyst.test", list(web_host),
        )  # fmt: skip

    def network(self, body: bytes) -> Any:
        """A fleet of one node, with one address."""
        return Network(b"only", changed=decode(body, NetworkOf).version != b"only")

    def admit_key(self, body: bytes) -> Any:
        decode(body, a.AdmitKey)
        return self._verdict("admit")

    def confirm(self, body: bytes) -> Any:
        decode(body, a.Confirm)
        return self._verdict("confirm")

    def renew(self, body: bytes) -> Any:
        asked = decode(body, a.Renew)
        path = FOLDER / "verdicts.json"
        why = json.loads(path.read_text()).get("ended", "") if path.exists() else ""
        if asked.held or asked.returned:
            quiet = sum(held.quiet for held in asked.held)
            self._note(f"renew held={len(asked.held)} quiet={quiet} returned={len(asked.returned)}")
        return a.Renewed([a.Ended(i, a.Why(why)) for i in range(len(asked.held))] if why else [])


def serve() -> None:
    """Answers until it is killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(FOLDER / "gate.crt", FOLDER / "gate.key")
    context.load_verify_locations(FOLDER / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    application = web.Application()
    application.router.add_post("/v1/{path:.+}", PretendGate().answer)
    web.run_app(
        application,
        port=8443,
        ssl_context=context,
        print=lambda _: print("ready", flush=True),
        access_log=None,
        keepalive_timeout=75,
    )


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve}[sys.argv[1]]()
