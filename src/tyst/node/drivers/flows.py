"""Forgets inner connections: what the kernel's connection tracking holds about a tunnel address and its destinations.

A closed tunnel's flows linger for a while (a phone that slept keeps its connections), then they go; an address that
gets another owner is purged at once, so that nobody receives what was meant for somebody else. It speaks netlink
itself (nfnetlink_conntrack, libnetfilter_conntrack's header): one dump, then one deletion for each flow that matches.
The *outer* flow of a tunnel is never tracked at all, see `core.firewall`.
"""

import asyncio
import socket
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from tyst.node.drivers.netlink import (
    DONE,
    DUMP,
    ERROR,
    HEADER,
    NESTED,
    NETFILTER,
    REQUEST,
    attribute,
    attributes,
    frame,
)

_GET, _DELETE = 0x0101, 0x0102
_TUPLE_ORIGINAL, _TUPLE_REPLY, _TUPLE_IP, _TUPLE_PROTO, _ZONE, _ID = 1, 2, 1, 2, 18, 12
_SOURCE = {1: 4, 3: 16}
"""CTA_IP_V4_SRC and CTA_IP_V6_SRC: attribute number to bytes of the address."""
_TARGET, _NUMBER, _TARGET_PORT = 2, 1, 3
"""CTA_IP_V4_DST; CTA_PROTO_NUM and CTA_PROTO_DST_PORT."""
_BATCH = 200

Flow = Mapping[int, bytes]
"""A flow's attributes (CTA_*), by number."""
Wanted = Callable[[Flow], bool]


class FlowTable:
    """One netlink socket for connection tracking in this network namespace."""

    def purge(self, addresses: Iterable[bytes]) -> int:
        """Deletes every flow that one of these packed addresses began, or that was led to it; says how many."""
        wanted = frozenset(addresses)
        return self._purge((2, 10), lambda flow: _is_of(flow, wanted)) if wanted else 0

    def purge_to(self, ports: Container[bytes]) -> int:
        """Deletes every flow from outside to one of these ports (packed as the firewall's `PORTS4` has its keys)."""
        return self._purge((2,), lambda flow: _port_of(flow) in ports)

    def purge_strangers(self, addresses: Iterable[bytes], inside: Iterable[IPv4Network | IPv6Network]) -> int:
        """Deletes every flow of an address inside these networks that is none of these packed addresses."""
        known, nets = frozenset(addresses), tuple(inside)

        def strange(flow: Flow) -> bool:
            return any(a not in known and any(ip_address(a) in net for net in nets) for a in _ends(flow))

        return self._purge((2, 10), strange)

    def _purge(self, families: Iterable[int], wanted: Wanted) -> int:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER) as link:
            link.bind((0, 0))
            link.settimeout(5)
            doomed = [entry for family in families for entry in _matching(link, family, wanted)]
            for start in range(0, len(doomed), _BATCH):
                link.sendall(b"".join(doomed[start : start + _BATCH]))
        return len(doomed)


def _matching(link: socket.socket, family: int, wanted: Wanted) -> Iterator[bytes]:
    """A deletion request for each dumped flow of an address family that is wanted."""
    link.sendall(frame(_GET, REQUEST | DUMP, 1, bytes((family, 0, 0, 0))))
    found: list[bytes] = []
    while True:
        data = link.recv(1 << 20)
        at = 0
        while at < len(data):
            length, kind, _, _, _ = HEADER.unpack_from(data, at)
            if kind in (DONE, ERROR):
                return iter(found)
            request = _deletion(data[at + 20 : at + length], family, wanted)
            if request:
                found.append(request)
            at += length + 3 & ~3


def _deletion(payload: bytes, family: int, wanted: Wanted) -> bytes:
    """The request that deletes the flow of this dump entry, or nothing when it is not wanted."""
    flow = dict(attributes(payload))
    if not wanted(flow):
        return b""
    original = flow.get(_TUPLE_ORIGINAL, b"")
    body = bytes((family, 0, 0, 0)) + attribute(_TUPLE_ORIGINAL | NESTED, original)
    for number in (_ZONE, _ID):
        if number in flow:
            body += attribute(number, flow[number])
    return frame(_DELETE, REQUEST, 2, body)


def _is_of(flow: Flow, addresses: Container[bytes]) -> bool:
    """Whether one of these began the flow, or answers it: what came for a forwarded port is answered by its tunnel."""
    return any(end in addresses for end in _ends(flow))


def _ends(flow: Flow) -> Iterator[bytes]:
    """Who began a flow, and who answers it."""
    for side in (_TUPLE_ORIGINAL, _TUPLE_REPLY):
        ends = dict(attributes(dict(attributes(flow.get(side, b""))).get(_TUPLE_IP, b"")))
        yield from (ends[number] for number in _SOURCE if number in ends)


def _port_of(flow: Flow) -> bytes:
    """Protocol, address and port to which a flow first went."""
    original = dict(attributes(flow.get(_TUPLE_ORIGINAL, b"")))
    ends, proto = (dict(attributes(original.get(number, b""))) for number in (_TUPLE_IP, _TUPLE_PROTO))
    number, address, port = proto.get(_NUMBER, b""), ends.get(_TARGET, b""), proto.get(_TARGET_PORT, b"")
    return number[:1].ljust(4, b"\0") + address + port[:2].ljust(4, b"\0")


class LingeringFlows:
    """Which closed tunnels' flows are to go when. Addresses stay here only as long as the flows they name."""

    def __init__(self, table: FlowTable, linger: float, clock: Callable[[], float]) -> None:
        self._table, self._linger, self._clock = table, linger, clock
        self._due: dict[tuple[bytes, ...], float] = {}
        self._named: dict[bytes, tuple[bytes, ...]] = {}

    def linger(self, addresses: Iterable[IPv4Address | IPv6Address]) -> None:
        """A tunnel closed: its flows go after the linger, or now when that is 0."""
        packed = _packed(addresses)
        if self._linger <= 0:
            self._table.purge(packed)
            return
        self._forget(packed)
        self._due[packed] = self._clock() + self._linger
        for address in packed:
            self._named[address] = packed

    def welcome(self, addresses: Iterable[IPv4Address | IPv6Address]) -> None:
        """A tunnel opens. The same device's flows go on; those of another that had one of these addresses go now."""
        packed = _packed(addresses)
        strangers = {a for a in packed if a in self._named and not set(packed) >= set(self._named[a])}
        self._table.purge(strangers)
        self._forget(packed)

    def purge(self, addresses: Iterable[IPv4Address | IPv6Address]) -> None:
        """Now: the tunnel's standing changed."""
        packed = _packed(addresses)
        self._forget(packed)
        self._table.purge(packed)

    def _forget(self, packed: tuple[bytes, ...]) -> None:
        """These are no longer due; what closed together with one of them stays due by itself."""
        for address in packed:
            group = self._named.pop(address, None)
            until = self._due.pop(group, None) if group else None
            rest = tuple(other for other in group or () if other != address and other in self._named)
            if rest and until is not None:
                self._due[rest] = until
                self._named.update(dict.fromkeys(rest, rest))

    async def tick(self) -> None:
        """Purges what is due, on a thread of its own; called now and then."""
        now = self._clock()
        due = [group for group, until in self._due.items() if until <= now]
        for group in due:
            del self._due[group]
            for address in group:
                self._named.pop(address, None)
        if due:
            await asyncio.to_thread(self._table.purge, [address for group in due for address in group])

    def keep_only(
        self, addresses: Iterable[IPv4Address | IPv6Address], inside: Iterable[IPv4Network | IPv6Network]
    ) -> None:
        """After another agent's death: flows of addresses inside these networks go, but for those of these addresses.

        What that agent let linger goes too: nobody knows any more until when, and for whom.
        """
        self._table.purge_strangers(_packed(addresses), inside)

    def purge_all(self) -> None:
        """The node stops: nothing lingers."""
        self._table.purge(self._named)
        self._due.clear()
        self._named.clear()


def _packed(addresses: Iterable[IPv4Address | IPv6Address]) -> tuple[bytes, ...]:
    return tuple(address.packed for address in addresses)
