"""Chooses the parts of OpenVPN on a node: real clock and randomness, the gate's key, the node's key and certificate."""

import asyncio
import base64
import secrets
import time
from collections.abc import Callable
from functools import partial

from tyst.core.openvpn.server import Range, Server
from tyst.core.seal import Kind, seal_to
from tyst.core.transient import Transient
from tyst.messages.admission import Login
from tyst.messages.codec import encode
from tyst.node.doors import DoorContext
from tyst.node.openvpn.door import Door, Shared
from tyst.node.openvpn.limiter import LoginLimiter
from tyst.node.openvpn.outage import Outage
from tyst.node.openvpn.process import ServerProcess
from tyst.node.openvpn.service import OpenVpn


def build(context: DoorContext) -> OpenVpn:
    """OpenVPN for a node that the gate has announced itself to. `start` it once the firewall is up."""
    limiter = LoginLimiter(time.monotonic, secrets.token_bytes, context.entry_of)
    shared = Shared(
        gate=context.gate,
        firewall=context.firewall,
        flows=context.flows,
        passage=context.passage,
        seal=partial(seal_login, context.announced.gate_public, context.name),
        limiter=limiter,
        outage=Outage(time.monotonic, secrets.token_bytes(32)),
        draw=secrets.token_bytes,
        clock=time.monotonic,
    )
    trouble = asyncio.Event()
    return OpenVpn([_part(server, context, shared, trouble) for server in servers(context)], trouble)


def udp_ports(processes: int, first: int = 1194) -> tuple[int, ...]:
    """The ports of so many UDP processes."""
    return tuple(range(first, first + processes))


def servers(context: DoorContext) -> list[Server]:
    """The processes of a node: UDP, TCP, and further UDP ones on the ports behind the first (openvpn uses one core)."""
    certificate = pem(context.announced.openvpn_certificate, "CERTIFICATE")
    key = pem(context.secrets.openvpn_key, "PRIVATE KEY")
    authority = pem(context.announced.openvpn_authority, "CERTIFICATE")
    tls_crypt = context.announced.tls_crypt
    first = Server(Range(0), "udp", context.udp_port, certificate, key, authority, tls_crypt)
    second = Server(Range(1), "tcp", context.tcp_port, certificate, key, authority, tls_crypt)
    more = [
        Server(Range(1 + n), "udp", context.udp_port + n, certificate, key, authority, tls_crypt)
        for n in range(1, context.processes)
    ]
    return [first, second, *more]


def seal_login(
    gate_public: bytes,
    node: str,
    username: Transient[str],
    password: Transient[str],
    *,
    clock: Callable[[], float] = time.time,
) -> bytes:
    """A login that only the gate can read, and only as this node's. `clock`: seconds since 1970."""
    login = Login(username=username.reveal(), password=password.reveal())
    return seal_to(gate_public, Kind.LOGIN, encode(login), context=node.encode(), now=int(clock()))


def pem(der: bytes, label: str) -> str:
    """DER as PEM text (RFC 7468)."""
    body = base64.b64encode(der).decode()
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def _part(server: Server, context: DoorContext, shared: Shared, trouble: asyncio.Event) -> tuple[ServerProcess, Door]:
    process = ServerProcess(server, context.state, shared.limiter.bucket_of, trouble)
    return process, Door(server.range, process.send, shared)
