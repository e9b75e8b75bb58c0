"""The operator's signed lists, as the gate hands them on: bytes from a file in its state folder, and their hash.

The gate doesn't read them and can't make them: it has no key for that (`fleet.lists` signs, `node.lists` checks).
"""

import hashlib
import os
from pathlib import Path

from tyst.core.lists import MAX_BYTES
from tyst.messages.lists import PIECE, ListsOf, Piece

BUNDLE = "lists.bundle"
_VERSION_BYTES = 16


class ListShelf:
    """One file, looked at whenever somebody asks and read again when it has changed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._mark: tuple[int, int, int] | None = None
        self._bundle, self._version = b"", b""

    @property
    def version(self) -> bytes:
        """The hash of what is there now; empty for nothing."""
        self._look()
        return self._version

    def piece(self, asked: ListsOf) -> Piece:
        """A part of the bundle of this version."""
        if not asked.version or asked.version != self.version:
            return Piece(0, b"")
        return Piece(len(self._bundle), self._bundle[asked.start : asked.start + PIECE])

    def _look(self) -> None:
        mark = self._mark_now()
        if mark == self._mark:
            return
        self._mark = mark
        self._bundle = self._path.read_bytes()[:MAX_BYTES] if self._path is not None and mark is not None else b""
        self._version = hashlib.blake2s(self._bundle, digest_size=_VERSION_BYTES).digest() if self._bundle else b""

    def _mark_now(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path) if self._path is not None else None
        except FileNotFoundError:
            return None
        return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)
