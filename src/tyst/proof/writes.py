"""The zero-write check: how many bytes reached each host's disk, and into which files.

The judge is the block device's own counter of written sectors, read after a sync on either side of the time in
question: it sees every way of writing, whoever wrote. fanotify only names the culprits. Bytes are whole
sectors, with the file system's own bookkeeping: one byte into a file shows as some thousand. A host that was used and
wrote nothing shows 0. Counterparts: `fanotify`, and the hosts' disks in `tyst.lab.disk`.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tyst.proof import machine
from tyst.proof.control_helper import DISK_FOLDER
from tyst.proof.fanotify import CLOSED, Group, Touch
from tyst.proof.machine import HostLike

SECTOR = 512
_TELLING = {"created", "modified", "deleted"}


@dataclass(frozen=True)
class Writes:
    """What was written: bytes to the disk of each host, and the files that were touched on it."""

    written: Mapping[str, int]
    touched: Mapping[str, tuple[Touch, ...]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Bytes, over all hosts."""
        return sum(self.written.values())

    @property
    def clean(self) -> bool:
        """No sector written and no file touched, on any host."""
        return not self.total and not any(self.touched.values())

    def lines(self) -> list[str]:
        """A sentence for each host that wrote, naming at most ten files."""
        return [
            _sentence(name, count, self.touched.get(name, ()))
            for name, count in self.written.items()
            if self._dirty(name)
        ]

    def _dirty(self, name: str) -> bool:
        return bool(self.written[name] or self.touched.get(name))


def _sentence(name: str, count: int, touched: Sequence[Touch]) -> str:
    first = sorted(touched, key=lambda touch: (not set(touch.what.split(", ")) & _TELLING, touch))
    files = "; ".join(f"{touch.path} ({touch.what})" for touch in first[:10]) or "no file that fanotify could name"
    return f"{name}: {count} bytes written: {files}"


class WriteWatch:
    """Watches the disks of hosts from `with` to `finish()`; what was written before is synced away first.

        with WriteWatch(hosts) as watch:
            connect, use, disconnect
            writes = watch.finish()

    Whatever else uses these disks meanwhile is counted as well: that is the point, and the reason to do nothing else.
    """

    def __init__(self, hosts: Sequence[HostLike]) -> None:
        self._hosts = tuple(hosts)
        self._groups: dict[str, list[Group]] = {}
        self._before: dict[str, int] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self._close)
            for host in self._hosts:
                self._before[host.name] = _sectors(host)
                self._groups[host.name] = _groups(host)
            undo.pop_all()
        return self

    def finish(self) -> Writes:
        """What was written until now. May be called again later: it always counts from the start."""
        written = {host.name: (_sectors(host) - self._before[host.name]) * SECTOR for host in self._hosts}
        return Writes(written, {name: self._touched(name, bool(count)) for name, count in written.items()})

    def _touched(self, name: str, wrote: bool) -> tuple[Touch, ...]:
        """What was done to files. One opened for writing and closed unwritten tells something only beside a write."""
        touches = {touch for group in self._groups[name] for touch in group.drain()}
        return tuple(sorted(touch for touch in touches if wrote or touch.what != CLOSED))

    def _close(self) -> None:
        for groups in self._groups.values():
            for group in groups:
                group.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def _sectors(host: HostLike) -> int:
    host.sync()
    return host.sectors_written()


def _groups(host: HostLike) -> list[Group]:
    """One group on the disk itself, and one on each overlay over it."""
    overlays = dict.fromkeys(m.point for m in machine.mounts(host.pid) if m.kind == "overlay" and m.writable)
    tops = [Path(f"/proc/{host.pid}/root{point}") for point in overlays]
    return [Group(host.disk, names=True), *(Group(top, names=False) for top in tops)]


def plant_byte(host: HostLike, folder: str = DISK_FOLDER) -> None:
    """Write one byte to a new file on the host's disk, from inside the host: the watch must catch it."""
    done = machine.start_inside(host.pid, ["sh", "-c", f'umask 077; printf x > "{folder}/tyst-one-byte"'])
    _out, _err = done.communicate(timeout=20)
    if done.returncode:
        raise OSError(f"could not write in {folder} of {host.name}")
