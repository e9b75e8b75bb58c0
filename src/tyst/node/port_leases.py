"""Forwarded ports: which port of an exit address is whose, and for how long.

A lease is an element of the firewall's map with a time of its own, put there for its tunnel: the kernel ends it, and it
goes with the tunnel. What is kept here beside it is small: the client's nonce (PCP), and which ports have just become
free. Such a port rests for two minutes, during which nobody but the tunnel that had it, if it is still up, gets it;
before it is anybody's again, connections that still lead to its old holder are purged. A tunnel with a public address
of its own has every port already and is told so. A node without exit addresses forwards nothing: a port on the address
to which people connect would show them to its holder (see `core.firewall.ports`). Counterpart: `ports.py`, the door.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv4Address
from typing import Protocol

from tyst.core import natpmp, pcp
from tyst.core.firewall import Element
from tyst.core.firewall.collections import EXIT4, MINE4, OPEN4, PORTS4
from tyst.core.firewall.collections import Collection as Elements
from tyst.core.firewall.ports import HIGHEST, LOWEST, may_be_forwarded
from tyst.node.doors import TunnelAddress
from tyst.node.drivers.holdings import Holdings

SHARE = 5
"""Ports that one tunnel may have; TCP and UDP of the same number are one."""
LONGEST = 3600
"""Seconds for which a lease is given at most."""
REST = 120.0
"""Seconds for which a port that became free is nobody else's."""
PROTOCOLS = (natpmp.TCP, natpmp.UDP)
NO_NONCE = bytes(pcp.NONCE_BYTES)
"""What a mapping that NAT-PMP made has for a nonce."""


class PortFirewall(Protocol):
    """The firewall, as this needs it."""

    @property
    def holdings(self) -> Holdings: ...

    def put(self, collection: Elements, element: Element, *, owner: TunnelAddress | None = None) -> None: ...

    def take(self, collection: Elements, key: bytes) -> None: ...


class PortFlows(Protocol):
    """Connection tracking, as this needs it."""

    def purge_to(self, ports: Container[bytes]) -> int:
        """Deletes every flow from outside to one of these ports; says how many."""


class No(Enum):
    """Why there is no port."""

    ADDRESS = auto()
    """This tunnel has no address whose ports can be forwarded."""
    SHARE = auto()
    """It has all that a tunnel may have."""
    FREE = auto()
    """None is free."""
    EXTERNAL = auto()
    """Not this one, and no other is wanted."""
    NONCE = auto()
    """The mapping is another program's."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A port of `protocol` to `internal`. `external`, `address`: which, if it can be had; `exactly`: or none at all."""

    protocol: int
    internal: int
    external: int = 0
    address: IPv4Address | None = None
    lifetime: int = LONGEST
    nonce: bytes = field(default=NO_NONCE, repr=False)
    exactly: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """The port that it became, for so many seconds."""

    external: int
    address: IPv4Address = field(repr=False)
    lifetime: int


@dataclass(slots=True)
class _Resting:
    until: float
    holder: bytes = field(repr=False)
    """Its last holder's inner address, as long as that tunnel is up; then nothing."""


Port = tuple[IPv4Address, int]


def key_of(protocol: int, port: Port) -> bytes:
    """A lease's key in the firewall's map."""
    return PORTS4.pack_key(protocol, *port)


def port_of(key: bytes) -> Port:
    """And back."""
    return IPv4Address(key[4:8]), int.from_bytes(key[8:10])


class Leases:
    """Which port is whose. `exits`: the addresses that may have forwarded ports. `barred`: ports of the node's own."""

    def __init__(
        self,
        firewall: PortFirewall,
        flows: PortFlows,
        exits: Callable[[], Collection[IPv4Address]],
        barred: Callable[[], Collection[int]],
        clock: Callable[[], float],
        draw: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._firewall, self._flows, self._held = firewall, flows, firewall.holdings
        self._exits, self._barred, self._clock, self._draw = exits, barred, clock, draw
        self._known: dict[bytes, bytes] = {}
        self._nonces: dict[bytes, bytes] = {}
        self._resting: dict[Port, _Resting] = {}

    # --- questions ----------------------------------------------------------------------------------------------

    def is_open(self, inner: IPv4Address) -> bool:
        """Whether this is the address of an open tunnel."""
        return self._held.value(OPEN4, inner.packed) is not None

    def public(self, inner: IPv4Address) -> IPv4Address | None:
        """The public address that is this tunnel's alone."""
        mine = self._held.value(MINE4, inner.packed)
        return IPv4Address(mine) if mine else None

    def address(self, inner: IPv4Address) -> IPv4Address | None:
        """By which address this tunnel's ports are reached; None when it can have none."""
        mine, leaves = self.public(inner), self._held.value(EXIT4, inner.packed)
        if mine is not None or leaves is None:
            return mine
        found = IPv4Address(leaves)
        return found if found in self._exits() else None

    # --- leases -------------------------------------------------------------------------------------------------

    def grant(self, inner: IPv4Address, wish: Wish) -> Grant | No:
        """A port for a tunnel: the one that it has for this already, the one it wants, or another."""
        address, lifetime = self.address(inner), min(wish.lifetime, LONGEST)
        if address is None:
            return No.ADDRESS
        if address == self.public(inner):
            wrong = wish.exactly and wish.external not in (0, wish.internal)
            return No.EXTERNAL if wrong else Grant(wish.internal, address, lifetime)
        if wish.exactly and wish.address not in (None, address):
            return No.EXTERNAL
        chosen = self._renewed(inner, wish, address) or self._chosen(inner, wish, address)
        if isinstance(chosen, No):
            return chosen
        key = key_of(wish.protocol, (address, chosen))
        self._firewall.put(PORTS4, Element(key, PORTS4.pack_value(inner, wish.internal), float(lifetime)), owner=inner)
        self._known[key] = inner.packed
        self._resting.pop((address, chosen), None)
        self._nonces[key] = wish.nonce
        return Grant(chosen, address, lifetime)

    def give_back(self, inner: IPv4Address, protocol: int, internal: int, nonce: bytes = NO_NONCE) -> No | None:
        """Ends a lease, if there is one; `internal` 0: all of a protocol, `protocol` 0: all. Nobody else's nonce."""
        value = PORTS4.pack_value(inner, internal)
        held = self._held.owned(inner, PORTS4)
        meant = [key for key, to in held.items() if protocol in (0, key[0]) and (internal == 0 or to == value)]
        ours = [key for key in meant if self._is_of(key, nonce)]
        for key in ours:
            self._known[key] = inner.packed
            self._firewall.take(PORTS4, key)
            self._settle(key)
        return No.NONCE if internal and len(ours) < len(meant) else None

    def _is_of(self, key: bytes, nonce: bytes) -> bool:
        """Whether a lease has this nonce, or one that died with the agent before: who asks first has it then."""
        return self._nonces.get(key, nonce) == nonce

    def _renewed(self, inner: IPv4Address, wish: Wish, address: IPv4Address) -> int | No | None:
        """The port that this tunnel has for this already. One at an address that it no longer has is given up."""
        value = PORTS4.pack_value(inner, wish.internal)
        for key, to in self._held.owned(inner, PORTS4).items():
            if key[0] != wish.protocol or to != value:
                continue
            if not self._is_of(key, wish.nonce):
                return No.NONCE
            at, port = port_of(key)
            if at != address:
                self._firewall.take(PORTS4, key)
                self._settle(key)
                return None
            return No.EXTERNAL if wish.exactly and wish.external not in (0, port) else port
        return None

    def _chosen(self, inner: IPv4Address, wish: Wish, address: IPv4Address) -> int | No:
        """One that it hasn't for this yet: what it wants, else the other protocol's, else one that it had, else any."""
        used = self._used(inner, address)
        full = len(used) >= SHARE
        if wish.exactly or wish.external:
            if self._can(inner, wish.protocol, (address, wish.external)) and not (full and wish.external not in used):
                return wish.external
            if wish.exactly:
                return No.SHARE if full else No.EXTERNAL
        value = PORTS4.pack_value(inner, wish.internal)
        twins = [port_of(key)[1] for key, to in self._held.owned(inner, PORTS4).items() if to == value]
        resting = [port for port in used if (address, port) in self._resting]
        for port in (*twins, *resting):
            if self._can(inner, wish.protocol, (address, port)):
                return port
        return No.SHARE if full else self._any(inner, wish.protocol, address)

    def _used(self, inner: IPv4Address, address: IPv4Address) -> set[int]:
        """What counts against a tunnel's share: ports that it has, and those that rest because it had them."""
        had = {port for port, one in self._resting.items() if one.holder == inner.packed}
        return {port for _, port in had.union(map(port_of, self._held.owned(inner, PORTS4)))}

    def _any(self, inner: IPv4Address, protocol: int, address: IPv4Address) -> int | No:
        """A free one, drawn at random: nobody can guess the next."""
        room = HIGHEST - LOWEST + 1
        start = self._draw(room)
        tries: Iterator[int] = (self._draw(room) for _ in range(32))
        for number in (start, *tries, *range(start + 1, start + room)):
            port: int = LOWEST + number % room
            if self._can(inner, protocol, (address, port)):
                return port
        return No.FREE

    def _can(self, inner: IPv4Address, protocol: int, port: Port) -> bool:
        """Whether this tunnel may have this port now. Both protocols of a number are one tunnel's (RFC 6886, 3.3)."""
        if not may_be_forwarded(port[1], self._barred()):
            return False
        for one in PROTOCOLS:
            key = key_of(one, port)
            self._settle(key)
            held = self._held.value(PORTS4, key)
            if held is not None and (one == protocol or held[:4] != inner.packed):
                return False
        rests = self._resting.get(port)
        return rests is None or rests.holder == inner.packed

    # --- what has become free -----------------------------------------------------------------------------------

    def _settle(self, key: bytes) -> None:
        """A lease that was known and is gone (its time, its tunnel, its client's wish): its port rests."""
        if key not in self._known or self._held.value(PORTS4, key) is not None:
            return
        self._nonces.pop(key, None)
        self._resting[port_of(key)] = _Resting(self._clock() + REST, self._known.pop(key))

    async def tick(self) -> None:
        """Every few seconds: ports that became free rest, tunnels that ended are forgotten, rested ports are free."""
        for key in list(self._known):
            self._settle(key)
        for one in self._resting.values():
            if one.holder and self._held.value(OPEN4, one.holder) is None:
                one.holder = b""
        now = self._clock()
        due = {port: one for port, one in self._resting.items() if one.until <= now}
        if due:
            await self._free(due)

    async def _free(self, due: dict[Port, _Resting]) -> None:
        """No connection leads to an old holder any more: only then the ports are free. Else they rest on."""
        keys = frozenset(key_of(protocol, port) for port in due for protocol in PROTOCOLS)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._flows.purge_to, keys)
            for port, one in due.items():
                if self._resting.get(port) is one:
                    del self._resting[port]

    async def begin(self) -> None:
        """A start: leases that were taken over are known, and connections to ports that nobody has lead nowhere."""
        held = self._held.of(PORTS4)
        self._known.update((key, to[:4]) for key, to in held.items())
        stale = _Stale(frozenset(address.packed for address in self._exits()), frozenset(held))
        await asyncio.to_thread(self._flows.purge_to, stale)


@dataclass(frozen=True, slots=True)
class _Stale:
    """Every port that can be forwarded and isn't."""

    exits: frozenset[bytes]
    held: frozenset[bytes]

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, bytes) or len(key) != 12 or key in self.held:
            return False
        return key[4:8] in self.exits and LOWEST <= port_of(key)[1] <= HIGHEST
