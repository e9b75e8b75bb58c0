"""The cast of the gate's contract tests: a provider on disk, its real gate process, nodes that knock, customers' rows.

The gate runs as `./tyst gate` on this namespace's loopback, over real TLS; nodes speak to it with aiohttp.
"""

import asyncio
import io
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec
from argon2 import PasswordHasher
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.postgres import sql
from tyst.core import keyring
from tyst.core.seal import Kind, seal_to
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import (
    Credential,
    KeyRecord,
    Session,
    credential_pair,
    from_text,
    seal_token,
)
from tyst.fleet import nodes
from tyst.gate.identity import Role
from tyst.messages.admission import Admission, AdmitKey, AdmitLogin, Confirm, Held, Login, Renew, Renewed
from tyst.messages.codec import decode, encode
from tyst.messages.devices import Devices, DevicesOf
from tyst.messages.fleet import Announce, Announced, Enrol, Enrolled, JoinToken, NodeSecrets, Refusal
from tyst.records.where import chosen

GATE_NAME = "gate.tyst.test"
ROOT = Path(__file__).parents[2]
T = TypeVar("T")


@dataclass
class Customer:
    """An account row that a test wrote, and one device key."""

    name: str
    handle: bytes
    password: str = "correct horse battery"
    device: bytes = field(default_factory=lambda: os.urandom(32))


@dataclass
class Reply:
    """Status and body of the gate's answer."""

    status: int
    body: bytes

    def as_(self, form: type[T]) -> T:
        """The body as a message; the test fails when the gate refused."""
        assert self.status == 200, decode(self.body, Refusal)
        return decode(self.body, form)

    @property
    def refusal(self) -> Refusal:
        """The refusal that it must be."""
        assert self.status >= 400
        return decode(self.body, Refusal)


def found(state: Path, database: str = "") -> None:
    """Makes a provider, by the operator's command: Django is set up in that process and not in the tests'."""
    words = ["--state", str(state), "--site", "https://tyst.test", "--gate-name", GATE_NAME]
    words += ["--database", database] if database else []
    subprocess.run(
        [str(ROOT / "tyst"), "fleet", "init", *words],
        check=True,
        timeout=60,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TYST_PYTHON": sys.executable},
    )


class Provider:
    """A state folder, and the gate process over it."""

    def __init__(self, state: Path, *options: str, database: str = "") -> None:
        self.state, self.options = state, options
        found(state, database)
        self.site = keyring.from_text((state / "site.keys").read_bytes(), room="site")
        self.port = _free_port()
        self.process: subprocess.Popen[str] | None = None
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the fixture

    @property
    def url(self) -> str:
        """Where the gate listens."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the gate and waits for its one word."""
        environment = {**os.environ, "TYST_PYTHON": sys.executable}
        words = ["gate", "--state", str(self.state), "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [str(ROOT / "tyst"), *words, "--site-address", "198.18.1.10", *self.options],
            stdout=subprocess.PIPE,
            stderr=self.output,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.said()

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Ends the gate."""
        assert self.process is not None and self.process.stdout is not None
        self.process.send_signal(how)
        self.process.wait(20)
        self.process.stdout.close()
        self.process = None

    def said(self) -> bytes:
        """Everything the gate wrote to its standard error."""
        self.output.seek(0)
        return self.output.read()

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What the site would do to the records."""
        return sql(chosen(self.state), statement, *values)

    def customer(self, name: str, *, until: str | None = "2099-12-31 23:59:59", connected: int = 0) -> Customer:
        """Signs somebody up, with a paid subscription and one registered device key."""
        one = Customer(name, os.urandom(16))
        stored = PasswordHasher(2, 19 * 1024, 1).hash(one.password)
        self.sql(
            "INSERT INTO account (handle, username, password, created_at, updated_at, newsletter, has_authenticated, "
            "has_connected, has_ipv6, compression, streaming, language, currency, country, subscription) "
            "VALUES (?, ?, ?, '2026-01-01 10:00:00', '2026-01-01 10:00:00', 0, 0, ?, 1, 0, 1, 'en', 'EUR', 'se', ?)",
            *(one.handle, name, stored, connected, until),
        )
        self.register(one, one.device)
        return one

    def register(self, one: Customer, device: bytes) -> bytes:
        """Writes the key record of a device, as the site does. Returns its tag."""
        tag = tag_of(device)
        record = KeyRecord(one.handle, 209912).sealed(
            tag=tag,
            opener=opener_of(device),
            gate_public=self.site.known["gate"],
            nonce=os.urandom(12),
            now=int(time.time()),
        )
        self.sql("INSERT INTO key_record (tag, record, last_month) VALUES (?, ?, 209912)", tag, record)
        return tag

    def session(self, one: Customer) -> bytes:
        """The customer's own sealed session."""
        token = Session(one.handle, os.urandom(8))
        return seal_token(self.site.seal, token, nonce=os.urandom(12), now=int(time.time()))

    def credential(self, one: Customer) -> tuple[str, str]:
        """A VPN credential of the customer's."""
        blob = seal_token(self.site.seal, Credential(one.handle), nonce=os.urandom(12), now=int(time.time()))
        return credential_pair(blob)

    def join_token(self, name: str) -> JoinToken:
        """A one-time token for a node, as the operator makes it."""
        return decode(from_text(nodes.token(self.state, name, self.url)), JoinToken)

    def add_node(self, name: str) -> None:
        """The operator adds a node."""
        from ipaddress import IPv4Address, IPv6Address

        nodes.add(
            self.state, nodes.Wanted(name, "Stockholm", "se", IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10"))
        )

    def visitor(self, role: Role | None = None) -> "Visitor":
        """Somebody at the door: the site, the operator, or a stranger."""
        visitor = Visitor(self)
        if role is not None:
            visitor.context.load_cert_chain(self.state / f"{role}.crt", self.state / f"{role}.key")
        return visitor

    async def node(self, name: str) -> "Node":
        """A node that was added and has enrolled and announced itself."""
        self.add_node(name)
        node = Node(self, name)
        await node.enrol()
        await node.announce()
        return node


class Visitor:
    """A client of the gate over TLS, trusting the fleet CA."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.context = ssl.create_default_context(cafile=str(provider.state / "ca.crt"))
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes | msgspec.Struct) -> Reply:
        """One request."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self.context)
            timeout = aiohttp.ClientTimeout(total=30)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        data = io.BytesIO(body if isinstance(body, bytes) else encode(body))
        url = f"{self.provider.url}/v1/{path}"
        async with self._session.post(url, data=data, server_hostname=GATE_NAME) as response:
            return Reply(response.status, await response.read())

    async def devices(self, one: Customer) -> int:
        """The count, asked as the site asks."""
        return (await self.post("devices", DevicesOf(self.provider.session(one)))).as_(Devices).count

    async def close(self) -> None:
        """Hangs up."""
        if self._session is not None:
            await self._session.close()
            self._session = None
            await _all_closed()


class Node(Visitor):
    """A VPN node, as far as the gate can tell."""

    def __init__(self, provider: Provider, name: str) -> None:
        super().__init__(provider)
        self.name = name
        self.wireguard = X25519PrivateKey.generate()
        self.openvpn = ec.generate_private_key(ec.SECP256R1())
        self.enrolled: Enrolled | None = None
        self.announced: Announced | None = None

    async def enrol(self, token: JoinToken | None = None) -> Enrolled:
        """Joins the fleet and takes its identity."""
        key = ec.generate_private_key(ec.SECP256R1())
        stranger = Visitor(self.provider)
        asked = Enrol((token or self.provider.join_token(self.name)).sealed, request(key))
        self.enrolled = (await stranger.post("enrol", asked)).as_(Enrolled)
        await stranger.close()
        self.hold(self.enrolled.certificate, key)
        return self.enrolled

    def hold(self, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        """Uses this identity from now on."""
        text = x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with tempfile.NamedTemporaryFile() as file:
            file.write(text + private)
            file.flush()
            self.context.load_cert_chain(file.name)

    def secrets(self) -> NodeSecrets:
        """The node's long-lived keys."""
        private = self.openvpn.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return NodeSecrets(self.wireguard.private_bytes_raw(), private)

    async def announce(self) -> Announced:
        """Shows its public keys and deposits its secrets."""
        public = self.wireguard.public_key().public_bytes_raw()
        asked = Announce(public, request(self.openvpn), encode(self.secrets()))
        self.announced = (await self.post("announce", asked)).as_(Announced)
        return self.announced

    async def admit(self, device: bytes) -> Admission:
        """A device's key proved itself here."""
        return (await self.post("admit/key", AdmitKey(tag_of(device), opener_of(device)))).as_(Admission)

    async def confirm(self, admission: Admission) -> Admission:
        """Its first authenticated packet came."""
        return (await self.post("confirm", Confirm(admission.lease))).as_(Admission)

    async def connect(self, device: bytes) -> Admission:
        """Both, when the first says yes."""
        admission = await self.admit(device)
        return await self.confirm(admission) if admission.lease else admission

    async def login(self, username: str, password: str) -> Admission:
        """Somebody typed this into OpenVPN here."""
        assert self.announced is not None
        sealed = seal_to(
            self.announced.gate_public,
            Kind.LOGIN,
            encode(Login(username, password)),
            context=self.name.encode(),
            now=int(time.time()),
        )
        return (await self.post("admit/login", AdmitLogin(sealed))).as_(Admission)

    async def renew(self, *leases: bytes, quiet: bool = False, returned: tuple[bytes, ...] = ()) -> Renewed:
        """Presents leases."""
        asked = Renew([Held(lease, quiet) for lease in leases], list(returned))
        return (await self.post("renew", asked)).as_(Renewed)


async def _all_closed() -> None:
    """TLS says goodbye in the background; the loop must not end before it."""
    transports = getattr(asyncio.get_running_loop(), "_transports", {})
    deadline = time.monotonic() + 15
    while any(one.is_closing() and one._sock for one in transports.values()) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)


def request(key: ec.EllipticCurvePrivateKey, name: str = "whatever") -> bytes:
    """A PKCS#10 request."""
    from cryptography.x509.oid import NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident(pid: int) -> int:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE")
