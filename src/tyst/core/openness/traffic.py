"""A city's month as a heap of five-minute slots: how often the city was up, and how often it sent how much.

A slot's figure is the sum of what the city's servers sent, in steps of 10 Mbit/s. Slots have no order here, so a heap
says nothing of an evening. A server with fewer than ten tunnels says nothing of its traffic: such a slot is counted as
withheld. A month with too few slots that say something shows no traffic at all. Counterparts: `node.load` and
`gate.totals` measure, `records.statistics` keeps the heaps.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tyst.core.signed import SignedError

KIND = "tyst month 1"
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
STEP_MBIT = 10
SLOT_SECONDS = 300
MIN_TUNNELS = 10
"""With fewer tunnels a server's traffic is nearly one customer's, and is not told."""
MIN_SLOTS = 288
"""A day's worth of slots that say something: below it a month's traffic is withheld."""


@dataclass(frozen=True, slots=True)
class Heap:
    """`slots`: seen by the gate; `up`: in which a server of the city answered; `withheld`: of those, with too few
    tunnels. `steps`: how many of the others had which step."""

    slots: int = 0
    up: int = 0
    withheld: int = 0
    steps: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: "Heap") -> "Heap":
        steps = {one: self.steps.get(one, 0) + other.steps.get(one, 0) for one in {*self.steps, *other.steps}}
        return Heap(self.slots + other.slots, self.up + other.up, self.withheld + other.withheld, steps)

    def body(self) -> dict[str, Any]:
        """For a file: steps as texts, because JSON's names are."""
        steps = {str(step): count for step, count in sorted(self.steps.items())}
        return {"slots": self.slots, "up": self.up, "withheld": self.withheld, "steps": steps}


@dataclass(frozen=True, slots=True)
class Figures:
    """What is published of a city's month, in Mbit/s; None where it is withheld. `uptime`: hundredths of a per cent,
    rounded down."""

    uptime: int | None
    peak: int | None = None
    mean: int | None = None
    most: int | None = None
    """The 95th percentile: in 95 of a hundred slots it was no more (nearest rank)."""


def one_slot(up: bool, step: int | None) -> Heap:
    """A slot: `step` None where too few tunnels were open."""
    if not up:
        return Heap(1)
    return Heap(1, 1, 1) if step is None else Heap(1, 1, 0, {step: 1})


def figures(heap: Heap) -> Figures:
    """The figures, or as many of them as may be shown."""
    uptime = heap.up * 10_000 // heap.slots if heap.slots else None
    told = sum(heap.steps.values())
    if told < MIN_SLOTS or heap.withheld > told:
        return Figures(uptime)
    total = sum(step * count for step, count in heap.steps.items())
    mean = (2 * total * STEP_MBIT + told) // (2 * told)
    return Figures(uptime, max(heap.steps) * STEP_MBIT, mean, _rank(heap.steps, -(-95 * told // 100)) * STEP_MBIT)


def shown(heap: Heap) -> Heap:
    """What may be published of a heap: without its traffic, where the figures are withheld."""
    return heap if figures(heap).peak is not None else Heap(heap.slots, heap.up, heap.up)


def _rank(steps: Mapping[int, int], wanted: int) -> int:
    passed = 0
    for step in sorted(steps):
        passed += steps[step]
        if passed >= wanted:
            return step
    raise ValueError("a rank beyond what was counted")


def heaps(cities: Mapping[str, Any]) -> dict[str, Heap]:
    """Heaps by city from a file's words. SignedError when they have another form."""
    try:
        found = {str(city): _heap(one) for city, one in cities.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SignedError("these statistics have another form than this version reads") from None
    return found


def _heap(body: Mapping[str, Any]) -> Heap:
    heap = Heap(body["slots"], body["up"], body["withheld"], {int(step): n for step, n in body["steps"].items()})
    numbers = [heap.slots, heap.up, heap.withheld, *heap.steps, *heap.steps.values()]
    if any(type(one) is not int or one < 0 for one in numbers) or heap.body() != dict(body):
        raise ValueError
    if heap.up > heap.slots or heap.withheld + sum(heap.steps.values()) != heap.up:
        raise ValueError
    return heap


def month_body(month: str, cities: Mapping[str, Heap]) -> dict[str, Any]:
    """A month for signing: only what may be published."""
    return {"month": month, "cities": {city: shown(heap).body() for city, heap in sorted(cities.items())}}


def read_month(body: Mapping[str, Any]) -> tuple[str, dict[str, Heap]]:
    """A signed month. SignedError when it has another form."""
    month, cities = body.get("month"), body.get("cities")
    if not isinstance(month, str) or not MONTH.fullmatch(month) or not isinstance(cities, dict) or len(body) != 2:
        raise SignedError("this month has another form than this version reads")
    return month, heaps(cities)
