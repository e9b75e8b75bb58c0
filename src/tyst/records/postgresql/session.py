"""How every connection of ours to PostgreSQL is opened, and which of its errors' words get out: none.

The statements carry their values apart (no text with a value in pg_stat_activity or a log), nothing is prepared beyond
its use, and `application_name` is a constant. PostgreSQL's own messages quote rows (`Key (username)=(…) exists`): here
only the kind of an error passes. No Django in this module.
"""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tyst.records.errors import ConflictError, RecordsError
from tyst.records.where import Server, WhereError

READER_WAITS, WRITER_WAITS = 2, 20
"""Seconds for a lock, and for a reader's whole statement."""
CONNECT_WAITS = 5
NAME = "tyst"


def words(server: Server) -> dict[str, Any]:
    """libpq's parameters for this server, by name, with ours."""
    try:
        given = {key: value for key, value in conninfo_to_dict(server.url).items() if value is not None}
    except psycopg.Error:
        raise WhereError("the database's address can't be read (docs/operate/postgresql.md)") from None
    return {
        "dbname": "tyst",
        "connect_timeout": CONNECT_WAITS,
        **given,
        "application_name": NAME,
        "options": f"-c TimeZone=UTC -c DateStyle=ISO -c lock_timeout={WRITER_WAITS}s",
    }


def connect(server: Server, *, reading: bool = False) -> psycopg.Connection[Any]:
    """A connection that commits each statement by itself. `reading`: it can't write. Raises RecordsError."""
    given = words(server)
    if reading:
        limits = f"-c default_transaction_read_only=on -c statement_timeout={READER_WAITS}s"
        given["options"] += f" {limits}"
    try:
        return psycopg.connect(**given, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.RawCursor[Any])
    except psycopg.Error:
        pass  # what it says has the server's address and the user's name
    raise RecordsError("PostgreSQL doesn't answer: is it running, and is database.toml right?")


def failure(error: psycopg.Error) -> RecordsError:
    """The same in our own words: of what PostgreSQL said only the kind is left."""
    if isinstance(error, psycopg.errors.UndefinedTable):
        return RecordsError("there are no records here yet: run `./tyst fleet init`, or give the right --state")
    if isinstance(error, psycopg.IntegrityError):
        return ConflictError()
    return RecordsError(f"PostgreSQL refuses: {type(error).__name__} ({error.sqlstate or 'no connection'})")
