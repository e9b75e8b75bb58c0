"""Hears the handshake initiations that come for the node's WireGuard port, before WireGuard does.

The firewall turns them (and nothing else) to a port of this agent (`core.firewall`), so WireGuard never sees one that
was not handed on here: a flood costs it nothing, and no initiation is ever answered twice, which would break the very
tunnel it asks for. Order of the checks, cheapest first: MAC1, the prefix's bucket, a meter for all, the static key;
that of a served device goes on to WireGuard, a new one must prove itself. It answers nobody, keeps nothing and knows no
gate: `tunnels.py` decides what becomes of a knock.
"""

import asyncio
import socket
from collections.abc import Callable

from tyst.core.firewall.reach import HANDED
from tyst.core.wireguard.handshake import HandshakeError, Initiation, Responder
from tyst.node.limits import Buckets, Meter
from tyst.node.packets import Captured, Knock, to_ipv4, to_ipv6

_BATCH = 32
_ROOM = 1 << 20
_IP_PKTINFO = 8
_FLAGS = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_PREFIX_RATE, _PREFIX_BURST = 100, 200
_TOTAL_RATE, _TOTAL_BURST = 1000, 1000


class Listener:
    """`served(key)`: whether WireGuard has this peer now. `knock(k)`: a device without one proved itself.

    `from_entry(source)`: whether it is a node of the fleet, from which many come: it passed its bucket there.
    `doubts(key)`: whether a served device must prove itself too, because `tried(initiation)` counts what it sends.
    """

    def __init__(
        self,
        responder: Responder,
        *,
        port: int,
        wireguard: int,
        served: Callable[[bytes], bool],
        knock: Callable[[Knock], None],
        clock: Callable[[], float],
        from_entry: Callable[[bytes], bool] = lambda _: False,
        doubts: Callable[[bytes], bool] = lambda _: False,
        tried: Callable[[Initiation], None] = lambda _: None,
    ) -> None:
        self._from_entry, self._doubts, self._tried = from_entry, doubts, tried
        self._responder, self._port, self._wireguard = responder, port, wireguard
        self._served, self._knock = served, knock
        self._buckets, self._meter = (
            Buckets(_PREFIX_RATE, _PREFIX_BURST, clock),
            Meter(_TOTAL_RATE, _TOTAL_BURST, clock),
        )
        self._ears: list[socket.socket] = []
        self._hands: dict[int, socket.socket] = {}

    def start(self) -> None:
        """Listens from now on. OSError without the right to raw sockets (CAP_NET_RAW), or when the port is taken."""
        loop = asyncio.get_running_loop()
        self._hands = {4: _hand(socket.AF_INET), 16: _hand(socket.AF_INET6)}
        for family in (socket.AF_INET, socket.AF_INET6):
            ear = _ear(family, self._port)
            self._ears.append(ear)
            loop.add_reader(ear, self._hear, ear)

    def stop(self) -> None:
        """Closes everything."""
        loop = asyncio.get_running_loop()
        for ear in self._ears:
            loop.remove_reader(ear)
        for one in (*self._ears, *self._hands.values()):
            one.close()
        self._ears, self._hands = [], {}

    def hand_on(self, packet: Captured) -> None:
        """Gives an initiation to WireGuard, as if it had just come from where it came."""
        hand = self._hands.get(len(packet.source))
        if hand is None:
            return
        if len(packet.source) == 4:
            hand.sendto(to_ipv4(packet), (socket.inet_ntoa(packet.destination), 0))
        else:
            hand.sendto(to_ipv6(packet), (socket.inet_ntop(socket.AF_INET6, packet.destination), 0))

    def _hear(self, ear: socket.socket) -> None:
        """One turn: at most a batch, so that a flood leaves the loop its time."""
        for _ in range(_BATCH):
            try:
                captured = _receive(ear, self._wireguard)
            except OSError:
                return
            if captured is not None:
                self.consider(captured)

    def consider(self, captured: Captured) -> None:
        """All checks on one initiation; it goes on to WireGuard, to the admission, or nowhere."""
        if not self._responder.is_for_us(captured.message):
            return
        if not self._from_entry(captured.source) and not self._buckets.take(captured.prefix):
            return
        if not self._meter.take():
            return
        try:
            claim = self._responder.claim(captured.message)
            if self._served(claim.public):
                self.hand_on(captured)
                if self._doubts(claim.public):
                    self._tried(self._responder.prove(claim))
                return
            initiation = self._responder.prove(claim)
        except (HandshakeError, OSError):
            return
        self._knock(Knock(initiation, captured))


def _receive(ear: socket.socket, wireguard: int) -> Captured | None:
    """One datagram with the address it was sent to (ip(7), IP_PKTINFO; ipv6(7), IPV6_RECVPKTINFO)."""
    message, ancillary, _, origin = ear.recvmsg(2048, 128)
    source = socket.inet_pton(ear.family, origin[0].partition("%")[0])
    for level, _kind, value in ancillary:
        if level == socket.IPPROTO_IP:
            return Captured(source, origin[1], value[8:12], wireguard, message)
        if level == socket.IPPROTO_IPV6:
            return Captured(source, origin[1], value[:16], wireguard, message)
    return None


def _ear(family: int, port: int) -> socket.socket:
    ear = socket.socket(family, socket.SOCK_DGRAM | _FLAGS)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    if family == socket.AF_INET:
        ear.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        ear.bind(("0.0.0.0", port))
    else:
        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        ear.bind(("::", port))
    return ear


def _hand(family: int) -> socket.socket:
    """A raw socket that takes whole packets (raw(7): IPPROTO_RAW implies the header is given)."""
    hand = socket.socket(family, socket.SOCK_RAW | _FLAGS, socket.IPPROTO_RAW)
    hand.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, HANDED)
    return hand
