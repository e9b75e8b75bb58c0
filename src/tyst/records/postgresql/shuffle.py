"""The nightly rewrite: afterwards no row's place and no transaction's number says what was written with what, or when.

PostgreSQL notes in each row which transaction wrote it (`xmin`), which locked it last (`xmax`), and puts new rows where
there is room: two rows of one transaction can be joined, and all be put in order. So each night every row of the tables
that are keyed by a secret is written again, in random order, all in one transaction; then VACUUM FULL makes new files
of them, in which nothing of the old rows is left. Readers read on meanwhile, but for the moment of VACUUM FULL; writers
wait. Until the night, what was written today can be joined: docs/operate/postgresql.md says so. On SQLite nothing needs
this (WITHOUT ROWID). Nothing here analyses: the planner's statistics would be a copy of names.
"""

import time
from typing import Any

import psycopg
from psycopg import sql

from tyst.records.errors import RecordsError
from tyst.records.postgresql import session
from tyst.records.where import Server

TABLES = ("account", "key_record", "voucher", "spent_serial", "public_address", "journal")
"""Keyed by a secret, or (the journal) written right after a row that is. The others are the operator's public facts."""
LOCK_MS, TRIES, PAUSE = 300, 200, 0.25
"""A lock that isn't had at once is let go again, so that no writer waits for one who waits for him. 1 and 3: a try."""


def shuffled(server: Server) -> None:
    """Rewrites the tables of this database in one transaction, and makes new files of them. Raises RecordsError."""
    with session.connect(server) as connection:
        try:
            _rewrite(connection)
            for table in TABLES:
                _run(connection, "VACUUM (FULL) {}", table)
            connection.execute("SET client_min_messages = error")  # the server's own tables are not ours to vacuum
            connection.execute("VACUUM")
        except psycopg.Error as error:
            failed = session.failure(error)
        else:
            return
    raise failed


def _rewrite(connection: "psycopg.Connection[Any]") -> None:
    connection.execute(f"SET lock_timeout = {LOCK_MS}")
    for _ in range(TRIES):
        try:
            with connection.transaction():
                _lock(connection)
                for table in TABLES:
                    _run(connection, _AGAIN, table)
        except psycopg.errors.LockNotAvailable:
            time.sleep(PAUSE)
        else:
            connection.execute(f"SET lock_timeout = '{session.WRITER_WAITS}s'")
            return
    raise RecordsError("somebody writes without a pause: the nightly rewrite of the records was not done")


_AGAIN = "WITH gone AS (DELETE FROM {0} RETURNING *) INSERT INTO {0} SELECT * FROM gone ORDER BY random()"


def _lock(connection: "psycopg.Connection[Any]") -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
    _cursor(connection).execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(names))


def _run(connection: "psycopg.Connection[Any]", text: str, table: str) -> None:
    _cursor(connection).execute(sql.SQL(text).format(sql.Identifier(table)))


def _cursor(connection: "psycopg.Connection[Any]") -> "psycopg.Cursor[Any]":
    return psycopg.Cursor(connection)
