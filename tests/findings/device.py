"""A customer's device in a few lines of Python: the WireGuard initiator, and whatever packet the test puts inside.

The stock programs are tested elsewhere (tests/lab); here a device must say what they never would, and hear everything
that comes out of its tunnel. Written from the paper (sections 5.4.3 and 5.4.6); the first message is
`tests.unit.core.wireguard.initiator`'s. It shares no code with the product.
"""

import contextlib
import hashlib
import hmac
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from dnslib import DNSRecord

from tests.findings import packets
from tests.unit.core.wireguard.initiator import tai64n, with_mac1
from tyst.core.postquantum import PORT as EXCHANGE_PORT
from tyst.core.postquantum import SEED_BYTES, Exchange
from tyst.core.wireguard.addresses import RESOLVER4, RESOLVER6, address4, address6
from tyst.lab.host import Host
from tyst.lab.packets import Packet, parse

PORT = 51820


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2s(b"".join(parts)).digest()


def _kdf(count: int, key: bytes, data: bytes) -> list[bytes]:
    root, found = hmac.new(key, data, hashlib.blake2s).digest(), [b""]
    for number in range(1, count + 1):
        found.append(hmac.new(root, found[-1] + bytes([number]), hashlib.blake2s).digest())
    return found[1:]


_CHAIN = _hash(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
_BEGIN = _hash(_CHAIN, b"WireGuard v1 zx2c4 Jason@zx2c4.com")


class Handshake:
    """One handshake of a device with a node: the initiation, and the keys that follow from the response."""

    def __init__(self, private: bytes, node: bytes, index: int) -> None:
        self._own, self._moment = X25519PrivateKey.from_private_bytes(private), X25519PrivateKey.generate()
        far = X25519PublicKey.from_public_bytes(node)
        point = self._moment.public_key().public_bytes_raw()
        (chain,) = _kdf(1, _CHAIN, point)
        transcript = _hash(_hash(_BEGIN, node), point)
        chain, key = _kdf(2, chain, self._moment.exchange(far))
        static = ChaCha20Poly1305(key).encrypt(bytes(12), self._own.public_key().public_bytes_raw(), transcript)
        transcript = _hash(transcript, static)
        self._chain, key = _kdf(2, chain, self._own.exchange(far))
        stamp = ChaCha20Poly1305(key).encrypt(bytes(12), tai64n(), transcript)
        self._hash = _hash(transcript, stamp)
        self.message = with_mac1(b"\1\0\0\0" + struct.pack("<I", index) + point + static + stamp, node)

    def keys(self, response: bytes, preshared: bytes = bytes(32)) -> tuple[bytes, bytes, bytes]:
        """(the node's index, key to send with, key to receive with) out of a response of 92 bytes."""
        point = response[12:44]
        far = X25519PublicKey.from_public_bytes(point)
        (chain,) = _kdf(1, self._chain, point)
        transcript = _hash(self._hash, point)
        (chain,) = _kdf(1, chain, self._moment.exchange(far))
        (chain,) = _kdf(1, chain, self._own.exchange(far))
        chain, mixed, key = _kdf(3, chain, preshared)
        ChaCha20Poly1305(key).decrypt(bytes(12), response[44:60], _hash(transcript, mixed))
        sending, receiving = _kdf(2, chain, b"")
        return response[4:8], sending, receiving


@dataclass(eq=False)
class Device:
    """A device on a host. `inbox`: every packet that came out of its tunnel so far, oldest first.

    `sent`: its last initiation. `port`: another node's at a multihop's entry. `bound`: where on its host it sends from.
    """

    host: Host
    private: bytes = field(repr=False)
    node_public: bytes
    node: str
    port: int = PORT
    bound: tuple[str, int] = ("", 0)
    inbox: list[bytes] = field(default_factory=list, repr=False)
    preshared: bytes = field(default=bytes(32), repr=False)
    """Zeros for none."""

    def __post_init__(self) -> None:
        self.public = X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()
        self.four: IPv4Address = address4(self.public)
        self.six: IPv6Address = address6(self.public)
        family = socket.AF_INET if ip_address(self.node).version == 4 else socket.AF_INET6
        self._socket = self.host.socket(family, socket.SOCK_DGRAM)
        if any(self.bound):
            self._socket.bind(self.bound)
        self._socket.connect((self.node, self.port))
        self._peer, self._send_key, self._receive_key, self._counter = b"", b"", b"", 0
        self.sent = b""

    # --- the outside --------------------------------------------------------------------------------------------

    def knock(self) -> bytes:
        """Sends one initiation and returns it; waits for nothing."""
        self._shake = Handshake(self.private, self.node_public, int.from_bytes(os.urandom(4)))
        self.sent = self._shake.message
        self._socket.send(self.sent)
        return self.sent

    def connect(self, within: float = 4.0) -> bool:
        """A handshake and a first empty packet; again on an open tunnel: fresh keys. Whether the node answered.

        Impatient: it tries again every second (WireGuard ignores a peer's second initiation within 50 ms).
        """
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            self.knock()
            if self.finish(min(1.0, left)):
                return True
        return False

    def finish(self, within: float = 4.0) -> bool:
        """The rest of a handshake that `knock` began."""
        deadline = time.monotonic() + within
        while (data := self._datagram(deadline)) is not None:
            if data[:1] == b"\2" and len(data) == 92:
                with contextlib.suppress(InvalidTag):  # the node has another preshared key
                    return self._begin(data)
        return False

    def _begin(self, response: bytes) -> bool:
        self._peer, self._send_key, self._receive_key = self._shake.keys(response, self.preshared)
        self._counter = 0
        self.send(b"")
        return True

    def _datagram(self, deadline: float) -> bytes | None:
        if not select.select([self._socket], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        try:
            return self._socket.recv(2048)
        except ConnectionError:  # the node's port answered by ICMP: nobody is there
            return b""

    # --- the inside ---------------------------------------------------------------------------------------------

    def send(self, packet: bytes) -> None:
        """Puts a packet into the tunnel, whatever it says."""
        nonce, padded = struct.pack("<IQ", 0, self._counter), packet + bytes(-len(packet) % 16)
        sealed = ChaCha20Poly1305(self._send_key).encrypt(nonce, padded, b"")
        self._socket.send(b"\4\0\0\0" + self._peer + nonce[4:] + sealed)
        self._counter += 1

    def _listen(self, deadline: float) -> bytes | None:
        """The next packet out of the tunnel, which also goes to the inbox; None at the deadline."""
        while (data := self._datagram(deadline)) is not None:
            if data[:1] != b"\4":
                continue
            try:
                packet = ChaCha20Poly1305(self._receive_key).decrypt(bytes(4) + data[8:16], data[16:], b"")
            except InvalidTag:
                continue
            if packet:
                self.inbox.append(packet)
                return packet
        return None

    def hears(self, wanted: Callable[[bytes], bool], within: float = 3.0) -> bytes | None:
        """The first packet from now on for which this holds."""
        deadline = time.monotonic() + within
        while (packet := self._listen(deadline)) is not None:
            if wanted(packet):
                return packet
        return None

    def source(self, target: str | IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
        """Its own tunnel address of the target's family."""
        return self.four if ip_address(str(target)).version == 4 else self.six

    def ping(self, target: str | IPv4Address | IPv6Address, within: float = 3.0) -> bool:
        """Whether an address answers through the tunnel."""
        number = int.from_bytes(os.urandom(2))
        self.send(packets.echo(self.source(target), target, number))
        return self.hears(lambda packet: packets.is_echo_reply(packet, number), within) is not None

    def settle(self, garden: bool = False) -> list[Packet]:
        """All that came until now: returns when the node has answered a question that was asked last of all.

        Tunnels keep the order of packets, so what was on its way through the node is here, or comes never.
        """
        assert self.ping(RESOLVER6 if garden else RESOLVER4), "the tunnel is not open"
        return self.packets()

    def packets(self) -> list[Packet]:
        """The inbox, read."""
        return [packet for data in self.inbox if (packet := parse(data, leaving=False)) is not None]

    def from_(self, source: str | IPv4Address | IPv6Address) -> list[Packet]:
        """What is in the inbox from this address."""
        return [packet for packet in self.packets() if str(packet.src) == str(source)]

    def from_port(self, port: int) -> list[Packet]:
        """What is in the inbox from this port."""
        return [packet for packet in self.packets() if packet.sport == port]

    def touches(self, target: str, port: int, sport: int = 0, within: float = 1.5) -> str:
        """What becomes of a TCP connection to a port: 'open', 'refused' or 'silence'. It goes no further."""
        answer = self._call(target, port, sport or 20000 + int.from_bytes(os.urandom(2)) % 10000, within)
        if answer is None:
            return "silence"
        return "open" if packets.tcp_flags(answer) & packets.SYN else "refused"

    def _call(self, target: str, port: int, sport: int, within: float) -> bytes | None:
        self.send(packets.tcp(self.source(target), target, sport, port))
        return self.hears(lambda packet: _answers(packet, target, port, sport), within)

    def establishes(self, target: str, port: int, sport: int) -> None:
        """A whole TCP connection, which is then left as it is."""
        answer = self._call(target, port, sport, 3.0)
        assert answer is not None and packets.tcp_flags(answer) & packets.SYN, "nobody listens there"
        at = (1001, packets.sequence_of(answer) + 1 & 0xFFFFFFFF)
        self.send(packets.tcp(self.source(target), target, sport, port, packets.ACK, at))

    def agrees(self, number: int, within: float = 3.0) -> bytes | None:
        """A preshared key by ML-KEM with the node, from inside the tunnel; it is not used yet. None for silence."""
        exchange = Exchange(os.urandom(SEED_BYTES), number, device=self.public, node=self.node_public)
        answer, deadline = None, time.monotonic() + within
        while answer is None and (left := deadline - time.monotonic()) > 0:  # again: a tunnel is open after a moment
            answer = self.exchanges(exchange.message, min(0.3, left))
        return None if answer is None else exchange.finish(answer)

    def exchanges(self, message: bytes, within: float = 3.0) -> bytes | None:
        """What the node's service for preshared keys answers to this, if anything."""
        self.send(packets.udp(self.six, RESOLVER6, 31888, EXCHANGE_PORT, message))
        answer = self.hears(lambda packet: packet[0] >> 4 == 6 and packet[40:42] == EXCHANGE_PORT.to_bytes(2), within)
        return None if answer is None else packets.payload_of(answer)

    def asks(self, name: str, kind: str = "A") -> list[str]:
        """What the node's resolver answers; empty for nothing."""
        question = DNSRecord.question(name, kind)
        self.send(packets.udp(self.four, RESOLVER4, 31053, 53, question.pack()))
        answer = self.hears(lambda packet: packet[9] == packets.UDP and packet[20:22] == b"\0\65")
        return [str(record.rdata) for record in DNSRecord.parse(packets.payload_of(answer)).rr] if answer else []

    def close(self) -> None:
        """The device is switched off, without a goodbye."""
        self._socket.close()


def _answers(packet: bytes, target: str, port: int, sport: int) -> bool:
    read = parse(packet, leaving=False)
    if read is None or read.proto != "tcp":
        return False
    return (str(read.src), read.sport, read.dport) == (target, port, sport)
