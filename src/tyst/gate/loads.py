"""How busy each node said it is, in ten steps: the newest number of each, in RAM, forgotten when it grows old.

Nodes say it with their renewals, the site asks for it to order its lists. No history and no sum: what was before is
overwritten. Counterparts: `node.load`, `site.steering`.
"""

from typing import TYPE_CHECKING

from tyst.messages.load import LoadsOf, NodeLoads

if TYPE_CHECKING:
    from tyst.gate.room import Gate

GOOD_FOR = 90.0
"""Seconds: a node that missed four renewals is not known to be idle."""


class Loads:
    """The newest of each node."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[int, float]] = {}

    def note(self, node: str, step: int, now: float) -> None:
        """A node says how busy it is."""
        self._said[node] = step, now + GOOD_FOR

    def now(self, now: float) -> dict[str, int]:
        """What is still good."""
        self._said = {node: said for node, said in self._said.items() if now < said[1]}
        return {node: step for node, (step, _) in self._said.items()}

    def heard(self, now: float) -> int:
        """How many nodes said something that is still good. Asked by another thread: it changes nothing."""
        return sum(now < until for _, until in list(self._said.values()))


async def loads(gate: "Gate", name: str, asked: LoadsOf) -> NodeLoads:
    """All of them."""
    return NodeLoads(gate.loads.now(gate.ticks()))
