"""Everything that a world has persisted, after each step: files with their marks, every row, and where rows lie.

A modification time is told in the world's own clock, which stands still during a step: what is noted is whether a file
was touched in it (time of modification, of change, inode). Of SQLite every byte counts. Of PostgreSQL: rows as a
logical dump, the place of each row and the transactions in its head (counted from the world's first), the size of each
table and index and whether its file was touched, and whether the write-ahead log grew. Values stay in RAM and in no
sentence. Counterpart: `difference.py`.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from psycopg import sql

from tyst.proof.worlds.cluster import Cluster
from tyst.records.undone import FILE as UNDONE
from tyst.records.where import SQLITE

Row = Mapping[str, str]
Key = tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A file, folder or link. `content` is a hash; of those in which something may be declared there are the bytes."""

    mode: int
    size: int
    content: bytes = field(repr=False)
    touched: bool = False
    whole: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Moment:
    """What is persisted after one step. `rows` by table and key; `places` by table; `relations`: (size, touched)."""

    step: str
    files: Mapping[str, File] = field(repr=False)
    rows: Mapping[str, Mapping[Key, Row]] = field(repr=False)
    places: Mapping[str, Mapping[Key, tuple[str, int, int]]] = field(default_factory=dict, repr=False)
    relations: Mapping[str, tuple[int, bool]] = field(default_factory=dict)
    logged: bool = False
    scattered: bool = False
    """Rows were put in an order that the server drew (the nightly rewrite)."""


History = list[Moment]


class Engine(Protocol):
    """A way to look into one database."""

    def look(self) -> tuple[Mapping[str, Mapping[Key, Row]], dict[str, Any]]:
        """Rows, and further fields of a `Moment`."""


class Watch:
    """Looks at a world's folder and its database again and again."""

    def __init__(self, root: Path, engine: Engine) -> None:
        self._root, self._engine = root, engine
        self._marks: dict[str, tuple[int, ...]] = {}

    def look(self, step: str, *, scattered: bool = False) -> Moment:
        """What is there now, after a step."""
        rows, more = self._engine.look()
        before, self._marks = self._marks, {}
        files = {name: self._file(name, path, before) for name, path in _walk(self._root)}
        return Moment(step, files, rows, scattered=scattered, **more)

    def _file(self, name: str, path: Path, before: dict[str, tuple[int, ...]]) -> File:
        found = os.lstat(path)
        # A folder's times change with what is made and removed in it, also when that is gone again.
        self._marks[name] = (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_uid)
        content = path.read_bytes() if path.is_file() else b""
        touched = bool(before) and before.get(name) != self._marks[name]
        whole = content if path.name in (SQLITE, UNDONE) else b""
        size = found.st_size if path.is_file() else 0
        return File(found.st_mode, size, sha256(content).digest(), touched, whole)


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(root):
        for name in sorted([*folders, *files]):
            path = Path(folder) / name
            yield str(path.relative_to(root)), path


class Sqlite:
    """The records' file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def look(self) -> tuple[Mapping[str, Mapping[Key, Row]], dict[str, Any]]:
        """Every row of every table."""
        with closing(sqlite3.connect(f"{self._path.as_uri()}?immutable=1", uri=True)) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: dict(_rows(connection, name)) for name in sorted(names)}, {}


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Key, Row]]:
    columns = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    keys = [column[1] for column in columns if column[5]]
    rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # nosec B608: a name of the database's own list
    for number, values in enumerate(rows):
        row = {column[1]: repr(value) for column, value in zip(columns, values, strict=True)}
        yield tuple(row[name] for name in keys) or (str(number),), row


class Postgresql:
    """A database of a cluster."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster, self._name = cluster, name
        self._marks: dict[str, tuple[int, ...]] = {}
        with cluster.admin(name) as connection:
            self._first = _number(connection, "SELECT pg_current_xact_id()::text::bigint")
        self._log = self.position()

    def position(self) -> int:
        """How far the write-ahead log has come, in bytes."""
        with self._cluster.admin(self._name) as connection:
            return _number(connection, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")

    def look(self) -> tuple[Mapping[str, Mapping[Key, Row]], dict[str, Any]]:
        """Rows, places, files, log. A checkpoint first, so that files say what memory says."""
        logged = self.position() != self._log
        with self._cluster.admin(self._name) as connection:
            connection.execute("CHECKPOINT")
            tables = [str(name) for (name,) in connection.execute(_TABLES)]
            rows: dict[str, dict[Key, Row]] = {}
            places: dict[str, dict[Key, tuple[str, int, int]]] = {}
            for table in tables:
                rows[table], places[table] = self._table(connection, table)
            relations = self._relations(connection)
        self._log = self.position()
        return rows, {"places": places, "relations": relations, "logged": logged}

    def _table(self, connection: Any, table: str) -> tuple[dict[Key, Row], dict[Key, tuple[str, int, int]]]:
        keys = [str(name) for (name,) in connection.execute(_KEYS, (table,))]
        query = sql.SQL("SELECT ctid::text, xmin::text::bigint, xmax::text::bigint, to_jsonb(t) FROM {} t")
        rows: dict[Key, Row] = {}
        places: dict[Key, tuple[str, int, int]] = {}
        for place, made, locked, found in connection.execute(query.format(sql.Identifier(table))):
            row = {name: repr(value) for name, value in found.items()}
            key = tuple(row[name] for name in keys) or (place,)
            rows[key] = row
            places[key] = (place, self._since(made), self._since(locked))
        return rows, places

    def _since(self, number: int) -> int:
        """A transaction's number counted from the world's first; older ones are all one."""
        return max(0, number - self._first + 1)

    def _relations(self, connection: Any) -> dict[str, tuple[int, bool]]:
        found = {}
        for name, path in connection.execute(_FILES):
            marks = os.stat(self._cluster.data / path)
            mark = (marks.st_mtime_ns, marks.st_ctime_ns, marks.st_ino)
            found[str(name)] = (marks.st_size, bool(self._marks) and self._marks.get(name) != mark)
            self._marks[name] = mark
        return found


_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
_KEYS = (
    "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
    "WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY 1"
)
_FILES = (
    "SELECT relname, pg_relation_filepath(oid) FROM pg_class "
    "WHERE relkind IN ('r', 'i', 't') AND (relnamespace = 'public'::regnamespace OR relnamespace = "
    "'pg_toast'::regnamespace AND oid >= 16384) ORDER BY 1"
)


def _number(connection: Any, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
