"""The gate's and the operator's hand on PostgreSQL: what `statements.py` says, in PostgreSQL's spelling. No Django.

A reader can't write (`default_transaction_read_only`) and holds what it has read until it is opened anew; each write is
a transaction in a connection of its own, and afterwards what it touched is vacuumed (`tidy.py`). Counterparts:
`sqlite/hand.py`, and `base.py` for Django.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from typing import Any

import psycopg
from psycopg.types.datetime import TimestamptzLoader

from tyst.records.errors import RecordsError
from tyst.records.postgresql import session, tidy
from tyst.records.where import Server

_TIME_LENGTH = len("YYYY-MM-DD HH:MM:SS")
_PLACE = re.compile(r"\?(\d*)")


@cache
def spelled(statement: str) -> str:
    """SQLite's `?` and `?1` as `$1`; CROSS JOIN with a condition (SQLite's way to fix the order) as a JOIN."""
    number = count(1)
    numbered = _PLACE.sub(lambda found: f"${found[1] or next(number)}", statement)
    return numbered.replace("CROSS JOIN", "JOIN")


class _Text(TimestamptzLoader):
    """A time as SQLite has it: `YYYY-MM-DD HH:MM:SS` in UTC, which is the session's zone."""

    def load(self, data: Any) -> Any:
        return bytes(data[:_TIME_LENGTH]).decode()


class Connection:
    """One connection, with the few of sqlite3's words that `statements.py` uses. A reader that broke is opened anew."""

    def __init__(self, server: Server, *, reading: bool = False) -> None:
        self._server, self._reading = server, reading
        self.touched: set[str] = set()
        self.real = self._open()

    def _open(self) -> psycopg.Connection[Any]:
        real = session.connect(self._server, reading=self._reading)
        real.adapters.register_loader("timestamptz", _Text)
        return real

    def execute(self, statement: str, values: Sequence[Any] = ()) -> "psycopg.Cursor[Any]":
        """Runs one statement of `statements.py`. Raises RecordsError, without a value."""
        if self._reading and self.real.closed:
            self.real = self._open()
        table = tidy.touched(statement)
        if table is not None:
            self.touched.add(table)
        failed: RecordsError
        try:
            return self.real.execute(spelled(statement).encode(), values)
        except psycopg.Error as error:
            failed = session.failure(error)
        raise failed

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for many rows."""
        for row in rows:
            self.execute(statement, row)

    def close(self) -> None:
        """Closes it."""
        self.real.close()

    def __del__(self) -> None:
        """As sqlite3 does: whoever lets go of it has closed it."""
        with suppress(AttributeError):  # it was never open
            self.real.close()


class Hand:
    """A database of a PostgreSQL server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def reader(self) -> Connection:
        """A connection that can't write."""
        return Connection(self._server, reading=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction in a connection of its own: committed whole, or not at all; then vacuumed."""
        writer = Connection(self._server)
        try:
            writer.execute("BEGIN")
            try:
                yield writer
                writer.execute("COMMIT")
            except BaseException:
                _roll_back(writer)
                raise
            finally:
                tidy.vacuum(writer.real, writer.touched)
        finally:
            writer.close()


def _roll_back(writer: Connection) -> None:
    if writer.real.info.transaction_status != psycopg.pq.TransactionStatus.IDLE and not writer.real.closed:
        writer.execute("ROLLBACK")
