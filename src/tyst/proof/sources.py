"""Where bytes come from: one shape for a buffer, a file, a raw disk image and the memory of a process.

A source names the runs of bytes that it has and copies any part of them into a buffer that the engine owns. Holes of
sparse files and pages that a process never touched are no runs: there is nothing in them. A source only reads; it
never follows a path that its maker did not open, and files are opened so that reading leaves no access time.
Its counterpart is `engine`, which searches, and `surfaces`, which decides what to open.
"""

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

Run = tuple[int, int]
"""First byte and the byte after the last."""


class Source(Protocol):
    """Readable bytes with holes. Used as a context manager; a closed source reads nothing."""

    unread: int
    """Bytes that were there and could not be read so far."""

    def runs(self) -> Iterator[Run]: ...
    def read_into(self, offset: int, into: memoryview) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class SourceGone(Exception):
    """The file or process vanished between being listed and being read."""


class BytesSource:
    """A text or buffer that is already here."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.unread = 0

    def runs(self) -> Iterator[Run]:
        if self._data:
            yield 0, len(self._data)

    def read_into(self, offset: int, into: memoryview) -> int:
        part = self._data[offset : offset + len(into)]
        into[: len(part)] = part
        return len(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._data = b""


class FileSource:
    """A file or disk image, without its holes. Raises SourceGone if it is not there any more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self.unread = 0

    def __enter__(self) -> Self:
        self._fd = open_quietly(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def runs(self) -> Iterator[Run]:
        return data_runs(self._fd)

    def read_into(self, offset: int, into: memoryview) -> int:
        return os.preadv(self._fd, [into], offset)


def open_quietly(path: Path) -> int:
    """Open for reading without leaving an access time (O_NOATIME, open(2)). Raises SourceGone."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOATIME | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise SourceGone from error


def data_runs(fd: int) -> Iterator[Run]:
    """The parts of a file that are not holes (SEEK_DATA, lseek(2))."""
    size = os.fstat(fd).st_size
    position = 0
    while position < size:
        try:
            begin = os.lseek(fd, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        position = os.lseek(fd, begin, os.SEEK_HOLE)
        yield begin, position


PAGE = os.sysconf("SC_PAGE_SIZE")
_PAGES_AT_ONCE = 1 << 16
_ONES = re.compile(b"\x01+")
# The top byte of a pagemap entry (proc_pid_pagemap(5)): 0x80 present, 0x40 swapped out, 0x20 unmodified page of a file.
_HELD_PAGES = bytes(1 if top & 0xC0 else 0 for top in range(256))
_OWN_PAGES = bytes(1 if top & 0xC0 and not top & 0x20 else 0 for top in range(256))
_UNREADABLE = ("[vvar", "[vsyscall]", "/dev/")
_MAP = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ (\d+)\s*(.*)")


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line of /proc/PID/maps (proc_pid_maps(5))."""

    begin: int
    end: int
    shared: bool
    path: str

    @property
    def of_kernel_or_device(self) -> bool:
        """Pages that belong to no program: the kernel's clock page, and device memory."""
        return self.path.startswith(_UNREADABLE) and not self.path.startswith(("/dev/shm/", "/dev/zero"))  # noqa: S108

    @property
    def of_named_file(self) -> bool:
        """Backed by a file that still has a name, so that its unmodified pages are scanned as that file."""
        return self.path.startswith("/") and not self.path.endswith(" (deleted)")


def mappings(pid: int) -> list[Mapping]:
    """What is mapped into a process. Raises SourceGone."""
    try:
        text = Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise SourceGone from error
    found = (_MAP.fullmatch(line) for line in text.splitlines())
    return [Mapping(int(m[1], 16), int(m[2], 16), m[3][3] == "s", m[5]) for m in found if m]


class MemorySource:
    """The memory of one process, through /proc/PID/mem: every page that holds something of its own.

    Left out: pages never touched or given back (nothing is in them), the kernel's and devices' mappings, and unmodified
    pages of files that have a name (program text, libraries): a marked file is found as a file. Modified copies, shared
    memory, deleted and memory files are read. The scanner's own process is refused, because it holds every pattern.
    """

    def __init__(self, pid: int) -> None:
        if pid == os.getpid():
            raise ValueError("the scanning process would find its own patterns")
        self._pid = pid
        self._memory = self._pages = -1
        self.unread = 0

    def __enter__(self) -> Self:
        self._memory = open_quietly(Path(f"/proc/{self._pid}/mem"))
        try:
            self._pages = open_quietly(Path(f"/proc/{self._pid}/pagemap"))
        except SourceGone:
            os.close(self._memory)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._memory)
        os.close(self._pages)

    def runs(self) -> Iterator[Run]:
        """Runs of present pages; neighbours are joined across mappings, so that nothing hides on a seam."""
        begin = end = 0
        for low, high in (run for mapping in mappings(self._pid) for run in self._present(mapping)):
            if low != end and end:
                yield begin, end
            begin, end = (begin if low == end else low), high
        if end:
            yield begin, end

    def _present(self, mapping: Mapping) -> Iterator[Run]:
        if mapping.of_kernel_or_device:
            return
        table = _OWN_PAGES if mapping.of_named_file and not mapping.shared else _HELD_PAGES
        first, last = mapping.begin // PAGE, mapping.end // PAGE
        for chunk in range(first, last, _PAGES_AT_ONCE):
            entries = os.pread(self._pages, 8 * min(_PAGES_AT_ONCE, last - chunk), 8 * chunk)
            for run in _ONES.finditer(entries[7::8].translate(table)):
                yield (chunk + run.start()) * PAGE, (chunk + run.end()) * PAGE

    def read_into(self, offset: int, into: memoryview) -> int:
        """Reads on over pages that went away, counting them in `unread`. Raises SourceGone when the process ended."""
        done = 0
        while done < len(into):
            got = self._read_some(offset + done, into[done:])
            if got < 0:
                got = min(PAGE - (offset + done) % PAGE, len(into) - done)
                into[done : done + got] = bytes(got)
                self.unread += got
            done += got
        return done

    def _read_some(self, offset: int, into: memoryview) -> int:
        try:
            got = os.preadv(self._memory, [into], offset)
        except OSError as error:
            if error.errno in (errno.EIO, errno.EFAULT):
                return -1
            raise
        if got == 0:
            raise SourceGone
        return got
