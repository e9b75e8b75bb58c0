"""A provider's control host for site tests: real keys, certificates and tables, the real site as a process of its own,
and a small gate that speaks the real messages over mutual TLS, because the tests of the site need its answers only."""

import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tyst.core.keyring import Keyring, new_pair, to_text
from tyst.core.tokens import Session, open_token
from tyst.core.voucher import hash_of, new_code
from tyst.messages.codec import decode, encode
from tyst.messages.devices import Devices, DevicesOf, DropDevices, Dropped
from tyst.messages.load import NodeLoads
from tyst.records import transparency
from tyst.records.engine import PRAGMAS
from tyst.records.migrate import migrate

ROOT = Path(__file__).resolve().parents[2]
STATIC_KEY = (
    "-----BEGIN OpenVPN Static key V1-----\n" + "0123456789abcdef" * 2 + "\n"
) + f"{'0123456789abcdef' * 2}\n" * 15
STATIC_KEY += "-----END OpenVPN Static key V1-----\n"
NODES = (
    ("se-sto", "Stockholm", "se", "192.0.2.10", "2001:db8:46::10", bytes(range(32)), 1),
    ("de-fra", "Frankfurt", "de", "203.0.113.10", "2001:db8:49::10", bytes(range(32, 64)), 0),
)


class Authority:
    """A certificate authority for one test."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fleet")])
        self.certificate = self._build(self.name, self.key.public_key(), ca=True)

    def _build(self, subject: x509.Name, key: Any, *, ca: bool, names: tuple[str, ...] = ()) -> x509.Certificate:
        today = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=2))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(own, critical=False).add_extension(issuer, critical=False)
        usage = x509.KeyUsage(True, False, False, False, False, ca, ca, False, False)
        builder = builder.add_extension(usage, critical=True)
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, folder: Path, name: str, unit: str, *names: str) -> None:
        """Writes NAME.crt and NAME.key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tyst"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
                x509.NameAttribute(NameOID.COMMON_NAME, unit),
            ]
        )
        certificate = self._build(subject, key.public_key(), ca=False, names=names)
        encoding = serialization.Encoding.PEM
        private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(encoding))
        (folder / f"{name}.key").write_bytes(private)

    def pem(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def der(self) -> bytes:
        """The same, DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


class TestGate:
    """Answers `devices` and `drop` as the gate does: it opens the session, and refuses what it can't open."""

    __test__ = False

    def __init__(self, state: Path, keys: Keyring) -> None:
        self.keys, self.counts, self.asked = keys, dict[bytes, int](), list[str]()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(state / "gate.crt", state / "gate.key")
        context.load_verify_locations(state / "ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://localhost:{self.server.server_address[1]}"

    def answer(self, path: str, body: bytes) -> bytes:
        """What the gate says; KeyError for another path, SealError for another's session."""
        forms: dict[str, Callable[[Any], bytes]] = {
            "/v1/devices": self._devices,
            "/v1/drop": self._drop,
            "/v1/loads": lambda _: encode(NodeLoads({})),
        }
        self.asked.append(path)
        return forms[path](body)

    def _handle(self, session: bytes) -> bytes:
        return open_token(self.keys.seal, Session, session, now=int(time.time())).handle

    def _devices(self, body: bytes) -> bytes:
        return encode(Devices(self.counts.get(self._handle(decode(body, DevicesOf).session), 0)))

    def _drop(self, body: bytes) -> bytes:
        return encode(Dropped(self.counts.pop(self._handle(decode(body, DropDevices).session), 0)))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = gate.answer(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def close(self) -> None:
        """Stops it."""
        self.server.shutdown()
        self.server.server_close()


class World:
    """Everything a site needs, in one folder."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.authority = Authority()
        self.site_keys, self.gate_keys = new_pair(os.urandom)
        (state / "site.keys").write_text(to_text(self.site_keys))
        (state / "ca.crt").write_bytes(self.authority.pem())
        self.authority.issue(state, "gate", "gate", "localhost")
        self.authority.issue(state, "site", "site", "site")
        (state / "tls").mkdir()
        self.authority.issue(state / "tls", "site", "site", "localhost")
        self.geoip = state / "geoip"
        self.geoip.write_text("# Countries\n2130706432,2130706432,SE\n2130706433,2130706433,SE\n")
        self.database = state / "records.sqlite3"
        with ThreadPoolExecutor(1) as aside:  # a browser's event loop may run in this thread, where Django won't work
            aside.submit(migrate, self.database).result()
        transparency.found(state, datetime.now(UTC).date())
        self._fill()
        self.gate = TestGate(state, self.gate_keys)
        self.process: subprocess.Popen[str] | None = None
        self.url = self.http_url = ""

    def _fill(self) -> None:
        for number, (name, city, country, ipv4, ipv6, key, owned) in enumerate(NODES, 1):
            self.sql("INSERT INTO location VALUES (?, ?, ?)", name, city, country)
            sql = "INSERT INTO node (name, location, ipv4, ipv6, wireguard_public, owned, number, revoked)"
            self.sql(sql + " VALUES (?, ?, ?, ?, ?, ?, ?, 0)", name, name, ipv4, ipv6, key, owned, number)
        self.sql("INSERT INTO fleet VALUES (1, ?, ?, 'https://tyst.test')", self.authority.der(), STATIC_KEY)

    def sql(self, statement: str, *values: object) -> list[Any]:
        """One statement on the database, as another process would."""
        import sqlite3

        with sqlite3.connect(self.database, timeout=20) as connection:
            for pragma in PRAGMAS:
                connection.execute(pragma)
            rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows

    def voucher(self, days: int = 30) -> str:
        """A fresh voucher, as the operator issues it."""
        code = new_code(os.urandom(10))
        self.sql("INSERT INTO voucher (hash, days) VALUES (?, ?)", hash_of(code), days)
        return code

    def start(self, https: int, http: int) -> None:
        """Starts `tyst serve` and waits until it is ready."""
        words = ["serve", "--state", str(self.state), "--gate", self.gate.url, "--geoip", str(self.geoip)]
        words += ["--https", f"127.0.0.1:{https}", "--http", f"127.0.0.1:{http}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {"PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "165"}
        environment["GLIBC_TUNABLES"] = "glibc.malloc.tcache_count=0"
        command = [sys.executable, "-m", "tyst", *words]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise RuntimeError(f"the site did not start: {self.process.communicate(timeout=20)[1]}")
        self.url, self.http_url = f"https://localhost:{https}", f"http://localhost:{http}"

    def stop(self) -> tuple[str, str]:
        """Stops everything; what the site said on both streams."""
        said = ("", "")
        if self.process:
            self.process.terminate()
            said = self.process.communicate(timeout=20)
        self.gate.close()
        return said
