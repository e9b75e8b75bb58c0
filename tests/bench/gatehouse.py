"""A gate at work for measuring: its own process on a lab host, a crowd in its records, and a node's way to its door.

The node is played by the bench: it holds an identity that the fleet's own authority signed, keeps its connections, and
speaks HTTP over mutual TLS as a node does. What is measured is the CPU time of the gate's process and nothing else.
"""

import asyncio
import base64
import json
import os
import secrets
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import argon2
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.bench.machine import cpu_seconds
from tyst.core.keyring import Keyring, from_text
from tyst.fleet.founding import pem
from tyst.gate import authority
from tyst.gate.identity import Role
from tyst.gate.passwords import LANES, MEMORY_KIB, PASSES
from tyst.gate.wiring import FLEET_SECRET
from tyst.lab.bringup import GATE_NAME, GATE_PORT, STATE, Provider
from tyst.lab.environment import PROJECT
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.messages.codec import decode, encode

NODE = "se-sto"
CONNECTIONS = 4
PASSWORD = "correct horse battery staple"
"""Everybody's."""

Answer = TypeVar("Answer", bound=msgspec.Struct)


@dataclass(frozen=True)
class Device:
    """A registered key of a paying customer."""

    public: bytes
    handle: bytes = field(repr=False)
    username: str


@dataclass
class GateHouse:
    """The running gate. `rings`: the key files of site and gate; `devices`: the crowd."""

    control: Host
    pid: int
    site_keys: Keyring
    gate_keys: Keyring
    devices: list[Device]
    context: ssl.SSLContext

    def rate(self, path: str, bodies: Sequence[bytes], *, each: int = 1) -> tuple[float, list[bytes]]:
        """(authorisations per CPU second of the gate, its answers) for requests that carry `each` of them."""
        spent, answers = asyncio.run(_ask_all(self, f"/v1/{path}", bodies))
        return len(bodies) * each / spent, answers


@contextmanager
def gatehouse(accounts: int) -> Iterator[GateHouse]:
    """Builds a lab with a control host, a fleet, `accounts` customers with a key each, and a gate."""
    with Lab.build(hosts=["control"]) as lab:
        provider = Provider(lab)
        provider.make_fleet()
        provider.token_for(NODE)
        state = state_of(lab["control"])
        devices = _devices(lab["control"], accounts)
        provider.start_gate()
        assert provider.gate is not None
        yield GateHouse(
            lab["control"],
            provider.gate.pid,
            from_text((state / "site.keys").read_bytes(), room="site"),
            from_text((state / "gate.keys").read_bytes(), room="gate"),
            devices,
            node_context(state),
        )


def state_of(control: Host) -> Path:
    """The control host's state folder, as seen from outside."""
    return control.root / STATE.lstrip("/")


def node_context(state: Path, name: str = NODE) -> ssl.SSLContext:
    """TLS as a node speaks it: the gate's authority known, and an identity signed by it."""
    ring = from_text((state / "gate.keys").read_bytes(), room="gate")
    anchor = x509.load_pem_x509_certificate((state / "ca.crt").read_bytes())
    fleet = authority.load(anchor.public_bytes(serialization.Encoding.DER), ring.secrets[FLEET_SECRET])
    key = authority.new_key()
    certificate = authority.client_certificate(
        fleet, key.public_key(), Role.NODE, name, now=time.time(), life=authority.NODE_LIFE
    )
    context = ssl.create_default_context(cadata=pem(fleet.der).decode())
    _load_pair(context, pem(certificate), authority.private_bytes(key))
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """OpenSSL reads files only; this one is in RAM and has no name."""
    text = base64.encodebytes(key)
    handle = os.memfd_create("identity")
    try:
        os.write(handle, certificate + b"-----BEGIN PRIVATE KEY-----\n" + text + b"-----END PRIVATE KEY-----\n")
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


def program(module: str, *words: str) -> tuple[list[str], dict[str, str]]:
    """(arguments, environment) to run a module of the benches on a host of the lab."""
    return [sys.executable, "-m", module, *words], {"PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}


def _devices(control: Host, count: int) -> list[Device]:
    stored = argon2.PasswordHasher(PASSES, MEMORY_KIB, LANES).hash(PASSWORD.encode())
    words, environment = program("tests.bench.customers", STATE, str(count))
    out = control.run(words, env=environment, input=stored, timeout=120).stdout
    return [Device(_public(private), bytes.fromhex(handle), name) for private, handle, name in json.loads(out)]


def _public(private: str) -> bytes:
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(private)).public_key().public_bytes_raw()


class Connection:
    """One kept connection to the gate; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, host: Host, context: ssl.SSLContext, address: str = "::1") -> "Connection":
        """Connects from a host of the lab, with a full handshake."""
        link = host.socket(socket.AF_INET6, socket.SOCK_STREAM)
        link.setblocking(False)
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(link, (address, GATE_PORT)), 10)
        return cls(*await asyncio.open_connection(sock=link, ssl=context, server_hostname=GATE_NAME))

    async def ask(self, path: str, body: bytes) -> bytes:
        """The body of the answer, or AssertionError when the gate refused."""
        head = f"POST {path} HTTP/1.1\r\nhost: {GATE_NAME}\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        reply = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 30)
        length = int(reply.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        content = await self._reader.readexactly(length)
        assert reply.startswith(b"HTTP/1.1 200"), f"the gate refused: {content!r}"
        return content

    async def close(self) -> None:
        """Ends it."""
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), 5)
        except (OSError, TimeoutError):
            return


async def _ask_all(house: GateHouse, path: str, bodies: Sequence[bytes]) -> tuple[float, list[bytes]]:
    """Asks over a few kept connections; the gate's CPU seconds between the first request and the last answer."""
    connections = [await Connection.open(house.control, house.context) for _ in range(min(CONNECTIONS, len(bodies)))]
    answers: list[bytes] = [b""] * len(bodies)
    waiting = iter(range(len(bodies)))

    async def carry(connection: Connection) -> None:
        for number in waiting:
            answers[number] = await connection.ask(path, bodies[number])

    began = cpu_seconds(house.pid)
    await asyncio.gather(*(carry(connection) for connection in connections))
    spent = cpu_seconds(house.pid) - began
    for connection in connections:
        await connection.close()
    return spent, answers


def message(struct: msgspec.Struct) -> bytes:
    """The bytes of a request."""
    return encode(struct)


def reply(form: type[Answer], body: bytes) -> Answer:
    """The answer in the form that its path has."""
    return decode(body, form)


def nonce() -> bytes:
    """What a seal needs anew each time."""
    return secrets.token_bytes(12)
