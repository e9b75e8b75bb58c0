"""The fleet's other nodes as entries of multihops: which of them a source address is, if any.

A device whose packets come from one of them has come through it: its account needs the add-on, and it shares that
address with many. Nothing of a device is kept here. Counterpart: `core.firewall.relay`, which passes its packets on.
"""

from collections.abc import Set
from ipaddress import IPv4Address, IPv6Address

from tyst.node.network import Fleet


class Entries:
    """As the fleet is at the moment of each question."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._exits: object = None
        self._numbers: dict[bytes, int] = {}
        self._texts: frozenset[bytes] = frozenset()

    def number_of(self, source: bytes) -> int | None:
        """The number of the node that has this address (packed); None for everybody else's."""
        self._look()
        return self._numbers.get(source)

    def __contains__(self, source: bytes) -> bool:
        return self.number_of(source) is not None

    @property
    def texts(self) -> Set[bytes]:
        """Their addresses as WireGuard writes them in an endpoint, IPv6 without brackets (RFC 5952)."""
        self._look()
        return self._texts

    @property
    def addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """All of them, for the firewall."""
        return tuple(address for one in self._fleet.exits for address in (one.ipv4, one.ipv6))

    def _look(self) -> None:
        exits = self._fleet.exits
        if exits is not self._exits:
            self._exits = exits
            self._numbers = {address.packed: one.number for one in exits for address in (one.ipv4, one.ipv6)}
            self._texts = frozenset(str(address).encode() for address in self.addresses)
