"""The node's table of WireGuard tunnels: which key is in which state, on which lease, with which inner addresses.

RAM only, and only what is needed while a tunnel is up. Made small: about 700 bytes a tunnel. It holds no endpoint (that
is in WireGuard) and no account (that is in the lease, which only the gate opens). With a `Handover` it writes what the
next agent needs, should this one die. It does nothing by itself: see `tunnels.py`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

from tyst.core.wireguard.addresses import address4, address6
from tyst.messages.admission import Features, Why
from tyst.node.handover import Handover, Left, Record, Times
from tyst.node.rekeyed import Rekeyed
from tyst.node.states import Event, State, after

_NOTHING = Features()


class Tunnel:
    """One device's tunnel. `fresh`: when its last handshake was, by the node's own clock; `stamp`: by WireGuard's.

    `entered`: it comes through another node of the fleet. `keyed`: its configuration has a preshared key (which is
    WireGuard's to know, not ours). `rekeyed`: it agreed on another one since.
    """

    __slots__ = (
        "_number4",
        "_number6",
        "cell",
        "deadline",
        "entered",
        "features",
        "fresh",
        "has4",
        "keyed",
        "lease",
        "public",
        "rekeyed",
        "stamp",
        "state",
        "why",
    )

    def __init__(self, public: bytes, now: float) -> None:
        self.public = public
        self._number4, self._number6 = int(address4(public)), int(address6(public))
        self.state = State.ASKING
        self.lease = b""
        self.why = Why.NONE
        self.has4 = False
        self.keyed = False
        self.rekeyed: Rekeyed | None = None
        self.entered = False
        self.features = _NOTHING
        self.stamp = 0
        self.fresh = now
        self.deadline = 0.0
        self.cell = -1

    @property
    def address4(self) -> IPv4Address:
        return IPv4Address(self._number4)

    @property
    def address6(self) -> IPv6Address:
        return IPv6Address(self._number6)

    @property
    def addresses(self) -> list[IPv4Address | IPv6Address]:
        """Its inner addresses now: IPv6 always, IPv4 unless somebody else has it or it is in the garden."""
        return [self.address4, self.address6] if self.has4 else [self.address6]

    @property
    def spoken(self) -> bool:
        """Whether an authenticated packet of it ever came."""
        return self.stamp != 0

    @property
    def record(self) -> Record:
        """What a successor has to know."""
        return Record(
            self.public,
            self.lease,
            self.state.value,
            self.why.value,
            self.has4,
            self.entered,
            self.keyed,
            self.features,
        )

    @property
    def times(self) -> Times:
        """When it was heard of, and how long it has."""
        return Times(self.stamp, self.fresh, self.deadline)


class Table:
    """All tunnels by public key; holders of inner addresses; leases."""

    def __init__(self, handover: Handover | None = None) -> None:
        self._handover = handover
        self._tunnels: dict[bytes, Tunnel] = {}
        self._holders: dict[int, bytes] = {}
        self._by_lease: dict[bytes, Tunnel] = {}
        self._aside: dict[bytes, Tunnel] = {}
        self.counts: Counter[State] = Counter()

    def __contains__(self, public: bytes) -> bool:
        return public in self._tunnels

    def __len__(self) -> int:
        return len(self._tunnels)

    def __iter__(self) -> Iterator[Tunnel]:
        return iter(list(self._tunnels.values()))

    def publics(self) -> Iterable[bytes]:
        """The keys that have a tunnel."""
        return self._tunnels.keys()

    def get(self, public: bytes) -> Tunnel | None:
        return self._tunnels.get(public)

    def by_lease(self, lease: bytes) -> Tunnel | None:
        return self._by_lease.get(lease)

    def at(self, address: IPv6Address) -> Tunnel | None:
        """The tunnel with this inner address."""
        holder = self._holders.get(int(address))
        return None if holder is None else self._tunnels.get(holder)

    def begin(self, public: bytes, now: float) -> Tunnel:
        """A new tunnel, ASKING. KeyError when the key has one."""
        if public in self._tunnels:
            raise KeyError("this key has a tunnel already")
        tunnel = self._tunnels[public] = self._aside[public] = Tunnel(public, now)
        self.counts[State.ASKING] += 1
        return tunnel

    def move(self, tunnel: Tunnel, event: Event) -> None:
        """Applies an event; a tunnel that is GONE leaves the table with its lease and addresses."""
        following = after(tunnel.state, event)
        self.counts[tunnel.state] -= 1
        tunnel.state = following
        if following is State.OPEN or following is State.GONE:
            self._aside.pop(tunnel.public, None)
        else:
            self._aside[tunnel.public] = tunnel
        if following is not State.GONE:
            self.counts[following] += 1
            self.keep(tunnel)
            return
        self._forget(tunnel)
        self._hold(tunnel, b"")
        self._leave(tunnel.addresses, tunnel.public)
        del self._tunnels[tunnel.public]

    def keep(self, tunnel: Tunnel) -> None:
        """Something about a tunnel has changed that its next agent must know. One without a peer is not handed over."""
        if self._handover is not None and tunnel.state not in (State.ASKING, State.GONE):
            tunnel.cell = self._handover.put(tunnel.record, tunnel.times, tunnel.cell)

    def touch(self, tunnel: Tunnel) -> None:
        """Only its times have changed."""
        if self._handover is not None:
            self._handover.touch(tunnel.cell, tunnel.times)

    def _forget(self, tunnel: Tunnel) -> None:
        if self._handover is not None:
            self._handover.erase(tunnel.cell)
        tunnel.cell = -1

    def adopt(self, left: Left) -> Tunnel | None:
        """A tunnel that the agent before had. None when its address is another's, or it is no tunnel: it must end."""
        record = left.record
        try:
            state, why = State(record.state), Why(record.why)
        except ValueError:
            return None
        tunnel = Tunnel(record.public, left.times.fresh)
        if record.public in self._tunnels or not self.claim6(tunnel):
            return None
        if record.has4:
            self.claim4(tunnel)
        tunnel.state, tunnel.why, tunnel.features, tunnel.cell = state, why, record.features, left.cell
        tunnel.entered, tunnel.keyed = record.entered, record.keyed
        tunnel.stamp, tunnel.deadline = left.times.stamp, left.times.deadline
        self._tunnels[record.public] = tunnel
        self.counts[state] += 1
        if state is not State.OPEN:
            self._aside[record.public] = tunnel
        self._hold(tunnel, record.lease)
        return tunnel

    def lease(self, tunnel: Tunnel, lease: bytes) -> None:
        """Gives a tunnel another lease, or none."""
        self._hold(tunnel, lease)
        self.keep(tunnel)

    def _hold(self, tunnel: Tunnel, lease: bytes) -> None:
        if tunnel.lease:
            self._by_lease.pop(tunnel.lease, None)
        tunnel.lease = lease
        if lease:
            self._by_lease[lease] = tunnel

    def claim6(self, tunnel: Tunnel) -> bool:
        """Takes the tunnel's IPv6 address; False when another key holds it (one in 2^64)."""
        return self._holders.setdefault(int(tunnel.address6), tunnel.public) == tunnel.public

    def claim4(self, tunnel: Tunnel) -> bool:
        """Takes its IPv4 address, unless another key holds it: WireGuard would silently move it."""
        tunnel.has4 = self._holders.setdefault(int(tunnel.address4), tunnel.public) == tunnel.public
        return tunnel.has4

    def leave4(self, tunnel: Tunnel) -> None:
        """Gives its IPv4 address up."""
        if tunnel.has4:
            self._leave([tunnel.address4], tunnel.public)
            tunnel.has4 = False

    def _leave(self, addresses: Iterable[IPv4Address | IPv6Address], public: bytes) -> None:
        for address in addresses:
            if self._holders.get(int(address)) == public:
                del self._holders[int(address)]

    def idle(self, before: float) -> list[Tunnel]:
        """Tunnels that spoke once, and whose last handshake is from then or earlier."""
        can = (State.OPEN, State.GARDEN, State.CONFIRMING)
        return [tunnel for tunnel in self if tunnel.fresh <= before and tunnel.spoken and tunnel.state in can]

    def aside(self, *states: State) -> list[Tunnel]:
        """The tunnels in these states, of those that are not OPEN: few, however many are open."""
        return [tunnel for tunnel in self._aside.values() if tunnel.state in states]
