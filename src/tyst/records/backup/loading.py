"""Puts a backup's rows into tables: into a new SQLite file, or into a PostgreSQL database inside one transaction.

A backup of one engine goes into the other, too. Nothing is committed here.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from tyst.core.archive import NEWER, ArchiveError
from tyst.records.backup.content import TABLES, Item


def into_file(writer: sqlite3.Connection, items: Iterable[Item]) -> dict[str, bytes]:
    """Fills empty tables, inside the caller's transaction; the files that came along. ArchiveError."""
    files: dict[str, bytes] = {}
    statement = ""
    for item in items:
        if item[0] == "table":
            there = {str(row[1]) for row in writer.execute(f"PRAGMA table_info({_known(item[1])})")}
            statement = _insert(item[1], item[2], there)
        elif item[0] == "rows":
            writer.executemany(statement, item[2])
        elif item[0] == "file":
            files[item[1]] = item[2]
    return files


def _insert(table: str, columns: list[str], there: set[str]) -> str:
    _all_known(columns, there)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def into_server(connection: "psycopg.Connection[Any]", items: Iterable[Item]) -> dict[str, bytes]:
    """Empties the tables and fills them, inside the caller's transaction; the files that came along. ArchiveError."""
    files: dict[str, bytes] = {}
    cursor = psycopg.Cursor(connection)
    cursor.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))
    table, columns = "", list[str]()
    for item in items:
        if item[0] == "table":
            table, columns = _known(item[1]), item[2]
            cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0", (table,))
            _all_known(columns, {str(row[0]) for row in cursor.fetchall()})
        elif item[0] == "rows":
            _copy(cursor, table, columns, item[2])
        elif item[0] == "file":
            files[item[1]] = item[2]
    return files


def _copy(cursor: "psycopg.Cursor[Any]", table: str, columns: list[str], rows: list[list[object]]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
        for row in rows:
            copy.write_row(row)


def _known(table: str) -> str:
    if table not in TABLES:
        raise ArchiveError(NEWER)
    return table


def _all_known(columns: list[str], there: set[str]) -> None:
    if not there.issuperset(columns):
        raise ArchiveError(NEWER)
