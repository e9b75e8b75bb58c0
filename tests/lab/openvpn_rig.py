"""A node's OpenVPN with two customers' machines beside it, in a sandbox of namespaces: what the OpenVPN lab tests use.

`@scenario` turns `async def test_…(rig)` into a test that runs itself inside a sandbox of its own (mount, process and
network namespace), so that nothing of it is left however it ends. In there: the node is the sandbox itself, `alice` and
`bob` are network namespaces on one wire with it, and the gate and the firewall are objects of this file that obey and
remember. The clients are Debian's openvpn with the profile that we hand out.
"""

import asyncio
import contextlib
import datetime
import functools
import importlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tyst.core.openvpn.profile import Profile, Remote, profile
from tyst.core.seal import Kind, open_sealed_to
from tyst.messages.admission import Admission, Features, Login, Verdict, Why
from tyst.messages.codec import decode
from tyst.messages.fleet import Announced, NodeSecrets
from tyst.node.doors import DoorContext, GateState
from tyst.node.egress import plain
from tyst.node.openvpn.service import OpenVpn
from tyst.node.openvpn.wiring import build, pem

NODE4, NODE6 = "192.0.2.1", "2001:db8::1"
BEYOND4, BEYOND6 = "198.51.100.1", "2001:db8:80::1"
"""Addresses of the node that a customer reaches through the tunnel alone."""
PEOPLE = {"alice": 10, "bob": 11}
SECONDS = 90


def scenario(test: Callable[["Rig"], Awaitable[None]]) -> Callable[[], None]:
    """The test, run in a sandbox; its traceback is the failure."""

    @pytest.mark.lab
    def outside() -> None:
        name = f"{test.__module__}:{test.__name__}"
        sandbox = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        command = [*sandbox, sys.executable, "-m", "tests.lab.openvpn_rig", name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 20)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]

    functools.update_wrapper(outside, test)
    del outside.__wrapped__
    outside.inside = test  # type: ignore[attr-defined]
    return outside


class ObedientGate:
    """A gate that answers as the test says. It opens what the node sealed, as the real one does."""

    def __init__(self, node: str) -> None:
        self._private = X25519PrivateKey.generate()
        self._node = node
        self.public = self._private.public_key().public_bytes_raw()
        self.state = GateState.CONNECTED
        self.accounts = {"alice": "correct horse", "bob": "battery staple"}
        self.refuse: dict[str, tuple[Verdict, Why]] = {}
        self.delay = 0.0
        self.features = Features(ipv6=True)
        self.asked: list[str] = []
        self.granted: list[bytes] = []
        self.returned: list[bytes] = []

    async def admit_login(self, sealed: bytes, entered: bool = False) -> Admission:
        if self.state is GateState.LOST:
            return Admission(Verdict.REFUSED, Why.UNREACHABLE)
        raw = (self._private.private_bytes_raw(),)
        body = open_sealed_to(raw, Kind.LOGIN, sealed, context=self._node.encode(), now=int(time.time()))
        login = decode(body, Login)
        self.asked.append(login.username)
        await asyncio.sleep(self.delay)
        if login.username in self.refuse:
            return Admission(*self.refuse[login.username])
        if self.accounts.get(login.username) != login.password:
            return Admission(Verdict.REFUSED, Why.LOGIN)
        self.granted.append(secrets.token_bytes(16))
        return Admission(Verdict.OPEN, lease=self.granted[-1], features=self.features)

    def give_back(self, lease: bytes) -> None:
        self.returned.append(lease)


class RememberingFirewall:
    """Firewall and inner flows in one: remembers what it was told."""

    def __init__(self) -> None:
        self.open: set[str] = set()

    def admit(self, addresses: Iterable[object], passage: object) -> None:
        self.open |= {str(address) for address in addresses}

    def confine(self, address: object) -> None:
        raise AssertionError("OpenVPN has no walled garden")

    def release(self, addresses: Iterable[object]) -> None:
        self.open -= {str(address) for address in addresses}

    def linger(self, addresses: Iterable[object]) -> None:
        pass

    def purge(self, addresses: Iterable[object]) -> None:
        pass


class Client:
    """Debian's openvpn on somebody's machine, with our profile."""

    def __init__(self, person: str, process: asyncio.subprocess.Process) -> None:
        self.person, self.process = person, process
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())

    def said(self, words: str) -> int:
        """How many lines of its output hold these words."""
        return sum(words in line for line in self.lines)

    async def up(self) -> None:
        await until(lambda: self.said("Initialization Sequence Completed"), what="\n".join(self.lines), within=20)

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), 10)
        await self._reading


class Rig:
    """Everything a scenario needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gate, self.firewall = ObedientGate("se-sto"), RememberingFirewall()
        authority, certificate, key = _certificates("se-sto.tyst.test")
        self.tls_crypt = _static_key()
        self.authority_pem = pem(authority, "CERTIFICATE")
        announced = Announced(certificate, authority, self.tls_crypt, self.gate.public, "https://tyst.test")
        state = folder / "state"
        state.mkdir(mode=0o700)
        self.context = DoorContext(
            name="se-sto",
            interface="eth0",
            state=state,
            announced=announced,
            secrets=NodeSecrets(bytes(32), key),
            gate=self.gate,
            firewall=self.firewall,  # type: ignore[arg-type]
            flows=self.firewall,  # type: ignore[arg-type]
            passage=plain,
        )
        self.openvpn: OpenVpn = build(self.context)
        self.clients: list[Client] = []

    def profile(self, protocol: str, *, six: bool = False) -> str:
        """The profile that the site would hand out for this node."""
        port = 1194 if protocol == "udp" else 443
        remote = Remote(ip_address(NODE6 if six else NODE4), port, protocol)  # type: ignore[arg-type]
        return profile(Profile((remote,), self.authority_pem, self.tls_crypt, "se-sto.tyst.test"))

    async def connect(
        self,
        machine: str,
        protocol: str = "udp",
        *,
        account: str = "",
        password: str = "",
        six: bool = False,
        extra: str = "",
    ) -> Client:
        """Starts a client on somebody's machine, with its owner's account and password unless others are given."""
        account = account or machine
        stem = self.folder / f"{machine}-{len(self.clients)}"
        config, login = stem.with_suffix(".ovpn"), stem.with_suffix(".login")
        config.write_text(self.profile(protocol, six=six) + f"\nverb 4\n{extra}\n")
        login.write_text(f"{account}\n{password or self.gate.accounts[account]}\n")
        login.chmod(0o600)
        command = ["ip", "netns", "exec", machine, "openvpn", "--config", str(config), "--auth-user-pass", str(login)]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        client = Client(machine, process)
        self.clients.append(client)
        return client


async def until(condition: Callable[[], object], *, what: str = "", within: float = 15) -> None:
    """Waits for a condition, with a deadline."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"waited {within} s in vain. {what}"
        await asyncio.sleep(0.05)


async def shell(*words: str, within: float = 10) -> tuple[int, str]:
    """A command's exit code and output."""
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out, _ = await asyncio.wait_for(process.communicate(), within)
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace")


async def pings(person: str, address: str) -> bool:
    """Whether one of three pings from somebody's machine is answered."""
    code, _ = await shell("ip", "netns", "exec", person, "ping", "-c", "3", "-i", "0.2", "-W", "1", address)
    return code == 0


def _run(*words: str) -> None:
    subprocess.run(words, check=True, timeout=10)


def _network() -> None:
    _run("mount", "-t", "tmpfs", "none", "/run/netns")
    for line in ("link set lo up", "link add eth0 type bridge", "link set eth0 up"):
        _run("ip", *line.split())
    for setting in ("all/disable_ipv6=0", "default/accept_dad=0", "eth0/accept_dad=0"):
        name, _, value = setting.partition("=")
        Path(f"/proc/sys/net/ipv6/conf/{name}").write_text(value)
    _run("ip", "addr", "add", f"{NODE4}/24", "dev", "eth0")
    _run("ip", "addr", "add", f"{NODE6}/64", "dev", "eth0", "nodad")
    _run("ip", "addr", "add", f"{BEYOND4}/32", "dev", "lo")
    _run("ip", "addr", "add", f"{BEYOND6}/128", "dev", "lo", "nodad")
    for person, number in PEOPLE.items():
        _machine(person, number)


def _machine(person: str, number: int) -> None:
    _run("ip", "netns", "add", person)
    _run("ip", "link", "add", f"v-{person}", "type", "veth", "peer", "name", "eth0", "netns", person)
    _run("ip", "link", "set", f"v-{person}", "master", "eth0", "up")
    inside = ["ip", "-n", person]
    _run(*inside, "link", "set", "lo", "up")
    _run(*inside, "link", "set", "eth0", "up")
    _run(*inside, "addr", "add", f"192.0.2.{number}/24", "dev", "eth0")
    _run(*inside, "addr", "add", f"2001:db8::{number}/64", "dev", "eth0", "nodad")
    _run(*inside, "route", "add", "default", "via", NODE4)
    _run(*inside, "-6", "route", "add", "default", "via", NODE6)


def _static_key() -> str:
    lines = "\n".join(secrets.token_hex(16) for _ in range(16))
    return f"-----BEGIN OpenVPN Static key V1-----\n{lines}\n-----END OpenVPN Static key V1-----\n"


def _certificates(name: str) -> tuple[bytes, bytes, bytes]:
    """(authority, server certificate, server key) as DER, good for a day."""
    now = datetime.datetime.now(datetime.UTC)
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tyst lab")])

    def builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        return made.not_valid_after(now + datetime.timedelta(days=1))

    authority = builder(issuer, root).add_extension(x509.BasicConstraints(True, 0), True).sign(root, hashes.SHA256())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    server = builder(subject, leaf).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    signed = server.add_extension(usage, True).sign(root, hashes.SHA256())
    der = serialization.Encoding.DER
    key = leaf.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return authority.public_bytes(der), signed.public_bytes(der), key


async def _inside(test: Callable[[Rig], Awaitable[None]], folder: Path) -> None:
    rig = Rig(folder)
    try:
        await rig.openvpn.start()
        await asyncio.wait_for(test(rig), SECONDS)
    except BaseException:
        for client in rig.clients:
            print(f"== {client.person}", *client.lines[-60:], sep="\n")
        raise
    finally:
        for client in rig.clients:
            with contextlib.suppress(Exception):
                await client.stop()
        await rig.openvpn.stop()


def main() -> int:
    """Inside the sandbox: builds the network and runs one scenario."""
    module, _, name = sys.argv[1].partition(":")
    test = getattr(importlib.import_module(module), name).inside
    _network()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        os.chmod(folder, 0o755)
        try:
            asyncio.run(_inside(test, Path(folder)))
        except BaseException:  # noqa: BLE001 (whatever it was, the test outside must show it)
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
