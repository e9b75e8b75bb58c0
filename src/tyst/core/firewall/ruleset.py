"""The node's firewall as one value, and that value as nft text for one transaction.

Everything that a tunnel may do is a positive list: an address that is in no set gets nothing, in either direction, even
on a connection that was open before. The text replaces the whole table at once (`table; delete table; table {…}`), so
there is never a moment with half a ruleset, and elements of open tunnels are refilled in the same transaction.

It counts nothing and logs nothing, and the outer flow of a tunnel (the customer's own address) is never tracked. It
opens no sockets and runs no program: `tyst.node.drivers.firewall` does. Names carry a prefix because `fwd`, `mh` and
`notrack` are words of nft itself. Sources: nft(8), RFC 6890 and RFC 4890; the finding rows are those of
docs/threat-model.md (port shadow, in-tunnel probing, CVE-2019-14899).
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from tyst.core.faces import FACES
from tyst.core.firewall import collections as held
from tyst.core.firewall.part import Part, Rules
from tyst.core.firewall.text import INITIATION, chain, listed, ports, texts
from tyst.core.wireguard.addresses import (
    ALL_TUNNELS4,
    ALL_TUNNELS6,
    NOTICE4,
    NOTICE6,
    OPENVPN6,
    OURS4,
    RESOLVER4,
    RESOLVER6,
    WIREGUARD6,
)

Address = IPv4Address | IPv6Address

TABLE = "tyst"
WIREGUARD = "wg-tyst"
OPENVPN = "ov-tyst*"
GARDEN_DNS_PORT = 5354
OPEN4, OPEN6, EGRESS6, GARDEN6 = held.OPEN4.name, held.OPEN6.name, held.EGRESS6.name, held.GARDEN6.name

BUCKETS = 4096
BUCKET_RATE, BUCKET_BURST = 100, 200
"""Initiations per second (and at once) that one bucket of source prefixes (/24, /48) may send."""
GLOBAL_RATE, GLOBAL_BURST = 500, 500
"""Initiations per second that reach WireGuard and the listener at all: an eighth of a core."""
GARDEN_RATE = "2 mbytes/second burst 256 kbytes"

BOGONS4 = (
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, "
    "192.88.99.0/24, 192.168.0.0/16, 224.0.0.0/3"
)
BOGONS6 = "::/3, 2001::/32, 2001:10::/28, 2001:20::/28, 2002::/16, 4000::/2, 8000::/1"
"""All but 2000::/3, and of that the ranges that carry IPv4 addresses inside (Teredo, 6to4) or none at all (ORCHID)."""

Elements = Mapping[str, Sequence[held.Element]]
"""What is in the collections now, by name."""

_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")


def interface_name(text: str) -> str:
    """An interface's name as it may stand in the rules (Linux takes more: up to 15 bytes but / and white space)."""
    if not _INTERFACE.fullmatch(text):
        raise ValueError("an interface's name has at most 15 letters, digits, dots, hyphens and underscores")
    return text


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What the node's firewall is made of. `management`: addresses of gates, out of reach from tunnels.

    `site`: the public site's addresses, in reach (ports 80 and 443) even from the garden and even where they are a
    gate's too. `udp`, `tcp`: the public ports on which the node listens. `knocks`: the port
    of the agent's listener, to which initiations that come for `wireguard` are turned; nobody reaches it otherwise.
    `pool`: the node's further public addresses, on which nothing listens: tunnels leave by them. `fleet`: the other
    nodes' addresses, from which many customers may come (multihop). `parts`: what features add (see `part.py`).
    """

    interface: str
    wireguard: int = 51820
    knocks: int = 51821
    udp: tuple[int, ...] = (1194,)
    tcp: tuple[int, ...] = (443,)
    management: tuple[Address, ...] = ()
    site: tuple[Address, ...] = ()
    pool: tuple[Address, ...] = ()
    fleet: tuple[Address, ...] = ()
    parts: tuple[Part, ...] = field(default=())

    def __post_init__(self) -> None:
        interface_name(self.interface)

    def text(self, elements: Elements, *, seed: int) -> str:
        """The transaction. `seed`: 32 random bits that mix source prefixes into buckets, drawn anew every minute."""
        parts = [self._sets(elements), *self._raw_chains(seed), self._input(), self._forward(), self._nat()]
        return f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{''.join(parts)}}}\n"

    @property
    def snat_range(self) -> tuple[int, int]:
        """The widest part of 32768 … 60999 without a port on which the node listens (stops the port shadow attack)."""
        edges = [
            32767,
            *sorted(p for p in {self.wireguard, self.knocks, *self.udp, *self.tcp} if 32768 <= p <= 60999),
            61000,
        ]
        low, high = max(itertools.pairwise(edges), key=lambda pair: pair[1] - pair[0])
        return low + 1, high - 1

    def _said(self, place: Callable[[Part], Rules]) -> list[str]:
        """What all parts say at one place."""
        return [rule for part in self.parts for rule in place(part)]

    def _sets(self, elements: Elements) -> str:
        sets = [one.declaration(elements.get(one.name, ())) for one in held.COLLECTIONS]
        sets += [
            listed("vp_bogons4", "ipv4_addr", [BOGONS4], "interval"),
            listed("vp_bogons6", "ipv6_addr", [BOGONS6], "interval"),
            listed("vp_site4", "ipv4_addr", texts(self.site, 4)),
            listed("vp_site6", "ipv6_addr", texts(self.site, 6)),
            listed("vp_management4", "ipv4_addr", texts(self.management, 4)),
            listed("vp_management6", "ipv6_addr", texts(self.management, 6)),
            listed("vp_pool4", "ipv4_addr", texts(self.pool, 4)),
            listed("vp_fleet4", "ipv4_addr", texts(self.fleet, 4)),
            listed("vp_fleet6", "ipv6_addr", texts(self.fleet, 6)),
            f" set vp_flood {{\n  type mark\n  size {2 * BUCKETS}\n  flags dynamic\n }}\n",
        ]
        return "".join([*sets, *(part.declares() for part in self.parts)])

    def _raw_chains(self, seed: int) -> list[str]:
        udp, tcp = ports([self.wireguard, *self.udp]), ports(self.tcp)
        initiation = f'iifname "{self.interface}" udp dport {self.wireguard} {INITIATION}'
        return [
            f" chain vp_limits {{\n{limits(seed)} }}\n",
            chain(
                "vp_first",
                "filter hook prerouting priority -310; policy accept",
                # What comes out of a tunnel is judged from vp_whence on, and reaches services alone.
                f'iifname "{WIREGUARD}" accept',
                f'iifname "{OPENVPN}" accept',
                *(["ip daddr @vp_pool4 accept"] if self.pool else []),
                f"udp dport {self.knocks} fib daddr type local drop",
                f"{initiation} jump vp_limits",
                *self._said(lambda part: part.first()),
                f'iifname {{ "lo", "{self.interface}" }} udp dport {udp} fib daddr type local notrack',
                f'iifname {{ "lo", "{self.interface}" }} tcp dport {tcp} fib daddr type local notrack',
                f"{initiation} fib daddr type local udp dport set {self.knocks}",
            ),
            chain(
                "vp_first_out",
                "filter hook output priority -310; policy accept",
                *self._said(lambda part: part.first_out()),
                f'oifname "{self.interface}" udp sport {udp} notrack',
                f'oifname "{self.interface}" tcp sport {tcp} notrack',
                f'oifname "lo" udp dport {udp} notrack',
                f'oifname "lo" udp sport {udp} notrack',
            ),
            _WHENCE,
        ]

    def _input(self) -> str:
        services = chain("vp_services", "", *self._said(lambda part: part.services()), *_SERVICES)
        return services + chain(
            "vp_input",
            "filter hook input priority filter; policy drop",
            'iifname "lo" accept',
            f'iifname "{WIREGUARD}" goto vp_services',
            f'iifname "{OPENVPN}" goto vp_services',
            *(["ip daddr @vp_pool4 drop"] if self.pool else []),
            *self._said(lambda part: part.input()),
            f"udp dport {ports([self.wireguard, self.knocks, *self.udp])} accept",
            f"tcp dport {ports(self.tcp)} accept",
            "ct state established,related accept",
            *_ESSENTIAL_ICMP,
        )

    def _forward(self) -> str:
        garden = chain("vp_garden", "", *_GARDEN)
        leave = chain("vp_leave", "", *self._leave())
        inbound = chain("vp_inbound", "", *self._said(lambda part: part.back()), "drop")
        tunnels = f'{{ "{WIREGUARD}", "{OPENVPN}" }}'
        return (
            garden
            + leave
            + chain("vp_back", "", *_BACK)
            + inbound
            + chain(
                "vp_forward",
                "filter hook forward priority filter; policy drop",
                *self._said(lambda part: part.stop()),
                "tcp flags & (syn|rst) == syn tcp option maxseg size set rt mtu",
                f'iifname "{WIREGUARD}" goto vp_leave',
                f'iifname "{OPENVPN}" goto vp_leave',
                f'iifname "{self.interface}" oifname "{WIREGUARD}" ct state established,related goto vp_back',
                f'iifname "{self.interface}" oifname "{OPENVPN}" ct state established,related goto vp_back',
                f'iifname "{self.interface}" oifname {tunnels} ct status dnat goto vp_inbound',
                *self._said(lambda part: part.forward()),
            )
        )

    def _leave(self) -> list[str]:
        return [
            f'oifname != "{self.interface}" drop',
            # Most packets belong to a flow whose first packet passed all that follows: they pay for two look-ups only.
            f"ct state established ip saddr @{OPEN4} accept",
            f"ct state established ip6 saddr @{EGRESS6} accept",
            *self._not_from_our_ports(),
            f"ip6 saddr @{GARDEN6} goto vp_garden",
            "tcp dport 853 reject with tcp reset",
            "udp dport 853 reject",
            f"ip saddr @{OPEN4} ip daddr @vp_site4 tcp dport {{ 80, 443 }} accept",
            f"ip6 saddr @{EGRESS6} ip6 daddr @vp_site6 tcp dport {{ 80, 443 }} accept",
            "ip daddr @vp_management4 drop",
            "ip6 daddr @vp_management6 drop",
            "ip daddr @vp_bogons4 drop",
            "ip6 daddr @vp_bogons6 drop",
            *self._said(lambda part: part.leave()),
            f"ip saddr @{OPEN4} accept",
            f"ip6 saddr @{EGRESS6} accept",
            f"ip6 saddr @{OPEN6} reject with icmpv6 type no-route",
        ]

    def _not_from_our_ports(self) -> list[str]:
        """Nobody sends from a port on which the node listens, unless she leaves by an address that is hers alone."""
        udp, tcp = f"udp sport {ports([self.wireguard, *self.udp])}", f"tcp sport {ports(self.tcp)}"
        whose = (f"ip saddr != @{held.MINE4.name}", "meta nfproto ipv6")
        return [f"{sport} {who} drop" for sport in (udp, tcp) for who in whose]

    def _nat(self) -> str:
        out = f'oifname "{self.interface}"'
        return (
            chain("vp_redirect", "", *self._said(lambda part: part.redirect()), *_REDIRECT)
            + chain(
                "vp_nat_in",
                "nat hook prerouting priority dstnat; policy accept",
                f'iifname "{WIREGUARD}" goto vp_redirect',
                f'iifname "{OPENVPN}" goto vp_redirect',
                *self._said(lambda part: part.nat_in()),
            )
            + chain(
                "vp_nat_out",
                "nat hook postrouting priority srcnat; policy accept",
                *self._said(lambda part: part.nat_out()),
                *self._by_pool(out),
                *self._masquerade(out),
            )
            + chain(
                "vp_last_out",
                "filter hook output priority filter; policy accept",
                f"{out} ip saddr {ALL_TUNNELS4} drop",
                f"{out} ip daddr {ALL_TUNNELS4} drop",
                f"{out} ip6 saddr {ALL_TUNNELS6} drop",
                f"{out} ip6 daddr {ALL_TUNNELS6} drop",
                f"{out} icmp type destination-unreachable icmp code port-unreachable drop",
                f"{out} icmpv6 type destination-unreachable icmpv6 code port-unreachable drop",
            )
        )

    def _by_pool(self, out: str) -> list[str]:
        """A tunnel's own public address first, then a streaming address for listed destinations, then its exit's."""
        if not self.pool:
            return []
        span = "{}-{}".format(*self.snat_range)
        ported = f"{out} meta l4proto {{ tcp, udp }}"
        rules = [f"{out} snat ip to ip saddr map @{held.MINE4.name}"]
        for family, streams, stream, leaves in (
            ("ip", held.STREAMS4, held.STREAM4, held.EXIT4),
            ("ip6", held.STREAMS6, held.STREAM6, held.EXIT6),
        ):
            rules += [
                f"{ported} {family} daddr @{streams.name} snat {family} to {family} saddr map @{stream.name}:{span}",
                f"{ported} snat {family} to {family} saddr map @{leaves.name}:{span}",
                f"{out} snat {family} to {family} saddr map @{leaves.name}",
            ]
        return rules

    def _masquerade(self, out: str) -> list[str]:
        low, high = self.snat_range
        rules = []
        for family, tunnels in (("ip", ALL_TUNNELS4), ("ip6", ALL_TUNNELS6)):
            rules.append(f"{out} {family} saddr {tunnels} meta l4proto {{ tcp, udp }} masquerade to :{low}-{high}")
            rules.append(f"{out} {family} saddr {tunnels} masquerade")
        return rules


_FROM_FLEET = 0xFFFFFFFF


def limits(seed: int) -> str:
    """The rules of chain vp_limits: a fixed array of buckets under a seed, then a cap for all together.

    A bucket number is kept in the packet's mark while it passes here and nowhere else; no address is stored. Entries of
    the fleet have no bucket: many customers come from one address, and each passed the buckets there.
    """
    rules = (
        f"meta nfproto ipv4 meta mark set jhash @nh,96,24 mod {BUCKETS} seed {seed:#x}",
        f"meta nfproto ipv6 meta mark set jhash @nh,64,48 mod {BUCKETS} seed {seed:#x}",
        f"ip saddr @vp_fleet4 meta mark set {_FROM_FLEET:#x}",
        f"ip6 saddr @vp_fleet6 meta mark set {_FROM_FLEET:#x}",
        f"meta mark != {_FROM_FLEET:#x} add @vp_flood "
        f"{{ meta mark limit rate over {BUCKET_RATE}/second burst {BUCKET_BURST} packets }} drop",
        f"limit rate over {GLOBAL_RATE}/second burst {GLOBAL_BURST} packets drop",
        "meta mark set 0",
    )
    return "".join(f"  {rule}\n" for rule in rules)


def reseed_text(seed: int) -> str:
    """Empties the buckets and mixes them anew, in one transaction."""
    rules = "".join(f"add rule inet {TABLE} vp_limits {line.strip()}\n" for line in limits(seed).splitlines())
    return f"flush chain inet {TABLE} vp_limits\nflush set inet {TABLE} vp_flood\n{rules}"


def remove_text() -> str:
    """Takes the table away, whether it is there or not."""
    return f"table inet {TABLE}\ndelete table inet {TABLE}\n"


_WIREGUARD4 = f"{OURS4.broadcast_address + 1}-{ALL_TUNNELS4.broadcast_address}"
_OPENVPN4 = "10.1.0.0-10.15.255.255"

_WHENCE = chain(
    "vp_whence",
    "filter hook prerouting priority -305; policy accept",
    'iifname "lo" accept',
    f'iifname "{WIREGUARD}" ip saddr {_WIREGUARD4} accept',
    f'iifname "{WIREGUARD}" ip6 saddr {WIREGUARD6} accept',
    f'iifname "{OPENVPN}" ip saddr {_OPENVPN4} accept',
    f'iifname "{OPENVPN}" ip6 saddr {OPENVPN6} accept',
    f'iifname "{WIREGUARD}" drop',
    f'iifname "{OPENVPN}" drop',
    f"ip daddr {ALL_TUNNELS4} drop",
    f"ip saddr {ALL_TUNNELS4} drop",
    f"ip6 daddr {ALL_TUNNELS6} drop",
    f"ip6 saddr {ALL_TUNNELS6} drop",
)
"""A tunnel's address comes out of a tunnel or not at all: neither as source nor as destination on another interface."""

_DNS = "meta l4proto { tcp, udp } th dport"
_SERVICES = (
    f"ip saddr @{OPEN4} ip daddr {RESOLVER4} {_DNS} 53 accept",
    f"ip6 saddr @{OPEN6} ip6 daddr {RESOLVER6} {_DNS} 53 accept",
    f"ip6 saddr @{GARDEN6} ip6 daddr {RESOLVER6} {_DNS} {GARDEN_DNS_PORT} accept",
    f"ip saddr @{OPEN4} ip daddr {NOTICE4} tcp dport 80 accept",
    f"ip6 saddr @{OPEN6} ip6 daddr {NOTICE6} tcp dport 80 accept",
    f"ip6 saddr @{GARDEN6} ip6 daddr {NOTICE6} tcp dport 80 accept",
    f"ip saddr @{OPEN4} ip daddr {{ {RESOLVER4}, {NOTICE4} }} icmp type echo-request accept",
    f"ip6 saddr @{OPEN6} ip6 daddr {{ {RESOLVER6}, {NOTICE6} }} icmpv6 type echo-request accept",
    f"ip6 saddr @{GARDEN6} ip6 daddr {{ {RESOLVER6}, {NOTICE6} }} icmpv6 type echo-request accept",
    f"ip daddr {NOTICE4} tcp dport 443 reject with tcp reset",
    f"ip6 daddr {NOTICE6} tcp dport 443 reject with tcp reset",
    "drop",
)

_ESSENTIAL_ICMP = (
    "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "icmp type echo-request limit rate 50/second accept",
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept",
    "icmpv6 type echo-request limit rate 50/second accept",
)

_GARDEN = (
    f"limit rate over {GARDEN_RATE} drop",
    "ip6 daddr @vp_site6 tcp dport { 80, 443 } accept",
    "meta l4proto tcp reject with tcp reset",
    "reject with icmpv6 type admin-prohibited",
)

_BACK = (
    f"ip daddr @{OPEN4} accept",
    f"ip6 daddr @{EGRESS6} accept",
    f"ip6 daddr @{GARDEN6} limit rate over {GARDEN_RATE} drop",
    f"ip6 daddr @{GARDEN6} ip6 saddr @vp_site6 accept",
)
"""The way back needs the same permission as the way out: an ended tunnel's old connections carry nothing more."""

_REDIRECT = (
    f"ip6 saddr @{GARDEN6} {_DNS} 53 dnat ip6 to [{RESOLVER6}]:{GARDEN_DNS_PORT}",
    f"ip6 saddr @{GARDEN6} ip6 daddr != @vp_site6 tcp dport 80 dnat ip6 to {NOTICE6}",
    f"ip daddr != {{ {', '.join(str(face.four) for face in FACES)} }} {_DNS} 53 dnat ip to {RESOLVER4}",
    f"ip6 daddr != {{ {', '.join(str(face.six) for face in FACES)} }} {_DNS} 53 dnat ip6 to {RESOLVER6}",
)
