"""Public IPv4 addresses in the firewall: what comes for one goes to the tunnel that has it now, whatever it is.

One to one: every protocol and every port, those on which the node itself listens elsewhere included, and ICMP. Only the
pool's own addresses, only toward a tunnel that is open, only as long as an element of `vp_public4` says so; the way out
by the same address is `Ruleset`'s (`vp_mine4`). Who gets which address: `tyst.records.reservations` and `tyst.gate`.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address

from tyst.core.firewall.collections import OPEN4, PUBLIC4
from tyst.core.firewall.part import Part, Rules
from tyst.core.firewall.text import listed, texts

OWNED = "vp_owned4"


@dataclass(frozen=True, slots=True)
class PublicAddresses(Part):
    """`pool`: the node's addresses that customers can have; without any there is nothing to say."""

    pool: tuple[IPv4Address, ...] = ()

    def declares(self) -> str:
        """The addresses that somebody may have."""
        return listed(OWNED, "ipv4_addr", texts(self.pool, 4)) if self.pool else ""

    def nat_in(self) -> Rules:
        """An address leads to its tunnel. One that nobody has leads nowhere."""
        return self._if_any(f"ip daddr @{OWNED} dnat ip to ip daddr map @{PUBLIC4.name}")

    def back(self) -> Rules:
        """What was led to a tunnel comes in while the tunnel is open, but not from addresses that nobody has."""
        led = f"ct original ip daddr @{OWNED}"
        return self._if_any(f"{led} ip saddr @vp_bogons4 drop", f"{led} ip daddr @{OPEN4.name} accept")

    def _if_any(self, *rules: str) -> Rules:
        return rules if self.pool else ()
