"""fanotify(7), as far as the zero-write check needs it: who touched which file on a file system.

Two kinds of group exist because one alone sees too little: a group that reports *names* sees files made, removed and
renamed, and writes, on the file system itself; overlayfs writes to its upper files without telling, so a group that
reports *open files* watches the overlay for writes. Neither sees writes through shared mappings; those show in the
block device's counter, which is what `writes` judges by. It only calls the kernel; its counterpart is `writes`.
"""

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CLOEXEC, _NONBLOCK, _UNLIMITED_QUEUE = 0x1, 0x2, 0x10
_REPORT_FID, _REPORT_DIR_FID, _REPORT_NAME = 0x200, 0x400, 0x800
_MARK_ADD, _MARK_FILESYSTEM = 0x1, 0x100
_Q_OVERFLOW, _ONDIR = 0x4000, 0x40000000
CLOSED = "closed after writing"
_NAMES = {
    0x2: "modified",
    0x4: "attributes",
    0x8: CLOSED,
    0x40: "moved away",
    0x80: "moved here",
    0x100: "created",
    0x200: "deleted",
}
_WRITES = 0x2 | 0x8
_ALL = sum(_NAMES) | _ONDIR
_AT_FDCWD = -100
_DFID_NAME = 2
_HEADER = struct.Struct("=IBBHQii")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fanotify_mark.argtypes = (ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p)
_libc.open_by_handle_at.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int)


@dataclass(frozen=True, slots=True, order=True)
class Touch:
    """One thing done to one file: where and what ('created', 'modified', …)."""

    path: str
    what: str


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


class Group:
    """A fanotify group on the file system that holds `top`. Raises OSError where the kernel has no such group."""

    def __init__(self, top: Path, *, names: bool) -> None:
        flags = _CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE
        reports = _REPORT_FID | _REPORT_DIR_FID | _REPORT_NAME if names else 0
        self._fd = _checked(
            _libc.fanotify_init(flags | reports, os.O_RDONLY | os.O_NOATIME | os.O_CLOEXEC), "fanotify_init"
        )
        self._top = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        mask = _ALL if names else _WRITES
        path = f"/proc/self/fd/{self._top}".encode()
        try:
            _checked(
                _libc.fanotify_mark(self._fd, _MARK_ADD | _MARK_FILESYSTEM, mask, _AT_FDCWD, path), "fanotify_mark"
            )
        except OSError:
            self.close()
            raise

    def drain(self) -> Iterator[Touch]:
        """Everything that happened since the last call."""
        while True:
            try:
                events = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return
            except OSError:  # a file that was written, closed and is gone: the kernel can't open it for us any more
                yield Touch("?", "modified")
                continue
            yield from self._events(events)

    def _events(self, buffer: bytes) -> Iterator[Touch]:
        at = 0
        while at < len(buffer):
            length, _version, _reserved, head, mask, fd, _pid = _HEADER.unpack_from(buffer, at)
            what = ", ".join(name for bit, name in _NAMES.items() if mask & bit)
            if mask & _Q_OVERFLOW:
                yield Touch("?", "more than the kernel could tell")
            elif fd >= 0:
                yield Touch(self._shown(_path_of(fd)), what)
            else:
                yield Touch(self._named(buffer[at + head : at + length]), what)
            at += length

    def _named(self, records: bytes) -> str:
        """Directory and name from the information records of one event."""
        at = 0
        while at + 4 <= len(records):
            kind, _pad, length = struct.unpack_from("=BBH", records, at)
            if kind == _DFID_NAME:
                return self._resolved(records[at + 12 : at + length])
            at += max(length, 4)
        return "?"

    def _resolved(self, handle_and_name: bytes) -> str:
        size = struct.unpack_from("=I", handle_and_name)[0]
        handle, name = handle_and_name[: 8 + size], handle_and_name[8 + size :].split(b"\0", 1)[0]
        folder = _libc.open_by_handle_at(self._top, handle, os.O_PATH | os.O_CLOEXEC)
        where = _path_of(folder) if folder >= 0 else "?"
        return self._shown(os.path.normpath(os.path.join(where, os.fsdecode(name))))

    def _shown(self, path: str) -> str:
        """A path as seen from `top`."""
        top = os.readlink(f"/proc/self/fd/{self._top}")
        return path if path == "?" else os.path.relpath(path, top)

    def close(self) -> None:
        """Stop watching."""
        for fd in (self._fd, self._top):
            with contextlib.suppress(OSError):
                os.close(fd)


def _path_of(fd: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
