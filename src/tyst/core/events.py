"""What a process of ours may say of itself: kinds of events from a closed list, how often, and for faults the place.

A line is `tyst ROOM: KIND`, with a place of our own code where the kind has one, and with a count. There is no other
field: no time, no text, no value. Kinds are declared as `[[log]]` in `records/inventory.toml`, and tests compare both.
A place is a function of ours, `module:function`, from a fault's traceback; what the fault said is never looked at.
Counterpart: `tyst.quiet` counts and writes them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum, StrEnum
from types import TracebackType


class Room(StrEnum):
    """The processes that speak, as they call themselves."""

    GATE = "gate"
    SITE = "site"
    NODE = "node"
    JOBS = "jobs"
    MAIL = "mail"
    PAYMENTS = "payments"


_SERVING = (Room.GATE, Room.SITE, Room.NODE, Room.JOBS)
GROUP = 10
"""What requests bring about is told in whole tens, rounded down, and not at all below."""


class Event(Enum):
    """The closed list. `rooms`: who may say it; `placed`: whether a place of our code goes with it; `exact`: whether it
    is our own machinery's doing, and told to the last one."""

    READY = "ready", _SERVING, False, True
    STOPPED = "stopped by a fault", tuple(Room), True, True
    FAULT = "fault", tuple(Room), True, True
    LIBRARY = "a library spoke", tuple(Room), False, False
    WARNING = "a library warned", tuple(Room), False, False
    PART_FAILED = "a part failed; the node has closed everything and stopped", (Room.NODE,), False, True
    AGENT_DIED = "the agent died; the node has closed everything and stopped", (Room.NODE,), False, True
    LISTS_REFUSED = "lists refused", (Room.NODE,), False, True
    JOB_FAILED = "a job failed", (Room.JOBS,), True, True
    JOBS_BUSY = "another process does the jobs, or the state folder can't be written", (Room.JOBS,), False, True

    def __init__(self, text: str, rooms: tuple[Room, ...], placed: bool, exact: bool) -> None:
        self.text, self.rooms, self.placed, self.exact = text, rooms, placed, exact

    def shown(self, count: int) -> int:
        """How many of so many are told."""
        return count if self.exact else count // GROUP * GROUP


READY = "ready"
"""The one word that stands alone on its line: whoever started the process waits for it."""
ELSEWHERE = "elsewhere"
"""The place of a fault that passed no line of ours."""
PLACE = re.compile(r"tyst(\.[a-z_][a-z0-9_]*)*:(<[a-z]+>|[A-Za-z_][A-Za-z0-9_]*)|elsewhere")
LINE = re.compile(
    rf"{READY}|tyst ({'|'.join(Room)}): ({'|'.join(re.escape(one.text) for one in Event)})"
    rf"( at ({PLACE.pattern}))?( \(\d+\))?"
)
"""The whole grammar of what a running process says."""


def place_of(trace: TracebackType | None) -> str:
    """The innermost function of ours on a traceback. Names of code alone: no file, no line's text, no local."""
    found = ELSEWHERE
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        name = f"{module}:{trace.tb_frame.f_code.co_name}"
        if module.split(".")[0] == "tyst" and PLACE.fullmatch(name):
            found = name
        trace = trace.tb_next
    return found


def line(room: Room, event: Event, *, place: str = "", count: int = 0) -> str:
    """One line. ValueError for what the grammar doesn't have: a kind of another room, a place that is none."""
    if room not in event.rooms or bool(place) != event.placed or (place and not PLACE.fullmatch(place)) or count < 0:
        raise ValueError("no process of ours says that")
    if event is Event.READY:
        return READY
    return f"tyst {room}: {event.text}{f' at {place}' if place else ''}{f' ({count})' if count else ''}"


class Tally:
    """How often each kind of event happened in this process since it began; dies with it."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._counts: Counter[tuple[Event, str]] = Counter()
        self._told: Counter[tuple[Event, str]] = Counter()

    def count(self, event: Event, place: str = "") -> None:
        """One more. Safe from any thread as far as no number has to be exact to the last one."""
        line(self.room, event, place=place)
        self._counts[event, place] += 1

    def said(self, event: Event, place: str = "") -> None:
        """One more that was told at once."""
        self.count(event, place)
        self._told[event, place] += 1

    def fault(self, error: BaseException) -> None:
        """A fault was caught at a door: its place is counted, and its traceback let go of, with all that it holds."""
        self.count(Event.FAULT, place_of(error.__traceback__))
        release(error)

    def of(self, event: Event) -> Mapping[str, int]:
        """How often, by place (the empty text for kinds without one), as it may be told."""
        return {place: event.shown(count) for (one, place), count in self._copy().items() if one is event}

    def news(self) -> Iterator[str]:
        """A line for each kind and place that happened since they were last told."""
        fresh = self._copy() - self._told
        for (event, place), count in sorted(fresh.items(), key=lambda one: (one[0][0].text, one[0][1])):
            if told := event.shown(count):
                self._told[event, place] += told
                yield line(self.room, event, place=place, count=told)

    def _copy(self) -> Counter[tuple[Event, str]]:
        return Counter(dict(self._counts))


def release(error: BaseException) -> None:
    """Takes the tracebacks from a fault and from those behind it, and empties the frames that have ended."""
    for one in _chain(error):
        trace, one.__traceback__ = one.__traceback__, None
        while trace is not None:
            with suppress(RuntimeError):  # it still runs: its locals are its own
                trace.tb_frame.clear()
            trace = trace.tb_next


def _chain(error: BaseException) -> Iterable[BaseException]:
    """The fault, what it was raised from, and the members of groups; each once, though they may form a ring."""
    waiting, seen = [error], {id(error)}
    while waiting:
        one = waiting.pop()
        yield one
        inner = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        for other in (one.__cause__, one.__context__, *inner):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)
