"""Cold connects and plain ones in turn: runs on a client host, with the journey's own client (`tyst.journey.cold`).

usage: python -m tests.bench.cold_client < plan
The plan, as JSON: {"cold": side, "plain": side}, a side being {"endpoint", "public": hex, "privates": [hex …]}; the
cold side alone will do. Prints {"cold": [ms or null …], "plain": [ms or null …]}.
"""

import json
import select
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.wireguard.addresses import address4
from tyst.journey.cold import Node, client_interface, configure, first_answer

PAUSE = 0.01
"""Seconds between giving the client a key and its first packet."""


def main() -> int:
    """Connects with each key once, to one side and the other in alternating order."""
    plan = json.load(sys.stdin)
    nodes = {name: Node(side["endpoint"], bytes.fromhex(side["public"])) for name, side in plan.items()}
    times: dict[str, list[float | None]] = {name: [] for name in plan}
    with client_interface("cold0") as path:
        for number in range(len(plan["cold"]["privates"])):
            for name in sorted(plan, reverse=bool(number % 2)):
                private = bytes.fromhex(plan[name]["privates"][number])
                configure(path, private, nodes[name])
                select.select([], [], [], PAUSE)
                public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
                times[name].append(first_answer(address4(public), number))
    print(json.dumps(times))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
