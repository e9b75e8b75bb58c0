"""Forwarded ports in the firewall: from the internet to a tunnel, as long as an element of `vp_ports4` lives.

Only on the addresses by which tunnels leave, never on one to which they connect: who has a tunnel to this node reaches
the node's own address outside of it, so a port there would show her to whoever holds it (Port Fail). Nobody leaves by a
port that can be forwarded (`Ruleset.snat_range` begins above `HIGHEST`), so no flow of one tunnel shadows another's
port. Who gets which port: `tyst.node.port_leases`.
"""

from collections.abc import Container
from dataclasses import dataclass
from ipaddress import IPv4Address

from tyst.core.firewall.collections import OPEN4, PORTS4
from tyst.core.firewall.part import Part, Rules
from tyst.core.firewall.text import listed, texts
from tyst.core.natpmp import PORT
from tyst.core.wireguard.addresses import RESOLVER4

LOWEST, HIGHEST = 10240, 32767
"""Ports that are handed out: above what needs a privilege anywhere, below those by which tunnels leave."""
FORWARDS = "vp_forwards4"


@dataclass(frozen=True, slots=True)
class ForwardedPorts(Part):
    """`exits`: the addresses of the pool by which tunnels leave; without any, no port is forwarded."""

    exits: tuple[IPv4Address, ...] = ()

    def declares(self) -> str:
        """The addresses that may have forwarded ports."""
        return listed(FORWARDS, "ipv4_addr", texts(self.exits, 4)) if self.exits else ""

    def services(self) -> Rules:
        """Open tunnels may ask for a port."""
        return (f"ip saddr @{OPEN4.name} ip daddr {RESOLVER4} udp dport {PORT} accept",)

    def nat_in(self) -> Rules:
        """A forwarded port leads to its tunnel."""
        return self._if_any(f"ip daddr @{FORWARDS} dnat ip to meta l4proto . ip daddr . th dport map @{PORTS4.name}")

    def back(self) -> Rules:
        """What was led to a tunnel comes in while the tunnel is open, but not from addresses that nobody has."""
        led = f"ct original ip daddr @{FORWARDS} meta l4proto {{ tcp, udp }}"
        return self._if_any(f"{led} ip saddr @vp_bogons4 drop", f"{led} ip daddr @{OPEN4.name} accept")

    def _if_any(self, *rules: str) -> Rules:
        return rules if self.exits else ()


def may_be_forwarded(port: int, taken: Container[int] = ()) -> bool:
    """Whether this port may ever be handed out. `taken`: where the node listens."""
    return LOWEST <= port <= HIGHEST and port not in taken
