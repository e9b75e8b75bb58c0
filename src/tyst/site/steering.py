"""Which servers are shown first: the least busy of each city, and the least busy of each country is recommended.

By the nodes' own coarse numbers, which the gate has in RAM and the site asks for at most every 20 s: the same for
everybody, and nothing of whoever looks. Without an answer the order is the alphabet's. Counterpart: `gate.loads`.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from tyst.records.places import PublicNode
from tyst.site.gate_client import Gate, GateError

GOOD_FOR = 20.0
FULL = 10


class Steering:
    """The newest numbers. `now`: aware UTC."""

    def __init__(self, gate: Gate, now: Callable[[], datetime]) -> None:
        self._gate, self._now = gate, now
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._loads: Mapping[str, int] = {}

    def loads(self) -> Mapping[str, int]:
        """How busy each node is, 0 to 10; a node that is not there is not known. While one thread asks, others go on
        with what was."""
        now = self._now().timestamp()
        if self._asked is not None and 0 <= now - self._asked < GOOD_FOR:
            return self._loads
        if not self._lock.acquire(blocking=False):
            return self._loads
        try:
            self._loads = self._gate.loads()
        except GateError:
            self._loads = {}
        finally:
            self._asked = now
            self._lock.release()
        return self._loads


def in_order(nodes: Sequence[PublicNode], loads: Mapping[str, int]) -> list[PublicNode]:
    """Cities as they come, in each the least busy first; a node that has not said how busy it is comes last."""
    places = {(node.country, node.city): number for number, node in enumerate(reversed(nodes))}
    return sorted(nodes, key=lambda node: (-places[node.country, node.city], loads.get(node.name, FULL + 1), node.name))


def recommended(nodes: Sequence[PublicNode], loads: Mapping[str, int]) -> frozenset[str]:
    """The names of the least busy node of each country that has more than one to choose from, unless all are full."""
    chosen = set()
    for _, group in groupby(sorted(nodes, key=lambda node: node.country), key=lambda node: node.country):
        known = [(loads[node.name], node.name) for node in group if node.name in loads]
        if len(known) > 1 and min(known)[0] < FULL:
            chosen.add(min(known)[1])
    return frozenset(chosen)
