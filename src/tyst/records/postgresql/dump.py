"""A logical dump of the records for a backup: SQL for psql, each table ordered by its key, without the day's flags.

pg_dump writes rows in the order in which they lie, which tells what was written after what; here nothing but the key
does. `has_connected` and `has_authenticated` are left at 0: a series of backups must not tell on which day somebody
used the VPN first. One snapshot for all tables. The tables themselves are made by `migrate` first.
"""

from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from tyst.records.postgresql import session
from tyst.records.where import Server

_COLUMNS = (
    "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped "
    "ORDER BY a.attnum"
)
_KEY = (
    "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
    "WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)"
)
TABLES = (
    *("account", "key_record", "voucher", "spent_serial", "journal"),
    *("location", "node", "node_address", "public_address", "fleet"),
)
"""In an order in which they can be read in again."""
LEFT_OUT = frozenset({"has_connected", "has_authenticated"})


def dump(server: Server, out: BinaryIO) -> None:
    """Writes the dump. Raises RecordsError."""
    with session.connect(server, reading=True) as connection:
        try:
            connection.execute("SET statement_timeout = 0")
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                _write(connection, out)
        except psycopg.Error as error:
            failed = session.failure(error)
        else:
            return
    raise failed


def _write(connection: "psycopg.Connection[Any]", out: BinaryIO) -> None:
    out.write(b"\\set ON_ERROR_STOP on\nSET TimeZone = 'UTC';\nBEGIN;\n")
    for table in TABLES:
        columns, key = (_names(connection, query, table) for query in (_COLUMNS, _KEY))
        out.write(f"COPY {table} ({', '.join(columns)}) FROM stdin;\n".encode())
        kept = [sql.SQL("0") if name in LEFT_OUT else sql.Identifier(name) for name in columns]
        what, order = sql.SQL(", ").join(kept), sql.SQL(", ").join(map(sql.Identifier, key))
        query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT")
        with psycopg.Cursor(connection).copy(query.format(what, sql.Identifier(table), order)) as rows:
            for row in rows:
                out.write(row)
        out.write(b"\\.\n")
    out.write(b"COMMIT;\n")


def _names(connection: "psycopg.Connection[Any]", query: str, table: str) -> list[str]:
    return [str(name) for (name,) in connection.execute(query.encode(), (table,))]
