"""Multihop: a way into the fleet at one node and out at another, always as a pair (entry, exit).

The customer's device speaks to the exit, end to end, with the exit's key; the entry only passes her packets on. So a
way through a pair differs from the direct one by an address and a port: the entry's address, and the port that stands
for the exit at every entry. Nothing here does anything: `core.firewall.relay` is the entry, the site writes configs.
"""

from dataclasses import dataclass

WIREGUARD_PORTS, OPENVPN_PORTS = 30000, 20000
"""A node's number is added to these: UDP, at every other node of the fleet."""
MOST_NODES = 9999
NAME_BYTES = 15
"""The longest name of a network interface, and so of a WireGuard file (wg-quick(8))."""


class SameNodeError(ValueError):
    """Entry and exit are one node: that is no multihop, and no entry relays to itself."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a pair: a node by its name, its country (two letters) and its number in the fleet."""

    name: str
    country: str
    number: int


@dataclass(frozen=True, slots=True)
class Pair:
    """In at `entry`, out at `exit`. SameNodeError when they are one."""

    entry: End
    exit: End

    def __post_init__(self) -> None:
        if self.entry.name == self.exit.name or self.entry.number == self.exit.number:
            raise SameNodeError("a multihop's entry and exit are two nodes")

    @property
    def wireguard_port(self) -> int:
        """The port at the entry that leads to the exit's WireGuard."""
        return wireguard_port(self.exit.number)

    @property
    def openvpn_port(self) -> int:
        """The port at the entry that leads to the exit's OpenVPN (UDP)."""
        return openvpn_port(self.exit.number)

    @property
    def file_name(self) -> str:
        """What the pair's file is called, less its ending, such as mh-se1-de2: unique in the fleet, 15 bytes."""
        ends = f"{self.entry.country}{self.entry.number}-{self.exit.country}{self.exit.number}"
        return f"mh-{ends}" if len(ends) <= NAME_BYTES - 3 else f"mh{ends}"


def wireguard_port(number: int) -> int:
    """The port that stands for the WireGuard of the node with this number. ValueError for what is no node's number."""
    return WIREGUARD_PORTS + _known(number)


def openvpn_port(number: int) -> int:
    """The same for its OpenVPN over UDP."""
    return OPENVPN_PORTS + _known(number)


def _known(number: int) -> int:
    if not 1 <= number <= MOST_NODES:
        raise ValueError(f"a node's number lies between 1 and {MOST_NODES}")
    return number
