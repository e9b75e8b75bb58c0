"""The node's table of WireGuard tunnels: which key is in which state, on which lease, with which inner addresses.

RAM only, and only what is needed while a tunnel is up. Made small: about 700 bytes a tunnel. It holds no endpoint (that
is in WireGuard) and no account (that is in the lease, which only the gate opens). It does nothing by itself: see
`tunnels.py`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

from tyst.core.wireguard.addresses import address4, address6
from tyst.messages.admission import Why
from tyst.node.states import Event, State, after


class Tunnel:
    """One device's tunnel. `fresh`: when its last handshake was, by the node's own clock; `stamp`: by WireGuard's."""

    __slots__ = (
        "_number4",
        "_number6",
        "deadline",
        "fresh",
        "has4",
        "lease",
        "public",
        "stamp",
        "state",
        "wants6",
        "why",
    )

    def __init__(self, public: bytes, now: float) -> None:
        self.public = public
        self._number4, self._number6 = int(address4(public)), int(address6(public))
        self.state = State.ASKING
        self.lease = b""
        self.why = Why.NONE
        self.has4 = False
        self.wants6 = False
        self.stamp = 0
        self.fresh = now
        self.deadline = 0.0

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


class Table:
    """All tunnels by public key; holders of inner addresses; leases."""

    def __init__(self) -> None:
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
            return
        self.lease(tunnel, b"")
        self._leave(tunnel.addresses, tunnel.public)
        del self._tunnels[tunnel.public]

    def lease(self, tunnel: Tunnel, lease: bytes) -> None:
        """Gives a tunnel another lease, or none."""
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

    def aside(self, *states: State) -> list[Tunnel]:
        """The tunnels in these states, of those that are not OPEN: few, however many are open."""
        return [tunnel for tunnel in self._aside.values() if tunnel.state in states]
