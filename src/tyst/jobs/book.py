"""Which day each job was last begun: one small file, so that no letter is sent twice, and nothing about anybody.

A job's day is written before the job begins: a job that dies in the middle is not begun again that day, because nobody
notes who had her letter. Days on which no jobs ran are made up, the last `MADE_UP` of them. One process at a time holds
the book (flock(2)).
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from tyst.records.whole import write_whole

FILE = "jobs.days"
MADE_UP = 7
"""How many missed days are made up at most: a reminder of last month helps nobody."""


class BusyError(Exception):
    """Another process does the jobs of this state folder."""


class Book:
    """The book of one state folder."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else does jobs meanwhile. BusyError when somebody does."""
        handle = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise BusyError from None
        finally:
            os.close(handle)

    def begin(self, job: str, today: date) -> Sequence[date]:
        """The days that the job has to do now, oldest first, which count as done from here on. Empty: none.

        On its first day a job does that day alone.
        """
        days = self._read()
        last = days.get(job, today - timedelta(days=1))
        if last >= today:
            return ()
        self._write({**days, job: today})
        first = max(last + timedelta(days=1), today - timedelta(days=MADE_UP))
        return tuple(first + timedelta(days=count) for count in range((today - first).days + 1))

    def _read(self) -> dict[str, date]:
        try:
            found = json.loads(self._path.read_text())
            return {str(job): date.fromisoformat(day) for job, day in found.items()}
        except (FileNotFoundError, ValueError, AttributeError, TypeError):
            return {}

    def _write(self, days: dict[str, date]) -> None:
        write_whole(self._path, json.dumps({job: str(day) for job, day in sorted(days.items())}).encode())
