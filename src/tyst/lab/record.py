"""What is known about running labs outside the process that built them: one small folder each in /run/tyst-lab.

A record names the keeper and the hosts by pid and start time, so another program can enter a host. Whether a lab lives
is not a matter of pids: its keeper holds a lock on the record for as long as it runs, which the kernel takes back
however it ends. Counterparts: `lab.py` writes and reads records, `keeper.py` holds the lock and clears up.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tyst.lab import disk, linux

FOLDER = Path("/run/tyst-lab")
#: The lab of `tyst up`, and what `tyst lab enter` means when it is told no name.
CURRENT = "current"
_FILES = ("lab.json", "lab.new", "lock")


def folder_of(name: str) -> Path:
    """Where a lab's record and its mount point for RAM are."""
    if not name or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name):
        raise ValueError("a lab's name has letters, digits, - and _ only")
    return FOLDER / name


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One program at a time makes or clears records (a lock on the folder itself, so no file is left)."""
    while True:
        FOLDER.mkdir(mode=0o700, exist_ok=True, parents=True)
        with contextlib.suppress(FileNotFoundError):
            fd = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if FOLDER.is_dir() and os.fstat(fd).st_ino == FOLDER.stat().st_ino:
                break
            os.close(fd)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            FOLDER.rmdir()
        os.close(fd)


def reserve(name: str) -> int:
    """Makes the folder of a new lab and returns the file descriptor of its lock, held and inheritable.

    Raises `FileExistsError` when a lab of this name is running. What a dead one of the name left is cleared first.
    """
    with _alone():
        if folder_of(name).exists():
            if locked(name):
                raise FileExistsError(f"a lab named {name} is running; './tyst down' ends it")
            _remove(name)
        folder_of(name).mkdir(mode=0o700)
        (folder_of(name) / "ram").mkdir()
        lock = os.open(folder_of(name) / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock


def locked(name: str) -> bool:
    """Whether a lab's keeper (or its builder, until there is a keeper) is alive."""
    try:
        fd = os.open(folder_of(name) / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def write(name: str, value: dict[str, Any]) -> None:
    """Writes a lab's record, all at once."""
    path = folder_of(name) / "lab.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value))
    fresh.replace(path)


def read(name: str) -> dict[str, Any] | None:
    """A lab's record, or None when there is none (yet)."""
    try:
        value: dict[str, Any] = json.loads((folder_of(name) / "lab.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return value


def names() -> list[str]:
    """The names of all labs that have a record, alive or not."""
    if not FOLDER.is_dir():
        return []
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and not path.is_symlink())


def sweep() -> list[str]:
    """Clears away what labs left whose keepers were killed; returns their names. Living labs are not touched."""
    with _alone():
        dead = [name for name in names() if not locked(name)]
        for name in dead:
            _remove(name)
    return dead


def _remove(name: str) -> None:
    value = read(name) or {"hosts": {}}
    forget(name, [host["loop"] for host in value["hosts"].values()])


def forget(name: str, loops: list[str]) -> None:
    """Removes what can outlive a lab's processes: loop devices beyond the machine's own, and the record."""
    deadline = time.monotonic() + 5
    while any(_ours(loop, name) for loop in loops) and time.monotonic() < deadline:
        time.sleep(0.005)
    for loop in loops:
        disk.remove_extra(loop)
    folder = folder_of(name)
    with contextlib.suppress(OSError):
        (folder / "ram").rmdir()
    for file in _FILES:
        (folder / file).unlink(missing_ok=True)
    for place in (folder, FOLDER):
        with contextlib.suppress(OSError):
            place.rmdir()


def _ours(loop: str, name: str) -> bool:
    """Whether a device that was this lab's still is, and has not gone to another lab since."""
    path = disk.backing(loop)
    return bool(path) and (f"/{name}/ram/" in path or "/ram/" not in path)


def end(name: str, within: float = 10.0) -> bool:
    """Ends a lab from outside, by its keeper; whether it ran. What is left is cleared away."""
    value, ran = read(name), locked(name)
    if value and ran:
        _signal(value, signal.SIGTERM)
        deadline = time.monotonic() + within
        while locked(name) and time.monotonic() < deadline:
            time.sleep(0.01)
        if locked(name):
            _signal(value, signal.SIGKILL)
    sweep()
    return ran


def _signal(value: dict[str, Any], number: signal.Signals) -> None:
    """Signals the keeper of a record, if that pid still is the keeper."""
    if linux.start_time(value["keeper"]) == value["started"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(value["keeper"], number)
