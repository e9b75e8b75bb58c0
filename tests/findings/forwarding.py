"""Asking for forwarded ports, and reaching them: Debian's `natpmpc`, and NAT-PMP and PCP written out byte by byte.

The bytes are those of RFC 6886 (sections 3.2 to 3.5) and RFC 6887 (7, 11.1, 13, 14.1); they share no code with the
product. Whoever asks is a host with a stock tunnel (`Asker`) or a `Device`.
"""

import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World
from tyst.lab.host import Host
from tyst.lab.wait import wait_until

GATEWAY, PORT = "10.0.0.1", 5351
TCP, UDP = 6, 17
KINDS = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}
NAMES = {TCP: "tcp", UDP: "udp"}
SUCCESS, UNSUPP_VERSION, NOT_AUTHORIZED, MALFORMED_REQUEST, UNSUPP_OPCODE, UNSUPP_OPTION = range(6)
MALFORMED_OPTION, USER_EX_QUOTA, CANNOT_PROVIDE_EXTERNAL, ADDRESS_MISMATCH = 6, 10, 11, 12
THIRD_PARTY, PREFER_FAILURE = 1, 2
_ENDS = struct.Struct("!HH")


@dataclass(frozen=True)
class Mapped:
    """What `natpmpc` printed. `port` 0: the gateway refused, for the reason in `said`."""

    address: str
    port: int
    lifetime: int
    said: str = field(repr=False)


def natpmpc(host: Host, internal: int, proto: str, wish: int = 0, lifetime: int = 600) -> Mapped:
    """Debian's client asks for a port."""
    words = ["natpmpc", "-g", GATEWAY, "-a", str(wish), str(internal), proto, str(lifetime)]
    done = host.run(words, check=False, timeout=40)
    said = done.stdout + done.stderr
    address = re.search(r"Public IP address : (\S+)", said)
    got = re.search(r"Mapped public port (\d+) protocol \w+ to local port \d+ liftime (\d+)", said)
    return Mapped(address[1] if address else "", int(got[1]) if got else 0, int(got[2]) if got else 0, said)


def pmp(internal: int, proto: int = UDP, wish: int = 0, lifetime: int = 600) -> bytes:
    """A NAT-PMP request for a port."""
    return struct.pack("!BBHHHI", 0, 1 if proto == UDP else 2, 0, internal, wish, lifetime)


def asked(device: Device, request: bytes) -> bytes:
    """What the gateway answers to a device's request; asked again after a while, as clients do (RFC 6886, 3.1)."""
    sport = 20000 + int.from_bytes(os.urandom(2)) % 10000
    for patience in (1.0, 2.0, 4.0):
        device.send(packets.udp(device.four, GATEWAY, sport, PORT, request))
        answer = device.hears(lambda one: one[9] == packets.UDP and one[20:24] == _ENDS.pack(PORT, sport), patience)
        if answer is not None:
            return packets.payload_of(answer)[: struct.unpack_from("!H", answer, 24)[0] - 8]
    raise AssertionError("the gateway says nothing")


def exit_of(device: Device) -> IPv4Address:
    """By which address the gateway says that a device's ports are reached."""
    answer = asked(device, b"\0\0")
    assert answer[:4] == b"\0\x80\0\0"
    return IPv4Address(answer[8:12])


def port_for(device: Device, internal: int, proto: int = UDP, wish: int = 0, lifetime: int = 600) -> int:
    """The external port that a device gets; 0 when it is refused."""
    answer = asked(device, pmp(internal, proto, wish, lifetime))
    return int(struct.unpack_from("!H", answer, 10)[0]) if answer[2:4] == b"\0\0" else 0


@contextmanager
def neighbours(world: World, node: str) -> Iterator[tuple[Device, Device]]:
    """Alice and Mallory, two accounts that leave a node by the same address."""
    with world.connected("alice", node=node) as alice, ExitStack() as stack:
        for _ in range(40):
            mallory = stack.enter_context(world.connected("mallory", node=node))
            if exit_of(mallory) == exit_of(alice):
                yield alice, mallory
                return
        raise AssertionError("of 40 tunnels none leaves by that address")


@contextmanager
def tunnelled(world: World, who: str, node: str) -> Iterator[IPv4Address]:
    """Somebody's whole machine in a WireGuard tunnel of a new account; its inner address."""
    with world.wireguard(who, world.customer().devices[0], node):
        world.lab[who].run(["ping", "-n", "-c1", "-W5", GATEWAY], check=False)
        yield world.tunnel_addresses(who, node)[0]


# --- PCP ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """A PCP answer's header, and of a MAP what it got."""

    opcode: int
    result: int
    lifetime: int
    epoch: int
    nonce: bytes = field(default=b"", repr=False)
    port: int = 0
    address: str = ""
    options: bytes = b""


class Pcp:
    """A PCP client (version 2) on a host with a tunnel."""

    def __init__(self, host: Host, inner: IPv4Address) -> None:
        self._inner = inner
        self._socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.connect((GATEWAY, PORT))

    def ask(self, request: bytes) -> Answer:
        """Sends bytes and reads the answer; what is answered must be of the right form."""
        self._socket.send(request)
        data = self._socket.recv(2048)
        assert len(data) <= max(len(request), 24) and len(data) % 4 == 0 and data[0] == 2 and data[1] & 0x80
        opcode, result, lifetime, epoch = struct.unpack("!xBxBII12x", data[:24])
        answer = Answer(opcode & 0x7F, result, lifetime, epoch)
        if answer.opcode != 1 or len(data) < 60:
            return answer
        nonce, port, address = struct.unpack("!12s6xH16s", data[24:60])
        assert address[:12] == bytes(10) + b"\xff\xff"
        got = str(IPv4Address(address[12:]))
        return Answer(answer.opcode, result, lifetime, epoch, nonce, port, got, data[60:])

    def head(self, opcode: int, lifetime: int = 0, version: int = 2, inner: IPv4Address | None = None) -> bytes:
        """A request's first 24 bytes."""
        return struct.pack("!BBHI10xH4s", version, opcode, 0, lifetime, 0xFFFF, (inner or self._inner).packed)

    def map(
        self, nonce: bytes, internal: int, proto: int = TCP, wish: int = 0, lifetime: int = 600, options: bytes = b"",
        inner: IPv4Address | None = None,
    ) -> Answer:  # fmt: skip
        """MAP."""
        body = struct.pack("!12sB3xHH10xH4x", nonce, proto, internal, wish, 0xFFFF)
        return self.ask(self.head(1, lifetime, inner=inner) + body + options)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


def option(code: int, data: bytes = b"") -> bytes:
    """A PCP option."""
    return struct.pack("!BxH", code, len(data)) + data + bytes(-len(data) % 4)


# --- reaching -------------------------------------------------------------------------------------------------------


@contextmanager
def listening(host: Host, proto: int, port: int) -> Iterator[socket.socket]:
    """A service on a host: what it hears can be read from the socket."""
    with host.socket(socket.AF_INET, KINDS[proto]) as service:
        service.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        service.bind(("0.0.0.0", port))
        service.settimeout(5)
        if proto == TCP:
            service.listen()
        yield service


def reaches(caller: Host, at: tuple[str, int], proto: int, service: socket.socket, patience: float = 4.0) -> str:
    """From which address a service saw a caller, who got an answer from where she asked; '' when nothing came through."""
    with caller.socket(socket.AF_INET, KINDS[proto]) as call:
        call.settimeout(patience)
        try:
            call.connect(at)
            call.send(b"is anybody there?")
            if proto == UDP:
                service.settimeout(patience)
                heard, peer = service.recvfrom(64)
                service.sendto(b"yes", peer)
            else:
                taken, peer = service.accept()
                with taken:
                    heard = taken.recv(64)
                    taken.send(b"yes")
            assert (heard, call.recv(64)) == (b"is anybody there?", b"yes")
            return str(peer[0])
        except (TimeoutError, ConnectionError):
            return ""


def leases(node: Host) -> str:
    """The node's map of forwarded ports."""
    return node.run(["nft", "list", "map", "inet", "tyst", "vp_ports4"]).stdout


def element(proto: int, address: object, port: int) -> str:
    """A lease's key as nft writes it."""
    return f"{NAMES[proto]} . {address} . {port} "


def gone(node: Host, *key: object, within: float = 10.0) -> None:
    """Waits for the end of a lease."""
    words = element(*key)  # type: ignore[arg-type]
    wait_until(lambda: words not in leases(node), within=within, what="the lease to end")
