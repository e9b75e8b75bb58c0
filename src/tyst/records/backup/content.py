"""What a backup holds, as bytes: every table in the order of its key, then the state folder's own files.

The same content gives the same bytes, on either engine and whenever they are made: no time, no order of writing, no
name of an engine. `has_connected` and `has_authenticated` are 0: a series of backups must not tell on which day
somebody first used the VPN. Left out: order keys, day keys, the journal of what was undone (each has an end of its
own), Monero's wallets. An item is its length (4 bytes) and its MessagePack; length 0 is the padding behind the last.
"""

import sqlite3
import struct
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from tyst.core.archive import CUT, NEWER, ArchiveError
from tyst.records.errors import RecordsError, in_our_words
from tyst.records.postgresql.dump import LEFT_OUT
from tyst.records.sqlite.hand import Hand as SqliteHand
from tyst.records.where import Server, Where

TABLES: dict[str, tuple[str, ...]] = {
    "account": ("handle",),
    "key_record": ("tag",),
    "voucher": ("hash",),
    "spent_serial": ("hash",),
    "journal": ("period:text", "kind:text", "country:text", "rate", "currency:text", "method:text", "product:text"),
    "location": ("slug:text",),
    "node": ("name:text",),
    "node_address": ("address:text",),
    "public_address": ("owner",),
    "fleet": ("id",),
}
"""With their keys, in an order in which they can be read in again. Text is ordered by its bytes on both engines."""
FILES = (
    *("site.keys", "gate.keys", "ca.crt", "lists.key", "undone.key", "recovery.pub", "backup.toml"),
    *("gate.crt", "gate.key", "site.crt", "site.key", "operator.crt", "operator.key"),
    *("payments.toml", "mail.toml", "prices.toml", "hosting.toml", "operators.json", "staff.json"),
    *("transparency.key", "canary.key", "answers.key", "tls/site.crt", "tls/site.key"),
)
FOLDERS = ("transparency", "statistics")
"""Of these every file."""
ROWS = 500
_LENGTH = struct.Struct(">I")
Item = list[Any]


def schema() -> list[str]:
    """The names of this version's migrations."""
    folder = Path(__file__).parents[1] / "migrations"
    return sorted(path.stem for path in folder.glob("[0-9]*.py"))


def content(where: Where, state: Path, *, files: bool = True) -> Iterator[bytes]:
    """The whole of it, in pieces. `files`: with the state folder's. Raises RecordsError."""
    counts: dict[str, int] = {}
    yield _item(["tyst", schema()])
    with closing(_tables(where)) as items:
        for item in items:
            if item[0] == "rows":
                counts[item[1]] = counts.get(item[1], 0) + len(item[2])
            yield _item(item)
    for name in _names(state) if files else ():
        yield _item(["file", name, (state / name).read_bytes()])
    yield _item(["end", dict(sorted(counts.items()))])


def files_only(found: dict[str, bytes]) -> Iterator[bytes]:
    """The same form with nothing but these files: what the shelf holds."""
    yield _item(["tyst", schema()])
    for name, text in sorted(found.items()):
        yield _item(["file", name, text])
    yield _item(["end", {}])


def items(chunks: Iterable[bytes]) -> Iterator[Item]:
    """The items again. ArchiveError: there is no end, or a newer version made it."""
    known, waiting = set(schema()), bytearray()
    for chunk in chunks:
        waiting += chunk
        at = 0
        while len(waiting) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(waiting, at)
            if length == 0 or len(waiting) - at < _LENGTH.size + length:
                break
            item: Item = msgspec.msgpack.decode(waiting[at + _LENGTH.size : at + _LENGTH.size + length])
            at += _LENGTH.size + length
            if item[0] == "tyst" and not known.issuperset(item[1]):
                raise ArchiveError(NEWER)
            yield item
            if item[0] == "end":
                return
        del waiting[:at]
    raise ArchiveError(CUT)


def _names(state: Path) -> list[str]:
    return sorted([*(name for name in FILES if (state / name).is_file()), *in_folders(state)])


def in_folders(state: Path) -> list[str]:
    """The files of `FOLDERS`, as named from the state folder."""
    found = (path for folder in FOLDERS for path in (state / folder).rglob("*") if path.is_file())
    return sorted(str(path.relative_to(state)) for path in found)


def _item(item: Item) -> bytes:
    raw = msgspec.msgpack.encode(item)
    return _LENGTH.pack(len(raw)) + raw


def _tables(where: Where) -> Generator[Item, None, None]:
    return _of_server(where) if isinstance(where, Server) else _of_file(where)


def _of_file(path: Path) -> Generator[Item, None, None]:
    """From a copy in RAM, which is made in one go: writers wait for that alone."""
    if not path.is_file():
        raise RecordsError("there are no records here yet: run `./tyst fleet init`, or give the right --state")
    with in_our_words(), closing(sqlite3.connect(":memory:")) as copy:
        with closing(SqliteHand(path).reader()) as reader:
            reader.backup(copy)
        for table, key in TABLES.items():
            columns = [str(row[1]) for row in copy.execute(f"PRAGMA table_info({table})")]
            yield ["table", table, sorted(columns)]
            cursor = copy.execute(_select(table, columns, key, ""))
            yield from _batches(table, lambda cursor=cursor: cursor.fetchmany(ROWS))  # type: ignore[misc]


def _of_server(server: Server) -> Generator[Item, None, None]:
    """One snapshot for all tables, a few rows at a time."""
    from tyst.records.postgresql.hand import Connection

    with closing(Connection(server, reading=True)) as reader:
        reader.execute("SET statement_timeout = 0")
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        for table, key in TABLES.items():
            columns = [str(row[0]) for row in reader.execute(_COLUMNS, (table,))]
            yield ["table", table, sorted(columns)]
            reader.execute(f"DECLARE c NO SCROLL CURSOR FOR {_select(table, columns, key, _BY_BYTES)}")
            yield from _batches(table, lambda: reader.execute(f"FETCH {ROWS} FROM c").fetchall())
            reader.execute("CLOSE c")


_BY_BYTES = 'COLLATE "C"'
_COLUMNS = (
    "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped"
)


def _select(table: str, columns: list[str], key: tuple[str, ...], collation: str) -> str:
    """Columns by name, rows by key. All words are this program's own."""
    what = ", ".join("0" if name in LEFT_OUT else name for name in sorted(columns))
    order = ", ".join(
        f"{one.removesuffix(':text')} {collation if one.endswith(':text') else ''}".strip() for one in key
    )
    return f"SELECT {what} FROM {table} ORDER BY {order}"  # noqa: S608


def _batches(table: str, fetch: Callable[[], list[Any]]) -> Iterator[Item]:
    while rows := fetch():
        yield ["rows", table, [list(row) for row in rows]]
