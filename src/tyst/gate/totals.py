"""What each city sent in the last minutes, in RAM, as heaps of five-minute slots, until the daily batch takes them.

Nodes say with their renewals how much they sent since the last one, in steps of 10 Mbit/s, and nothing where fewer than
ten tunnels are open: no tunnel, account or key is in it. A slot that ends is added to its city's heap and is nowhere
else any more. The slot in which the gate began is left out. Counterparts: `node.load`, `records.statistics`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tyst.core.openness.traffic import SLOT_SECONDS, Heap, one_slot

Cities = Callable[[], Mapping[str, str]]
"""The city of each node that should be up."""


class Totals:
    """`city`: a place's slug. Times: seconds since 1970, by the gate's steady clock."""

    def __init__(self) -> None:
        self._slot: int | None = None
        self._whole = False
        self._said: dict[str, _Said] = {}
        self._heaps: dict[str, dict[str, Heap]] = {}

    def note(self, node: str, step: int | None) -> None:
        """A node renewed, and said what it sent, or that it doesn't say."""
        said = self._said.setdefault(node, _Said())
        said.times += 1
        said.total += step or 0
        said.few |= step is None

    def tick(self, now: float, cities: Cities) -> None:
        """Ends the slot when its time is over. `cities` is asked then alone."""
        slot = int(now) // SLOT_SECONDS
        if slot == self._slot:
            return
        ended, whole, said = self._slot, self._whole, self._said
        self._slot, self._whole, self._said = slot, ended is not None, {}
        if ended is not None and whole:
            self._end(ended, said, cities())

    def take(self) -> dict[str, dict[str, Heap]]:
        """What was gathered, by month and city; it is the caller's from here on."""
        taken, self._heaps = self._heaps, {}
        return taken

    def put_back(self, taken: Mapping[str, Mapping[str, Heap]]) -> None:
        """It could not be written: it waits for the next time."""
        for month, cities in taken.items():
            for city, heap in cities.items():
                self._add(month, city, heap)

    def _end(self, slot: int, said: Mapping[str, "_Said"], cities: Mapping[str, str]) -> None:
        month = f"{datetime.fromtimestamp(slot * SLOT_SECONDS, UTC):%Y-%m}"
        for city in sorted(set(cities.values())):
            heard = [said[node] for node, place in cities.items() if place == city and node in said]
            self._add(month, city, one_slot(bool(heard), _sum(heard)))

    def _add(self, month: str, city: str, heap: Heap) -> None:
        of_month = self._heaps.setdefault(month, {})
        of_month[city] = of_month.get(city, Heap()) + heap


@dataclass(slots=True)
class _Said:
    """What a node said in this slot. `few`: at some time it didn't say, and so may hide somebody."""

    times: int = 0
    total: int = 0
    few: bool = False


def _sum(heard: Sequence[_Said]) -> int | None:
    """The sum of the nodes' means over a slot; None where one of them may hide somebody."""
    if not heard or any(said.few for said in heard):
        return None
    return sum(round(said.total / said.times) for said in heard)
