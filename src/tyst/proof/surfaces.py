"""Where a value could have stayed: every surface of a host, listed anew for each scan.

Files on the disk and their names, the raw disk with its free space and journal, RAM disks, files that have no name any
more, the memory, arguments and environment of every process, and what the kernel's network tables say. To add a kind of
surface, write a lister and put it into `LISTERS`; `control` then has to plant something there, or its test fails.

Not visible from here: the kernel's own memory (freed slabs, socket buffers) and other machines. A file system that a
process of the host could write to and that none of these surfaces covers is itself a finding (`uncovered`).
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from tyst.proof import machine
from tyst.proof.machine import HostLike, LookFailed
from tyst.proof.sources import BytesSource, FileSource, MemorySource, Source, SourceGone


class SurfaceKind(StrEnum):
    """Kinds of place; the positive control plants on each of them."""

    FILE = "file"
    NAMES = "names"
    IMAGE = "image"
    RAM_FILE = "ram-file"
    UNLINKED = "unlinked"
    MEMORY = "memory"
    ARGUMENTS = "arguments"
    ENVIRONMENT = "environment"
    TABLE = "table"
    KERNEL_LOG = "kernel-log"


@dataclass(frozen=True, slots=True)
class Surface:
    """One place to look. `open` gives its bytes; it may raise SourceGone (it vanished) or LookFailed (a defect)."""

    name: str
    room: str
    kind: SurfaceKind
    open: Callable[[], Source] = field(repr=False)
    process: str = ""


Lister = Callable[[HostLike], Iterator[Surface]]
MACHINE = "machine"
"""The room of surfaces that all hosts share."""
_RAM = ("tmpfs", "ramfs", "hugetlbfs", "mqueue")


def surfaces(host: HostLike) -> Iterator[Surface]:
    """Every surface of a host. Sync the host first: the raw disk is read as it is."""
    for lister in LISTERS:
        yield from lister(host)


def machine_surfaces() -> Iterator[Surface]:
    """Surfaces that belong to the machine beneath all hosts: one kernel, one log."""
    own = os.getpid()
    yield Surface("dmesg", MACHINE, SurfaceKind.KERNEL_LOG, _program(("dmesg",), own, own))


def _walk(top: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every entry below a folder, without following links or crossing into another file system."""
    device = os.lstat(top).st_dev
    for folder, folders, files in os.walk(os.fsencode(top)):
        kept = []
        for name in [*folders, *files]:
            path = os.fsdecode(os.path.join(folder, name))
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            if status.st_dev == device:
                kept.append(name)
                yield path, status
        folders[:] = [name for name in folders if name in kept]


def _tree(top: Path, shown: str, room: str, kind: SurfaceKind) -> Iterator[Surface]:
    """The regular files below a folder, and one surface for all names, link targets and attributes there."""
    yield Surface(f"names in {shown}", room, SurfaceKind.NAMES, lambda: BytesSource(_names(top)))
    for path, status in _walk(top):
        if stat.S_ISREG(status.st_mode):
            name = os.path.join(shown, os.path.relpath(path, top))
            yield Surface(name, room, kind, lambda path=path: FileSource(Path(path)))  # type: ignore[misc]


def _names(top: Path) -> bytes:
    lines: list[bytes] = []
    for path, status in _walk(top):
        lines.append(os.fsencode(os.path.relpath(path, top)))
        try:
            if stat.S_ISLNK(status.st_mode):
                lines.append(os.fsencode(os.readlink(path)))
            for attribute in os.listxattr(path, follow_symlinks=False):
                lines += [attribute.encode(), os.getxattr(path, attribute, follow_symlinks=False)]
        except OSError:
            continue  # gone meanwhile, or a file system without attributes
    return b"\n".join(lines)


def _disk(host: HostLike) -> Iterator[Surface]:
    yield from _tree(host.disk, "disk", host.name, SurfaceKind.FILE)
    yield Surface("disk image", host.name, SurfaceKind.IMAGE, lambda: FileSource(host.image))


def _ram_disks(host: HostLike) -> Iterator[Surface]:
    seen: set[tuple[str, str]] = set()
    for pid in machine.in_each_namespace(machine.processes(host), "mnt"):
        for mount in machine.mounts(pid):
            top = Path(f"/proc/{pid}/root{mount.point}")
            if mount.kind in _RAM and (mount.device, mount.root) not in seen and top.is_dir():
                seen.add((mount.device, mount.root))
                yield from _tree(top, mount.point, host.name, SurfaceKind.RAM_FILE)


def _unlinked(host: HostLike) -> Iterator[Surface]:
    """Files that a process holds open and that have no name, memory files too."""
    seen: set[tuple[int, int]] = set()
    for pid in machine.processes(host):
        for path in _open_files(pid):
            try:
                status = os.stat(path)
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                name = f"unlinked file {path.name} of {machine.process_name(pid)}"
                yield Surface(name, host.name, SurfaceKind.UNLINKED, lambda path=path: FileSource(path))  # type: ignore[misc]


def _open_files(pid: int) -> list[Path]:
    try:
        return [Path(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return []


def _memory(host: HostLike) -> Iterator[Surface]:
    for pid in machine.processes(host):
        process = machine.process_name(pid)
        name = f"{process} ({pid})"
        yield Surface(name, host.name, SurfaceKind.MEMORY, lambda pid=pid: MemorySource(pid), process)  # type: ignore[misc]


def _starts(host: HostLike) -> Iterator[Surface]:
    for pid in machine.processes(host):
        process = machine.process_name(pid)
        for file, kind in (("cmdline", SurfaceKind.ARGUMENTS), ("environ", SurfaceKind.ENVIRONMENT)):
            path = Path(f"/proc/{pid}/{file}")
            yield Surface(f"{file} of {process} ({pid})", host.name, kind, lambda path=path: _text(path), process)  # type: ignore[misc]


def _text(path: Path) -> BytesSource:
    """A file of /proc, which has no size to map or seek in."""
    try:
        return BytesSource(path.read_bytes())
    except (FileNotFoundError, ProcessLookupError) as error:
        raise SourceGone from error
    except OSError as error:
        raise LookFailed(f"{path} can't be read: {error.strerror}") from None


TABLES: tuple[tuple[str, ...], ...] = (
    ("conntrack", "-L", "-f", "ipv4"),
    ("conntrack", "-L", "-f", "ipv6"),
    ("conntrack", "-L", "expect"),
    ("ip", "-statistics", "neigh", "show"),
    ("ip", "neigh", "show", "proxy"),
    ("ip", "-4", "route", "show", "cache"),
    ("ip", "-6", "route", "show", "cache"),
    ("ip", "route", "show", "table", "all"),
    ("ip", "rule", "show"),
    ("ip", "-details", "addr", "show"),
    ("ip", "maddr", "show"),
    ("ip", "tcp_metrics", "show"),
    ("bridge", "fdb", "show"),
    ("ss", "-tanupeimoO"),
    ("ss", "-xap"),
    ("nft", "list", "ruleset"),
    ("wg", "show", "all", "dump"),
)
"""Programs that print a table of the kernel (or, for wg, of the userspace device); each must be there and succeed."""


def _tables(host: HostLike) -> Iterator[Surface]:
    for number, pid in enumerate(machine.in_each_namespace(machine.processes(host), "net")):
        suffix = f" (sandbox {number})" if number else ""
        for argv in TABLES:
            yield Surface(" ".join(argv) + suffix, host.name, SurfaceKind.TABLE, _program(argv, pid, host.pid))
        for path in _net_files(pid):
            name = f"/proc/net/{os.path.relpath(path, f'/proc/{pid}/net')}{suffix}"
            yield Surface(name, host.name, SurfaceKind.TABLE, lambda path=path: _text(path))  # type: ignore[misc]


def _program(argv: tuple[str, ...], net: int, mount: int) -> Callable[[], Source]:
    return lambda: BytesSource(machine.look(argv, net=net, mount=mount))


def _net_files(pid: int) -> list[Path]:
    return sorted(Path(folder, name) for folder, _, names in os.walk(f"/proc/{pid}/net") for name in names)


LISTERS: tuple[Lister, ...] = (_disk, _ram_disks, _unlinked, _memory, _starts, _tables)

_NOT_FILES = [
    "proc",
    "sysfs",
    "devpts",
    "devtmpfs",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
    "tracefs",
    "bpf",
    "pstore",
    "nsfs",
    "binfmt_misc",
    "autofs",
    "configfs",
]


def uncovered(host: HostLike) -> list[str]:
    """Mount points where a process of the host could write and where no surface looks. Empty is as it should be."""
    disk = os.stat(host.disk).st_dev
    device = f"{os.major(disk)}:{os.minor(disk)}"
    inside = Path(re.sub(r"^/proc/\d+/root(?=/)", "", str(host.disk)))  # as whoever mounted the overlays called it
    found = {
        mount.point
        for pid in machine.in_each_namespace(machine.processes(host), "mnt")
        for mount in machine.mounts(pid)
        if mount.writable and not _covered(mount, device, inside)
    }
    return sorted(found)


def _covered(mount: machine.Mount, device: str, disk: Path) -> bool:
    if mount.kind == "overlay":
        return not mount.option("upperdir") or Path(mount.option("upperdir")).is_relative_to(disk)
    return mount.kind in _RAM or mount.kind in _NOT_FILES or mount.device == device
