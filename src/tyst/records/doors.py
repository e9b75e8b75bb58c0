"""No door is open while the records are put back: a lock that doors share, and that a restore has alone (flock(2)).

Site, gate and jobs hold it as long as they run. A restore that was broken off leaves its folder `restoring` behind, and
until somebody has finished it no door starts and no command opens the records (`where.chosen`). On several hosts each
has its own folder and lock: docs/operate/backup.md.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tyst.records.errors import RecordsError
from tyst.records.where import STAGE, refuse_unfinished

LOCK = "doors.lock"
_HELD: list[int] = []
__all__ = ["LOCK", "STAGE", "alone", "hold"]


def hold(state: Path) -> None:
    """From now until this process ends, nothing is restored here. RecordsError while something is."""
    refuse_unfinished(state)
    handle = -1
    with suppress(OSError):  # a folder that this door can only read, or none: whoever restores has the same trouble
        handle = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    if handle < 0:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RecordsError("the records are being restored just now: start again when that is done") from None
    _HELD.append(handle)


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """No door is open, and none opens meanwhile. RecordsError when one is."""
    handle = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RecordsError("a site, a gate or jobs run on this state folder: stop them first") from None
    finally:
        os.close(handle)
