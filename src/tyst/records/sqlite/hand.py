"""The gate's and the operator's hand on the SQLite file: pragmas, a reader that can't write, one connection a write.

No Django. Counterparts: `base.py` for Django with the same pragmas, `postgresql/hand.py`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tyst.records import journal
from tyst.records.errors import ConflictError

_PRAGMAS = (
    "PRAGMA secure_delete=ON",
    "PRAGMA journal_mode=PERSIST",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
)
_READER_WAITS, _WRITER_WAITS = 2.0, 20.0
"""Seconds. The gate answers nobody while its reader waits for a commit's end, which takes milliseconds."""


class Hand:
    """One SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def reader(self) -> sqlite3.Connection:
        """A connection that can't write."""
        return _connect(self._path, readable_only=True)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction in a connection of its own: committed whole, or not at all."""
        writer = _connect(self._path)
        try:
            writer.execute("BEGIN IMMEDIATE")
            yield writer
            writer.execute("COMMIT")
            journal.wipe(writer, str(self._path))
        except BaseException as error:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            if isinstance(error, sqlite3.IntegrityError):
                raise ConflictError from None
            raise
        finally:
            writer.close()


def _connect(path: Path, *, readable_only: bool = False) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=_READER_WAITS if readable_only else _WRITER_WAITS
    )
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    if readable_only:
        connection.execute("PRAGMA query_only=ON")
        # Rows are read where the kernel holds the file: twice as fast, and hardly a page is copied into this process.
        connection.execute("PRAGMA mmap_size=1073741824")
    return connection
