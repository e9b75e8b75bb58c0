"""Rules for the ways in over TCP: OpenVPN on 443, WireGuard inside TLS, OpenVPN inside Shadowsocks.

Three things. Newcomers' connections are counted by buckets of source prefixes, as initiations are, under a seed that
the kernel draws and tells nobody. A wrapped initiation comes over loopback and is turned to the agent's listener like
one from outside, unless it carries the mark by which the agent hands it on. And the two relays, programs that speak to
strangers, reach WireGuard's port or OpenVPN's on loopback and nothing else, whatever they are made to do: their users'
packets are judged before all else. Counterparts: `core.reach`, `node.reach`, `node.listener`. Source: nft(8).
"""

from tyst.core.firewall.part import Part, Rules
from tyst.core.firewall.text import INITIATION, chain, dynamic, ports
from tyst.core.reach import NODE_LOOPBACK, PORTS, SHADOWSOCKS_PORT, SHADOWSOCKS_USER, TLS_PORT, TLS_USER

BUCKETS = 4096
BUCKET_RATE, BUCKET_BURST = 10, 40
"""New TCP connections per second (and at once) from one bucket of source prefixes (/24, /48)."""
GLOBAL_RATE, GLOBAL_BURST = 200, 400
FORGOTTEN_AFTER = 10
"""Seconds after a bucket's last connection when its count is gone."""
WRAPPED_RATE, WRAPPED_BURST = 2, 10
"""Initiations per second from one wrapped client, told from others by its relay's port."""
ALL_WRAPPED_RATE = 100
HANDED = 0x54797374
"""The mark of packets that the agent hands on to WireGuard (SO_MARK, socket(7)): they are not turned back to it."""

_NEW = "tcp flags & (syn | ack) == syn"


class Reach(Part):
    """`wireguard`, `openvpn`: the node's own ports, which the relays lead to; `knocks`: the listener's."""

    def __init__(self, wireguard: int = 51820, knocks: int = 51821, openvpn: int = 443) -> None:
        self._wireguard, self._knocks, self._openvpn = wireguard, knocks, openvpn

    def declares(self) -> str:
        return (
            dynamic("vp_connects", "mark", 2 * BUCKETS, FORGOTTEN_AFTER)
            + dynamic("vp_wraps", "inet_service", 65535, FORGOTTEN_AFTER)
            + chain("vp_newcomers", "", *_newcomers())
            + chain("vp_wrapped", "", *self._wrapped())
            + chain("vp_relays", "", *self._relays())
        )

    def first(self) -> Rules:
        over_lo = f'iifname "lo" ip saddr {NODE_LOOPBACK} udp dport {self._wireguard}'
        return [
            f'iifname != "lo" tcp dport {ports([self._openvpn, *PORTS])} {_NEW} fib daddr type local jump vp_newcomers',
            f"{over_lo} {INITIATION} meta mark != {HANDED:#x} jump vp_wrapped",
        ]

    def first_out(self) -> Rules:
        return [
            f"meta skuid {{ {TLS_USER}, {SHADOWSOCKS_USER} }} jump vp_relays",
            f'oifname "lo" tcp dport {self._openvpn} notrack',
            f'oifname "lo" tcp sport {self._openvpn} notrack',
        ]

    def _wrapped(self) -> list[str]:
        pace = f"limit rate over {WRAPPED_RATE}/second burst {WRAPPED_BURST} packets"
        return [
            f"update @vp_wraps {{ udp sport {pace} }} drop",
            f"limit rate over {ALL_WRAPPED_RATE}/second burst {ALL_WRAPPED_RATE} packets drop",
            "notrack",
            f"udp dport set {self._knocks}",
        ]

    def _relays(self) -> list[str]:
        """What they answer to customers, and the one port that each leads to. A connection outwards is no answer."""
        return [
            f"meta skuid {TLS_USER} tcp sport {TLS_PORT} tcp flags & (syn | ack) != syn return",
            f'meta skuid {TLS_USER} oifname "lo" ip daddr {NODE_LOOPBACK} udp dport {self._wireguard} return',
            f"meta skuid {SHADOWSOCKS_USER} tcp sport {SHADOWSOCKS_PORT} tcp flags & (syn | ack) != syn return",
            f'meta skuid {SHADOWSOCKS_USER} oifname "lo" ip daddr {NODE_LOOPBACK} tcp dport {self._openvpn} return',
            "drop",
        ]


def _newcomers() -> list[str]:
    return [
        f"meta nfproto ipv4 meta mark set jhash @nh,96,24 mod {BUCKETS}",
        f"meta nfproto ipv6 meta mark set jhash @nh,64,48 mod {BUCKETS}",
        f"update @vp_connects {{ meta mark limit rate over {BUCKET_RATE}/second burst {BUCKET_BURST} packets }} drop",
        f"limit rate over {GLOBAL_RATE}/second burst {GLOBAL_BURST} packets drop",
        "meta mark set 0",
    ]
