"""The way to the service that agrees on post-quantum preshared keys: from open WireGuard tunnels, to one port."""

from tyst.core.firewall.collections import OPEN6
from tyst.core.firewall.part import Part, Rules
from tyst.core.postquantum import PORT
from tyst.core.wireguard.addresses import RESOLVER6, WIREGUARD6


class Rekey(Part):
    """Counterpart: `tyst.node.postquantum`."""

    def services(self) -> Rules:
        return (f"ip6 saddr {WIREGUARD6} ip6 saddr @{OPEN6.name} ip6 daddr {RESOLVER6} udp dport {PORT} accept",)
