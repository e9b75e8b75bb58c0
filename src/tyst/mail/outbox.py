"""The outbox: a queue in RAM, one thread, and the services in the operator's order until one takes the letter.

Nothing is written: a letter that no service takes is tried again, later and later, until it is pointless, and is then
dropped; a process that ends drops what it holds after a short last try. What remains is one counter for each kind and
end (`counts`), which names nobody. Counterpart: `wiring.py` builds it from `mail.toml`.
"""

import gc
import heapq
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from tyst.mail.letter import Letter, MailError, Service
from tyst.mail.lists import Listing

MOST = 20_000
"""Letters that wait at most; what comes beyond is dropped and counted."""
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""Seconds before a letter is tried again, by the number of tries; the last one repeats."""

TAKEN, REFUSED, DROPPED, NOBODY = "taken", "refused", "dropped", "nobody"


@dataclass(order=True)
class _Waiting:
    due: float
    place: int
    letter: Letter = field(compare=False, repr=False)
    ends: float = field(compare=False)
    tries: int = field(default=0, compare=False)


class Outbox:
    """`post` is quick and never fails; a thread does the rest. `ticks`: seconds that go on evenly.

    `wanted(address)`: asked before each try; a letter that nobody waits for any more is dropped. MailError: try later.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        ticks: Callable[[], float] = monotonic,
        pauses: Sequence[float] = PAUSES,
        wanted: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._wanted = wanted
        self._services, self._ticks, self._pauses = tuple(services), ticks, tuple(pauses)
        self._waiting: list[_Waiting] = []
        self._ends: Counter[tuple[str, str]] = Counter()
        self._changed = threading.Condition()
        self._number, self._busy, self._closing = 0, False, False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._started = False

    @property
    def open(self) -> bool:
        """Whether any service is set up: without one no letter is written at all."""
        return bool(self._services)

    @property
    def names(self) -> list[str]:
        """The services, in the operator's order."""
        return [one.name for one in self._services]

    def post(self, letter: Letter) -> None:
        """Queues a letter."""
        with self._changed:
            if not self._services or self._closing or len(self._waiting) >= MOST:
                self._ends[letter.kind, DROPPED] += 1
                return
            self._push(_Waiting(self._ticks(), 0, letter, self._ticks() + letter.lives))
            if not self._started:
                self._started = True
                self._thread.start()

    def counts(self) -> dict[tuple[str, str], int]:
        """How many letters of each kind were taken, refused, dropped or to nobody, since the start."""
        with self._changed:
            return dict(self._ends)

    def waiting(self, address: str) -> int:
        """How many letters to this address wait; the one that is being carried just now is not among them."""
        with self._changed:
            return sum(_same(one.letter.to, address) for one in self._waiting)

    def forget(self, address: str) -> int:
        """Throws the letters to this address away; how many."""
        with self._changed:
            kept = [one for one in self._waiting if not _same(one.letter.to, address)]
            gone = len(self._waiting) - len(kept)
            for one in self._waiting:
                self._ends[one.letter.kind, DROPPED] += _same(one.letter.to, address)
            self._waiting = kept
            heapq.heapify(self._waiting)
            self._changed.notify_all()
            return gone

    @property
    def listing(self) -> list[str]:
        """The services that keep lists of addresses they refuse."""
        return [one.name for one in self._services if isinstance(one, Listing)]

    def listed(self, service: str, address: str) -> bool:
        """Whether this service's own list has the address. MailError."""
        return any(one.listed(address) for one in self._services if isinstance(one, Listing) and one.name == service)

    def unlist(self, address: str) -> bool:
        """Has the address taken out of the services' own lists; False when one of them couldn't be reached."""
        done = True
        for one in self._services:
            if isinstance(one, Listing):
                try:
                    one.unlist(address)
                except MailError:
                    done = False
        return done

    def drain(self, seconds: float) -> bool:
        """Waits until every letter has been tried once more or is gone; False when some are left after `seconds`."""
        ends = self._ticks() + seconds
        with self._changed:
            while self._waiting or self._busy:
                if not self._changed.wait(min(0.5, max(0.0, ends - self._ticks()))) and self._ticks() >= ends:
                    return False
        return True

    def close(self, seconds: float = 5.0) -> None:
        """No further letters; those that wait are tried for `seconds`, and what is left is dropped."""
        self.drain(seconds)
        with self._changed:
            self._closing = True
            for one in self._waiting:
                self._ends[one.letter.kind, DROPPED] += 1
            self._waiting.clear()
            self._changed.notify_all()

    def _push(self, one: _Waiting) -> None:
        self._number += 1
        one.place = self._number
        heapq.heappush(self._waiting, one)
        self._changed.notify_all()

    def _run(self) -> None:
        while self._step():
            if self._idle():
                gc.collect()

    def _idle(self) -> bool:
        """Whether nothing is due: the moment to collect what letters leave in reference cycles."""
        with self._changed:
            return not (self._waiting and self._waiting[0].due <= self._ticks())

    def _step(self) -> bool:
        """Carries what is due, and sleeps until the next; False when the outbox was closed. In a function of its own,
        so that no letter stays in a variable while the thread sleeps."""
        with self._changed:
            while not self._closing and not (self._waiting and self._waiting[0].due <= self._ticks()):
                self._changed.wait(max(0.01, self._waiting[0].due - self._ticks()) if self._waiting else None)
            if self._closing:
                return False
            one = heapq.heappop(self._waiting)
            self._busy = True
        end = self._carried(one.letter)
        with self._changed:
            self._busy = False
            self._ended(one, end)
            self._changed.notify_all()
            return True

    def _ended(self, one: _Waiting, end: str) -> None:
        if not end:
            one.due = self._ticks() + self._pauses[min(one.tries, len(self._pauses) - 1)]
            one.tries += 1
            if one.due < one.ends and not self._closing:
                self._push(one)
                return
            end = DROPPED
        self._ends[one.letter.kind, end] += 1

    def _carried(self, letter: Letter) -> str:
        """How it ended with the first service that took or refused it; "" when none did either."""
        try:
            if not letter.to or not self._wanted(letter.to):
                return NOBODY
        except MailError:
            return ""
        for service in self._services:
            try:
                return TAKEN if service.carry(letter) else REFUSED
            except MailError:
                continue
        return ""


def _same(one: str, other: str) -> bool:
    return bool(other) and one.casefold() == other.casefold()


def by_end(outbox: Outbox) -> dict[tuple[str, ...], int]:
    """How many letters ended how, of all kinds together: what `core.metric.LETTERS` shows."""
    ends: Counter[tuple[str, ...]] = Counter()
    for (_, end), count in outbox.counts().items():
        ends[(end,)] += count
    return dict(ends)
