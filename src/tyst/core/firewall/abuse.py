"""Abuse, stopped without a log: no mail from nowhere, no floods, and the operator's 'nobody reaches this for a while'.

Nothing here says who. What a rule counts is a rate under an inner address, in an element that is gone seconds after
the last packet that made it; a block names a destination and ends by itself. Counterparts: `gate.blocks` keeps the
operator's blocks, `node.network` brings them. Source: nft(8) (dynamic sets, `limit`, intervals with a timeout).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from tyst.core.firewall.collections import EGRESS6, OPEN4
from tyst.core.firewall.part import Part, Rules
from tyst.core.firewall.text import dynamic, listed

FLOWS_RATE, FLOWS_BURST = 200, 2000
"""New flows per second (and at once) that one inner address may begin. A browser opens some dozens for a page."""
UNANSWERED_RATE, UNANSWERED_BURST = 2000, 10000
"""Packets per second of flows to which nothing has come back yet: what a flood of one flow is made of."""
FORGOTTEN_AFTER = 5
"""Seconds after an address's last such packet when its element is gone."""
TUNNELS = 65536

IPNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Blocked:
    """A destination that nobody reaches: `protocol` tcp, udp or empty (any); `port` 0: every port. `seconds`: left."""

    net: IPNetwork
    protocol: str
    port: int
    seconds: int

    @classmethod
    def of(cls, net: str, protocol: str, port: int, seconds: float) -> "Blocked":
        """A block from its texts. ValueError for texts that are none."""
        if protocol not in ("", "tcp", "udp") or not 0 <= port <= 65535 or (port and not protocol):
            raise ValueError("a block's protocol is tcp or udp, and a port needs one")
        return cls(ip_network(net), protocol, port, int(seconds))

    @property
    def _where(self) -> tuple[int, str, int]:
        return self.net.version, self.protocol, self.port


class Abuse(Part):
    """`blocks`: the operator's, as they are now."""

    def __init__(self, blocks: Iterable[Blocked] = ()) -> None:
        self._shares = _shares([one for one in blocks if one.seconds > 0])

    def declares(self) -> str:
        paces = "".join(dynamic(name, form, TUNNELS, FORGOTTEN_AFTER) for name, form, _ in _PACES)
        return paces + "".join(
            listed(f"vp_block{number}", f"ipv{share[0].net.version}_addr", map(_element, share), "interval, timeout")
            for number, share in enumerate(self._shares)
        )

    def stop(self) -> Rules:
        """Both directions, flows that are open already included; a client hears at once that there is no way."""
        rules = []
        for number, share in enumerate(self._shares):
            one, name = share[0], f"vp_block{number}"
            family = "ip" if one.net.version == 4 else "ip6"
            there, back = f"{family} daddr @{name}", f"{family} saddr @{name}"
            if one.protocol:
                there += f" {one.protocol} dport {one.port or '0-65535'}"
                back += f" {one.protocol} sport {one.port or '0-65535'}"
            rules += [f"{back} drop"]
            if one.protocol != "udp":
                rules += [f"{there} meta l4proto tcp reject with tcp reset"]
            if one.protocol != "tcp":
                rules += [f"{there} reject with icmpx admin-prohibited"]
        return rules

    def leave(self) -> Rules:
        """What connection tracking can't place would leave unrewritten, with its inner address: it stays here."""
        flows = f"limit rate over {FLOWS_RATE}/second burst {FLOWS_BURST} packets"
        unanswered = f"limit rate over {UNANSWERED_RATE}/second burst {UNANSWERED_BURST} packets"
        rules = ["ct state invalid drop", "tcp dport 25 reject with tcp reset"]
        for family, opened, kind in (("ip", OPEN4.name, "4"), ("ip6", EGRESS6.name, "6")):
            new = f"{family} saddr @{opened} ct state new"
            rules += [
                f"{new} ct status & confirmed == 0 update @vp_flows{kind} {{ {family} saddr {flows} }} drop",
                f"{new} ct status & confirmed != 0 update @vp_unanswered{kind} {{ {family} saddr {unanswered} }} drop",
            ]
        return rules


_PACES = tuple((f"vp_{what}{kind}", f"ipv{kind}_addr", kind) for what in ("flows", "unanswered") for kind in ("4", "6"))


def _element(one: Blocked) -> str:
    return f"{one.net} timeout {one.seconds}s"


def _shares(blocks: Sequence[Blocked]) -> list[list[Blocked]]:
    """Blocks of one kind together, as long as they don't overlap: nft refuses a set with intervals that do."""
    shares: list[list[Blocked]] = []
    for one in blocks:
        for share in shares:
            if share[0]._where == one._where and not any(one.net.overlaps(other.net) for other in share):
                share.append(one)
                break
        else:
            shares.append([one])
    return shares
