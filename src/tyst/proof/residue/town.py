"""Where a value could have stayed in a town of single processes: files and their names, files without a name, memory,
command lines and environments of every process and its children, and what visitors' browsers were given to keep.

The lab's hosts have more (raw disks, the kernel's tables): those are `proof.surfaces`. Here every surface has a name
that a leak can be told by. What the inventory says may stay is in `ALLOWED`. Counterpart: `residue_check`.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tyst.core.residue import Mark, scan_set
from tyst.core.residue_encodings import encodings
from tyst.proof import machine
from tyst.proof.engine import Engine
from tyst.proof.residue.guests import Guest
from tyst.proof.search import search_all
from tyst.proof.sources import BytesSource, FileSource, MemorySource, SourceGone
from tyst.proof.surfaces import Surface, SurfaceKind

RECORDS = "file state/records.sqlite3"
ALLOWED = frozenset({(RECORDS, "username"), (RECORDS, "email"), (RECORDS, "tag")})
"""What an account that lives has in the database, by the inventory: account.username, account.email, key_record.tag."""
OF_A_BROWSER = ("visitors' cookies", "session")
"""The session's cookie is hers to keep (`[[cookie]]`)."""


def allowed(where: str, mark: str) -> bool:
    """Whether a live account may show like this. PostgreSQL has its rows in files and in its buffers."""
    row = {what for _, what in ALLOWED}
    at_postgresql = where.startswith(("file postgresql/", "memory of postgres"))
    return (where, mark) in ALLOWED or (where, mark) == OF_A_BROWSER or (at_postgresql and mark in row)


Seen = set[tuple[str, str]]
"""(place, mark): a place as `Surface.name`, a mark without the number of whose it is."""


@dataclass
class Look:
    """One town's surfaces. `processes`: ids by name; `data`: other folders (a database server's)."""

    folder: Path
    processes: Callable[[], dict[str, int]]
    guests: Iterable[Guest] = ()
    data: dict[str, Path] = field(default_factory=dict)
    searched: int = 0
    cpu_seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    decoys: list[str] = field(default_factory=list)
    who: set[str] = field(default_factory=set)

    def seen(self, engine: Engine) -> Seen:
        """What is found now, and where. `who` gets the full names of the marks that were."""
        findings = search_all(engine, self.surfaces())
        self.searched += sum(tally.searched for _, tally in findings.looked)
        self.cpu_seconds += sum(tally.cpu_seconds for _, tally in findings.looked)
        self.failures += findings.failures
        seen: Seen = set()
        self.who.clear()
        for surface, mark, _, _ in findings.hits():
            if mark.decoy:
                self.decoys.append(surface.name)
                continue
            what = mark.name.partition(".")[2].rstrip("0123456789")
            if what == "moment" and surface.kind is not SurfaceKind.FILE:
                continue  # a process knows the time
            seen.add((surface.name, what))
            self.who.add(mark.name)
        return seen

    def surfaces(self) -> Iterator[Surface]:
        """All of them, as they are now."""
        kept = b"\n".join(guest.cookies() for guest in self.guests)
        yield Surface(OF_A_BROWSER[0], "town", SurfaceKind.FILE, lambda: BytesSource(kept))
        tops = {"state": self.folder / "state", **self.data}
        files = [*self.folder.glob("*.out"), *(path for top in tops.values() for path in sorted(top.rglob("*")))]
        names = "\n".join(str(path) for path in files).encode()
        yield Surface("names of files", "town", SurfaceKind.NAMES, lambda: BytesSource(names))
        for path in files:
            if path.is_file() and not path.is_symlink():
                yield Surface(self._named(path), "town", SurfaceKind.FILE, lambda path=path: FileSource(path))  # type: ignore[misc]
        for name, pid in self._all():
            yield from _process(name, pid)

    def _named(self, path: Path) -> str:
        for shown, top in self.data.items():
            if path.is_relative_to(top):
                return f"file {shown}/{path.relative_to(top)}"
        return f"file {path.relative_to(self.folder)}"

    def _all(self) -> Iterator[tuple[str, int]]:
        """The town's processes and all below them: several may have one name."""
        for name, pid in self.processes().items():
            yield name, pid
            yield from ((machine.process_name(child), child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            own = [int(word) for word in task.read_text().split()]
        except OSError:
            continue
        found += [one for child in own for one in (child, *_children(child))]
    return found


def _process(name: str, pid: int) -> Iterator[Surface]:
    yield Surface(f"memory of {name}", "town", SurfaceKind.MEMORY, lambda: MemorySource(pid), name)
    for file, shown in (("cmdline", "arguments"), ("environ", "environment")):
        yield Surface(f"{shown} of {name}", "town", SurfaceKind.ARGUMENTS, lambda file=file: _proc(pid, file), name)  # type: ignore[misc]
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        if _unlinked(path):
            yield Surface(f"open file of {name}", "town", SurfaceKind.UNLINKED, lambda path=path: FileSource(path))  # type: ignore[misc]


def _proc(pid: int, file: str) -> BytesSource:
    try:
        return BytesSource(Path(f"/proc/{pid}/{file}").read_bytes())
    except (FileNotFoundError, ProcessLookupError) as error:
        raise SourceGone from error


def _unlinked(path: Path) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 0


COMMON = frozenset({"text", "utf16le", "text-hex", "text-base64-0", "text-base64-1", "text-base64-2"})
"""Forms of a crowd's marks. In all forms a thousand people are 95,000 patterns, and the search far too slow."""


def engine(marks: Iterable[Mark]) -> Engine:
    """The search for marks in every form; for a crowd's in the common ones."""
    forms = ((mark, name, data) for mark in marks for name, data in encodings(mark).items())
    return Engine(scan_set(form for form in forms if form[1] in COMMON or not form[0].name.startswith("crowd")))
