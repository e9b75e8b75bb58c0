"""Zero bytes: a day of use, and whether anything of it left RAM. Over real rooms, on a real disk, on either database.

Three judges. Every file below the world's folder and, of PostgreSQL, of the whole data directory: content, size, and
the times of file and folder (which also tell of a file that was made and removed again). PostgreSQL's write-ahead log:
its position is the same. And the kernel's own count of bytes that these processes caused to be written to any disk at
all (proc_pid_io(5), `write_bytes`), wherever the file was. Counterpart: `proof.writes`, by block device, in the lab.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from tyst.gate.room import Gate
from tyst.proof.worlds import acts
from tyst.proof.worlds.acts import Stage, Step
from tyst.proof.worlds.cluster import Cluster
from tyst.proof.worlds.faults import Leaky, Weakness
from tyst.proof.worlds.ground import KNOWN, STRANGER
from tyst.proof.worlds.persisted import Postgresql

if TYPE_CHECKING:
    from tyst.proof.worlds.run import Worlds

_RAM = ("tmpfs", "ramfs")
PLACES = (Path("/var/tmp"), Path.home(), Path("/"))  # noqa: S108 - the first that is on a disk
_OF_A_CHECKPOINT = ("pg_wal", "pg_logical", "global/pg_control", "pg_xact", "pg_subtrans", "pg_multixact")
_FILES = 4096


@dataclass(frozen=True)
class Seen:
    """What there is at one moment: files by name (content, size, times), position of the log, bytes to disks."""

    files: Mapping[str, tuple[object, ...]]
    log: int
    written: int


class Judges:
    """Look at one world's folder and server."""

    def __init__(self, root: Path, server: Cluster | None) -> None:
        self._root, self._server = root, server
        self._engine = Postgresql(server, "world") if server is not None else None

    def look(self) -> Seen:
        """Now."""
        log = self._engine.position() if self._engine is not None else 0
        return Seen(dict(self._files()), log, written(self._server))

    def settled(self) -> None:
        """A checkpoint: what PostgreSQL holds in memory reaches its files, so that a page which only reading changed
        (hint bits, pruning) shows there."""
        if self._server is not None:
            with self._server.admin() as connection:
                connection.execute("CHECKPOINT")

    def _files(self) -> Iterator[tuple[str, tuple[object, ...]]]:
        tops = {"": self._root, **({"postgresql/": self._server.data} if self._server else {})}
        for name, top in tops.items():
            for path in [top, *sorted(top.rglob("*"))]:
                found = os.lstat(path)
                content = sha256(path.read_bytes()).digest() if path.is_file() else b""
                size = found.st_size if path.is_file() else 0
                marks = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode)
                yield f"{name}{path.relative_to(top)}", (content, size, *marks)


def written(server: Cluster | None) -> int:
    """Bytes that this process, and the server's (those that have ended, too), caused to be written to disks."""
    pids = [os.getpid()]
    if server is not None:
        leader = server.process.pid
        children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
        pids += [leader, *map(int, children)]
    return sum(map(_written_by, pids))


def _written_by(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except FileNotFoundError:
        return 0  # it has ended meanwhile: its leader has its count
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def on_disk() -> Path | None:
    """A folder on a real disk; None on a machine that has none."""
    return next((place for place in PLACES if place.is_dir() and _kind(place) not in _RAM), None)


def _kind(place: Path) -> str:
    """The kind of file system (proc_pid_mountinfo(5))."""
    best, kind = "", ""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4]
        if (f"{place}/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind


def watched(worlds: "Worlds", weakness: Weakness | None = None, steps: Sequence[Step] = ()) -> list[str]:
    """What was written while Alice used everything, as sentences. To be called in a fork, over a fresh ground.

    Bob does the same before her: what happens once in the life of a database (PostgreSQL's cache of its catalogue) or
    of a process has happened then.
    """
    root = worlds.place.root
    people = worlds.people
    stage = worlds.stage()
    _go(stage, acts.use(people[KNOWN[1]], people[STRANGER]))
    if weakness is not None:
        stage.rooms.loop.do(_planted(stage, weakness, root))
    judges = Judges(root, worlds.server)
    judges.settled()
    before = judges.look()
    _go(stage, steps or acts.use(people[KNOWN[0]], people[STRANGER]))
    after = judges.look()
    found = [*_between(before, after)]
    if worlds.server is not None and before.log == after.log:
        judges.settled()
        found += _between(_but_checkpoint(before), _but_checkpoint(judges.look()))
    return list(dict.fromkeys(found))


async def _planted(stage: Stage, weakness: Weakness, root: Path) -> None:
    weakness.plant(stage.rooms.gate, root)


def _go(stage: Stage, steps: Sequence[Step]) -> None:
    for _, step in steps:
        step(stage)


def _between(before: Seen, after: Seen) -> Iterator[str]:
    for name in sorted({*before.files, *after.files}):
        if before.files.get(name) != after.files.get(name):
            yield f"{name} was {'made' if name not in before.files else 'written, or its folder changed'}"
    if after.log != before.log:
        yield f"PostgreSQL's write-ahead log grew by {after.log - before.log} bytes"
    if after.written != before.written:
        yield f"{after.written - before.written} bytes were sent to a disk"


def _but_checkpoint(seen: Seen) -> Seen:
    """Without what a checkpoint itself writes: then only what pages of tables say is left."""
    files = {
        name: marks
        for name, marks in seen.files.items()
        if not name.startswith(tuple(f"postgresql/{one}" for one in _OF_A_CHECKPOINT)) and name != "postgresql/."
        if name not in ("postgresql/global",)
    }
    return Seen(files, 0, 0)


# --- planted faults -------------------------------------------------------------------------------------------------


def _leaking(leak: Callable[[Gate, Path, bytes], None]) -> Callable[[Gate, Path], None]:
    def plant(gate: Gate, root: Path) -> None:
        gate.records = Leaky(gate.records, lambda handle: leak(gate, root, handle))  # type: ignore[assignment]

    return plant


def _one_byte(gate: Gate, root: Path, handle: bytes) -> None:
    (root / "state" / "one").write_bytes(b"x")


def _gone_again(gate: Gate, root: Path, handle: bytes) -> None:
    spool = root / "tmp" / "spool"
    spool.write_bytes(handle)
    spool.unlink()


def _elsewhere(gate: Gate, root: Path, handle: bytes) -> None:
    """Outside of every folder that is looked at."""
    aside = root.parent / "elsewhere"
    aside.write_bytes(bytes(_FILES))


def _again(gate: Gate, root: Path, handle: bytes) -> None:
    with gate.records._writing() as writer:
        writer.execute("UPDATE account SET has_ipv6 = has_ipv6 WHERE handle = ?", (handle,))


def _version(gate: Gate, root: Path, handle: bytes) -> None:
    with gate.records._writing() as writer:
        writer.execute("UPDATE account SET client_version = '1.2.3' WHERE handle = ?", (handle,))


def _locking(gate: Gate, root: Path, handle: bytes) -> None:
    with gate.records._writing() as writer:
        writer.execute("SELECT 1 FROM account WHERE handle = ? FOR UPDATE", (handle,))


FAULTS: Mapping[str, Weakness] = {
    "byte": Weakness("one byte in a file of the state folder, each time somebody connects", _leaking(_one_byte)),
    "spool": Weakness("a temporary file that is removed at once", _leaking(_gone_again)),
    "elsewhere": Weakness("a file in a folder that nobody looks at", _leaking(_elsewhere)),
    "version": Weakness("the version of the client goes into the account's row", _leaking(_version)),
}
OF_POSTGRESQL: Mapping[str, Weakness] = {
    "version": FAULTS["version"],
    "again": Weakness("the account's row is written again with the same values", _leaking(_again)),
    "lock": Weakness("the account's row is locked while it is read (SELECT … FOR UPDATE)", _leaking(_locking)),
}


def short(worlds: "Worlds") -> Sequence[Step]:
    """What shows the planted faults: one connect."""
    return acts.connect(worlds.people[KNOWN[0]])
