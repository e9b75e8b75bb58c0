"""Makes a backup, lets old ones go, and keeps the shelf: what the operator's command and the nightly job call."""

import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tyst.core import archive
from tyst.core.archive import ArchiveError, Locker
from tyst.records.backup import content, keys
from tyst.records.undone import FILE as JOURNAL
from tyst.records.undone import KEY_FILE
from tyst.records.where import Where

ENDING = ".backup"
SHELF = "tyst.shelf"
SHELVED = (keys.DAY_KEYS, "order.keys", JOURNAL, KEY_FILE)
"""What the shelf holds: files with ends of their own, which no backup may hold. And what must not go back by a day: the
public counters (`content.FOLDERS`)."""


@dataclass(frozen=True)
class Made:
    """What was made."""

    path: Path
    bytes: int
    removed: int


def make(state: Path, where: Where, to: Path, locker: Locker, today: date, *, files: bool = True) -> Made:
    """Writes a backup to this file, or into this folder under the day's name, whole or not at all.

    Backups in the same folder that are older than 30 days are overwritten and removed. RecordsError, ArchiveError.
    """
    path = to / f"tyst-{today}{ENDING}" if to.is_dir() else to
    key = keys.day_key(state, today)
    pieces = archive.sealed(content.content(where, state, files=files), locker, today, key, secrets.token_bytes)
    count = _write(path, pieces)
    return Made(path, count, remove_old(path.parent, today))


def shelve(state: Path, to: Path, locker: Locker, today: date) -> None:
    """Writes the shelf's file anew, over the old one's bytes. ArchiveError."""
    keys.destroy_old_keys(state, today)
    names = [name for name in SHELVED if (state / name).is_file()] + content.in_folders(state)
    found = {name: (state / name).read_bytes() for name in names}
    path = to / SHELF if to.is_dir() else to
    old = os.open(path, os.O_WRONLY) if path.exists() else -1
    try:
        _write(path, archive.sealed(content.files_only(found), locker, today, b"", secrets.token_bytes))
        if old >= 0:
            overwrite(old)
    finally:
        if old >= 0:
            os.close(old)


def remove_old(folder: Path, today: date) -> int:
    """Removes backups of Tyst in this folder that are past their horizon; how many. What else is there stays."""
    removed = 0
    for path in sorted(folder.glob(f"*{ENDING}")):
        day = day_of(path)
        if day is not None and today - day > timedelta(days=archive.DAYS):
            handle = os.open(path, os.O_WRONLY)
            try:
                overwrite(handle)
            finally:
                os.close(handle)
            path.unlink()
            removed += 1
    return removed


def day_of(path: Path) -> date | None:
    """The day of a backup, or None when the file is none."""
    try:
        with path.open("rb") as file:
            return archive.read_head(file.read)[0].day
    except (ArchiveError, OSError):
        return None


def overwrite(handle: int) -> None:
    """Writes zeroes over an open file, to the disk."""
    for at in range(0, os.fstat(handle).st_size, archive.CHUNK):
        os.pwrite(handle, bytes(min(archive.CHUNK, os.fstat(handle).st_size - at)), at)
    os.fsync(handle)


def _write(path: Path, pieces: Iterable[bytes]) -> int:
    draft, count = path.with_name(path.name + ".new"), 0
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                count += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return count


def read_shelf(path: Path, by: archive.Opener, today: date) -> dict[str, bytes]:
    """The files on a shelf. ArchiveError."""
    return {item[1]: item[2] for item in opened(path, by, (), today) if item[0] == "file"}


def opened(path: Path, by: archive.Opener, day_keys: Iterable[bytes], today: date) -> Iterator[content.Item]:
    """A backup's items. ArchiveError, also when the file isn't there."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise ArchiveError("there is no backup of that name") from None
    with file:
        yield from content.items(archive.opened(file.read, by, day_keys, today))
