"""When jobs are done: a round every ten minutes, and once a day, from a fixed hour on, what belongs to a day.

The hour is one for the whole provider, so that a letter's time tells nothing about its reader. A host that was down at
that hour does the day's work when it is back.
"""

import gc
import threading
from collections.abc import Callable
from datetime import UTC, datetime, time

from tyst.jobs import work
from tyst.jobs.book import BusyError
from tyst.jobs.work import Parts

ROUND_SECONDS = 600.0
HOUR = time(9, tzinfo=UTC)
"""When the day's work is done at the earliest: 9 o'clock UTC, in the waking hours of those who get letters."""
DAY = "day"
"""The book's name for the day's work as a whole."""

BUSY = "busy"
"""Instead of a job's name: another process does the jobs, or the state folder can't be written."""

Say = Callable[[str], None]


def rounds(parts: Parts, stop: threading.Event, say: Say, *, pause: float = ROUND_SECONDS) -> None:
    """Does jobs until `stop`. `say`: gets the names of jobs that failed, or BUSY, and nothing else."""
    while not stop.is_set():
        try:
            with parts.book.held():
                one_round(parts, say)
        except (BusyError, OSError):
            say(BUSY)
        gc.collect()  # what processors said refers to itself (parsed XML, sockets) and would stay until Python looks
        stop.wait(pause)


def one_round(parts: Parts, say: Say) -> None:
    """What is due now."""
    names = list(work.EVERY_ROUND)
    if is_time(parts.now()) and parts.book.begin(DAY, parts.today):
        names += work.DAILY
    for name in names:
        well, _ = work.do(name, parts)
        if not well:
            say(name)


def is_time(now: datetime) -> bool:
    """Whether the day's hour has come."""
    return now.astimezone(UTC).timetz() >= HOUR
