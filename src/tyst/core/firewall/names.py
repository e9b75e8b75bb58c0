"""Who may ask the resolver's faces: open tunnels, by plain DNS, over TLS and over HTTPS; a ping shows that it is there.

Plain questions to anybody else's resolver are turned to ours (`ruleset.py`); those to a face stay with that face.
"""

from tyst.core.faces import FACES, HTTPS_BEHIND, HTTPS_PORT, TLS_PORT
from tyst.core.firewall.collections import OPEN4, OPEN6
from tyst.core.firewall.part import Part, Rules


class Names(Part):
    """The faces' doors, but for the first face's port 53, which every ruleset has."""

    def services(self) -> Rules:
        rules = []
        for family, opened, icmp, addresses in (
            ("ip", OPEN4, "icmp", [str(face.four) for face in FACES]),
            ("ip6", OPEN6, "icmpv6", [str(face.six) for face in FACES]),
        ):
            every, further = (
                f"{family} saddr @{opened.name} {family} daddr {{ {', '.join(some)} }}"
                for some in (addresses, addresses[1:])
            )
            rules += [
                f"{every} tcp dport {TLS_PORT} accept",
                f"{every} ct status dnat tcp dport {HTTPS_BEHIND} accept",
                f"{further} meta l4proto {{ tcp, udp }} th dport 53 accept",
                f"{further} {icmp} type echo-request accept",
            ]
        return rules

    def redirect(self) -> Rules:
        return [
            f"{family} daddr {{ {', '.join(addresses)} }} tcp dport {HTTPS_PORT} dnat to :{HTTPS_BEHIND}"
            for family, addresses in (
                ("ip", [str(face.four) for face in FACES]),
                ("ip6", [str(face.six) for face in FACES]),
            )
        ]
