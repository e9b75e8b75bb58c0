"""A multihop's entry: what comes for another node's port goes on to that node, and its answers come back.

The entry knows a customer's address and her choice of an exit, and sees ciphertext; the exit sees the entry's address
and nothing of hers. It needs connection tracking for these flows, and for these alone (no other from outside is ever
tracked): a flow exists from the first packet that can begin a tunnel, ten seconds until the exit has answered, and then
as long as a silent tunnel's keys live. Nothing else is passed on, to no other address and no other port.

It has no say in who may do this: the exit asks the gate. Counterpart: `core.multihop`, the pair as a customer has it.
Source: nft(8) (ct timeout, dnat by map, raw payload), openvpn's ssl_pkt.h (opcodes), WireGuard's paper (section 5.4).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from tyst.core.firewall.part import Part, Rules
from tyst.core.firewall.text import INITIATION, Address, listed
from tyst.core.multihop import MOST_NODES, OPENVPN_PORTS, WIREGUARD_PORTS, openvpn_port, wireguard_port

UNANSWERED = 10
"""Seconds that a flow stays until the exit has answered."""
WIREGUARD_IDLE, OPENVPN_IDLE = 180, 70
"""Seconds that it stays after its last packet: as long as WireGuard's keys live (Reject-After-Time); for OpenVPN, which
pings every 10 s, a little longer than the exit's own patience (60 s)."""
FROM = (40000, 51819)
"""Ports by which relayed flows leave: none on which a node listens, and none that stands for an exit."""

_TO_WIREGUARD = f"udp dport {WIREGUARD_PORTS + 1}-{WIREGUARD_PORTS + MOST_NODES}"
_TO_OPENVPN = f"udp dport {OPENVPN_PORTS + 1}-{OPENVPN_PORTS + MOST_NODES}"
_DATA = "@th,64,32 0x04000000"
_HARD_RESET = "@th,64,8 { 0x38, 0x50 }"
"""P_CONTROL_HARD_RESET_CLIENT_V2 and _V3 with key id 0: how an OpenVPN client begins, and nothing else."""
_HERE = "fib daddr type local ip daddr != @vp_pool4", "fib daddr type local meta nfproto ipv6"


@dataclass(frozen=True, slots=True)
class Exit:
    """Another node of the fleet. `wireguard`, `openvpn`: the UDP ports on which it listens."""

    number: int
    ipv4: IPv4Address
    ipv6: IPv6Address
    wireguard: int = 51820
    openvpn: int = 1194


class Relay(Part):
    """`exits`: every node of the fleet but this one. The rules are the same for any; only the maps' elements differ."""

    def __init__(self, exits: Iterable[Exit]) -> None:
        self._exits = tuple(exits)

    def declares(self) -> str:
        return "".join(
            text
            for family, kind in (("ip", "4"), ("ip6", "6"))
            for text in (
                _patience(f"vp_relay_wireguard{kind}", family, WIREGUARD_IDLE),
                _patience(f"vp_relay_openvpn{kind}", family, OPENVPN_IDLE),
                listed(
                    f"vp_exits{kind}", f"inet_service : ipv{kind}_addr . inet_service", self._ways(kind), kind="map"
                ),
                listed(f"vp_ends{kind}", f"ipv{kind}_addr . inet_service", self._ends(kind)),
            )
        )

    def _ways(self, kind: str) -> Sequence[str]:
        """One element for each exit and protocol: port to address and port."""
        return [
            f"{port} : {end}"
            for one in self._exits
            for port, end in zip(
                (wireguard_port(one.number), openvpn_port(one.number)), _ends_of(one, kind), strict=True
            )
        ]

    def _ends(self, kind: str) -> Sequence[str]:
        return [end for one in self._exits for end in _ends_of(one, kind)]

    def first(self) -> Rules:
        """What may begin a tunnel passes the same buckets as what comes for this node itself."""
        return [
            f'iifname != "lo" {begins} {here} jump vp_limits'
            for begins in (f"{_TO_WIREGUARD} {INITIATION}", f"{_TO_OPENVPN} {_HARD_RESET}")
            for here in _HERE
        ]

    def nat_in(self) -> Rules:
        """Only a flow's first packet comes here. WireGuard's data may be one (a device that changed its network): it
        passes the buckets now. OpenVPN's may not: who is let in directly can't move to an entry without a login."""
        rules = []
        for here, family, kind in zip(_HERE, ("ip", "ip6"), ("4", "6"), strict=True):
            goes = f"dnat {family} to udp dport map @vp_exits{kind}"
            rules += [
                f"{_TO_WIREGUARD} {_DATA} {here} jump vp_limits",
                *(
                    f'{_TO_WIREGUARD} {begins} {here} ct timeout set "vp_relay_wireguard{kind}" {goes}'
                    for begins in (INITIATION, _DATA)
                ),
                f'{_TO_OPENVPN} {_HARD_RESET} {here} ct timeout set "vp_relay_openvpn{kind}" {goes}',
            ]
        return rules

    def forward(self) -> Rules:
        """Relayed flows, to an exit's VPN ports and back from there. No errors (ICMP): they name others."""
        return [
            rule
            for family, kind in (("ip", "4"), ("ip6", "6"))
            for rule in (
                f"ct status dnat ct direction original {family} daddr . udp dport @vp_ends{kind} accept",
                f"ct status dnat ct direction reply {family} saddr . udp sport @vp_ends{kind} accept",
            )
        ]

    def nat_out(self) -> Rules:
        """With this node's own address, and a port that says nothing of the customer's."""
        low, high = FROM
        return [
            f"ct status dnat {family} daddr . udp dport @vp_ends{kind} masquerade to :{low}-{high} fully-random"
            for family, kind in (("ip", "4"), ("ip6", "6"))
        ]


def _ends_of(one: Exit, kind: str) -> tuple[str, str]:
    """Where the exit's WireGuard and its OpenVPN listen, in nft's words."""
    address: Address = one.ipv4 if kind == "4" else one.ipv6
    return f"{address} . {one.wireguard}", f"{address} . {one.openvpn}"


def _patience(name: str, family: str, idle: int) -> str:
    policy = f"unreplied : {UNANSWERED}, replied : {idle}"
    return f" ct timeout {name} {{\n  protocol udp;\n  l3proto {family};\n  policy = {{ {policy} }}\n }}\n"
