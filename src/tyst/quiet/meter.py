"""The values behind a process's figures: counters in RAM, gauges that are asked, and a page that changes at marks only.

The page is made at each five-minute mark of the wall clock, whether or not anybody reads it, and is the same until the
next: reading it more often tells nothing more. Nothing of it is on any disk. Counterparts: `core.metric`, `listener`.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from tyst.core.events import Event, Room, Tally
from tyst.core.metric import EVENTS, FAULTS, MARK_SECONDS, METRICS, Kind, Labels, Metric, text
from tyst.quiet import fence

Asked = Callable[[], Mapping[Labels, int]]


class Meter:
    """One process's figures. `now`: seconds since 1970."""

    def __init__(self, room: Room, tally: Tally, now: Callable[[], float]) -> None:
        self._room, self._tally, self._now = room, tally, now
        self._counts: dict[Metric, Counter[Labels]] = {}
        self._asked: dict[str, Asked] = {}
        self._lock = threading.Lock()
        self._mark, self._page = -1, ""

    def count(self, metric: Metric, *labels: str) -> None:
        """One more. From any thread."""
        if metric.kind is not Kind.COUNTER or self._room not in metric.rooms:
            raise ValueError("this room counts no such thing")
        with self._lock:
            self._counts.setdefault(metric, Counter())[labels] += 1

    def ask(self, metric: Metric, value: Asked) -> None:
        """Where a figure comes from: asked at marks. One that fails is left out that time."""
        if self._room not in metric.rooms:
            raise ValueError("this room shows no such thing")
        self._asked[metric.name] = value

    def begin(self) -> None:
        """The process serves, and every part is there: the first page that says something is made now."""
        with self._lock:
            self._mark = -1

    def page(self) -> str:
        """The figures of the last mark."""
        with self._lock:
            self._tick()
            return self._page

    def tick(self) -> float:
        """Makes the mark's page if its time has come; seconds until the next mark."""
        with self._lock:
            self._tick()
        return MARK_SECONDS - self._now() % MARK_SECONDS

    def _tick(self) -> None:
        mark = int(self._now()) // MARK_SECONDS
        if mark != self._mark:
            self._mark = mark
            self._page = "".join(self._part(one) for one in METRICS if self._room in one.rooms)

    def _part(self, metric: Metric) -> str:
        """One figure's lines; one that can't be had, or has a label that isn't listed, is left out and counted."""
        with fence.counted():
            return text({metric: self._values(metric)})
        return ""

    def _values(self, metric: Metric) -> Mapping[Labels, int]:
        if metric is EVENTS:
            return {(kind.text,): sum(self._tally.of(kind).values()) for kind in Event if self._room in kind.rooms}
        if metric is FAULTS:
            return {(place,): count for place, count in self._tally.of(Event.FAULT).items()}
        if metric.name in self._asked:
            return self._asked[metric.name]()
        return dict(self._counts.get(metric, {}))
