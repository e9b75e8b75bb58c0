"""`./tyst jobs`: does what a day brings, in a loop or once."""

import argparse
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tyst.core import metric
from tyst.core.events import Event, Room
from tyst.core.keyring import KeyringError
from tyst.core.plan import CatalogueError
from tyst.mail import config as mail
from tyst.mail.outbox import by_end
from tyst.payments import config as payments
from tyst.quiet import fence, process
from tyst.quiet.fence import Voice
from tyst.records import doors, staff
from tyst.records.errors import RecordsError

if TYPE_CHECKING:
    from tyst.jobs.work import Parts

LAST_WORDS = 20.0
"""Seconds for letters that still wait when the jobs end."""
_KNOWN = (
    *process.QuietError, KeyringError, CatalogueError, RecordsError, mail.ConfigError, payments.ConfigError,
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said to `tyst jobs`."""
    parser.add_argument("action", nargs="?", choices=("once",), help="do one job and end; without: all, for ever")
    parser.add_argument("name", nargs="?", help="the job's name, or `day` for all that belong to a day")
    parser.add_argument("--state", type=Path, default=Path("/var/lib/tyst"), help="folder of keys and database")
    process.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 when all went well; 1 when a job failed; 2 with a sentence when something is missing."""
    try:
        if args.action:
            with fence.muted(Room.JOBS):
                return _once(args.name or "", _parts(args.state))
        with process.running(Room.JOBS, args) as voice:
            return _loop(_parts(args.state), voice)
    except _KNOWN as error:
        return _say(str(error), 2)
    except OSError as error:
        return _say(f"{error.strerror or 'it can not start'}; is STATE from `tyst fleet init`?", 2)


def _parts(state: Path) -> "Parts":
    from tyst.jobs import wiring

    doors.hold(state)
    return wiring.parts(state)


def _loop(parts: "Parts", voice: Voice) -> int:
    from tyst.jobs import loop

    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    _show(parts)
    voice.say(Event.READY)
    loop.rounds(parts, stop, partial(_tell, voice))
    parts.outbox.close(LAST_WORDS)
    return 0


def _tell(voice: Voice, name: str) -> None:
    """A job that failed, by the name of its function; no word of why: it may name somebody."""
    from tyst.jobs import loop, work

    if name == loop.BUSY:
        voice.say(Event.JOBS_BUSY)
    else:
        voice.say(Event.JOB_FAILED, place=f"{work.__name__}:{work.JOBS[name].__name__}")


def _show(parts: "Parts") -> None:
    """The figures of this room, where they are asked for."""
    process.ask_labelled(metric.LETTERS, partial(by_end, parts.outbox))
    process.ask_labelled(metric.STAFF, lambda: {(kind,): count for kind, count in staff.counts(parts.state).items()})


def _once(name: str, parts: "Parts") -> int:
    from tyst.jobs import work
    from tyst.jobs.book import BusyError

    names = work.DAILY if name == "day" else (name,)
    if any(one not in work.JOBS for one in names):
        return _say(f"name a job: day, {', '.join(work.JOBS)}", 2)
    try:
        with parts.book.held():
            failed = [one for one in names if not _said(one, parts)]
    except BusyError:
        return _say("another process does jobs just now: try again in a minute", 1)
    parts.outbox.close(LAST_WORDS)
    return 1 if failed else 0


def _said(name: str, parts: "Parts") -> bool:
    from tyst.jobs import work

    well, what = work.do(name, parts)
    print(f"{name}: {what}", file=sys.stdout if well else sys.stderr)
    return well


def _say(sentence: str, code: int) -> int:
    print(f"tyst jobs: {sentence}", file=sys.stderr)
    return code
