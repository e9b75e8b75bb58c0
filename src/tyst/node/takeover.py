"""An agent goes on where the one before it died: which of the tunnels that it left are still whole, and what ends.

The kernel and WireGuard never stopped: they carry what was open. Here what was written (`handover.py`) is held against
what WireGuard has and what the firewall holds; a tunnel goes on if all that belongs to it is there. The rules are then
loaded with all its elements in one transaction, so there is no moment without them. Whatever is in doubt ends: its
lease goes back, its peer and its elements go, and its device knocks anew. OpenVPN's tunnels ended with that agent:
their leases go back too, so that nobody is counted twice. It opens nothing that was not open.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from tyst.core.firewall import Ruleset
from tyst.core.wireguard.addresses import ALL_TUNNELS4, ALL_TUNNELS6
from tyst.messages.admission import Why
from tyst.node.doors import PassageOf
from tyst.node.drivers.firewall import NftFirewall
from tyst.node.drivers.flows import LingeringFlows
from tyst.node.drivers.network import SERVICES
from tyst.node.drivers.wireguard import WireGuard
from tyst.node.handover import Handover, Left
from tyst.node.states import State
from tyst.node.table import Tunnel
from tyst.node.tunnels import Tunnels

Address = IPv4Address | IPv6Address
Peers = Mapping[bytes, Set[Address]]


class Returns(Protocol):
    """The gate, as far as leases go back to it."""

    def give_back(self, lease: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Takeover:
    """What a takeover works with."""

    handover: Handover
    tunnels: Tunnels
    firewall: NftFirewall
    flows: LingeringFlows
    wireguard: WireGuard
    passage: PassageOf
    gate: Returns

    async def run(self, peers: Peers, ruleset: Callable[[], Ruleset]) -> int:
        """Takes over; `peers`: what WireGuard has now. How many tunnels go on."""
        taken = self._adopt(self.handover.inherit(), peers)
        addresses = [address for tunnel in taken for address in tunnel.addresses]
        self.firewall.inherit(addresses)
        self.firewall.load(ruleset())
        for tunnel in taken:
            await self._settle(tunnel, peers)
        self.flows.keep_only([*addresses, *SERVICES], (ALL_TUNNELS4, ALL_TUNNELS6))
        await self.tunnels.note()  # and with that every peer goes that belongs to no tunnel
        for tunnel in taken:
            self.tunnels.resume(tunnel)
        return len(taken)

    def _adopt(self, left: Sequence[Left], peers: Peers) -> list[Tunnel]:
        taken = []
        for one in left:
            tunnel = self.tunnels.table.adopt(one) if one.record.public in peers else None
            if tunnel is not None:
                taken.append(tunnel)
            else:
                self.gate.give_back(one.record.lease)
                self.handover.erase(one.cell)
        return taken

    async def _settle(self, tunnel: Tunnel, peers: Peers) -> None:
        """The firewall and WireGuard as this tunnel needs them; nothing happens where they are so already."""
        if tunnel.state is State.GARDEN or tunnel.why is not Why.NONE:
            self.firewall.confine(tunnel.address6)
        elif not self.firewall.has(tunnel.addresses):
            self.firewall.admit(tunnel.addresses, self.passage(tunnel.public, tunnel.features))
        if peers[tunnel.public] != set(tunnel.addresses):
            await self.wireguard.add_peer(tunnel.public, tunnel.addresses)
