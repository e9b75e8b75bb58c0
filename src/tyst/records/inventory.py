"""The inventory: every stored column, cookie, sealed value, value in RAM and message to others, with purpose and end.

Reads `inventory.toml` and compares it with what is there. The policy page, the export and the checks come from it; a
column, a cookie or a sealed kind that it doesn't declare fails the build. Legal bases are terms of the W3C Data Privacy
Vocabulary (`eu-gdpr:` for the articles). It decides nothing itself: it is the list that others obey.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

FILE = Path(__file__).with_name("inventory.toml")


class InventoryError(ValueError):
    """The inventory breaks its own form: says where."""


@dataclass(frozen=True)
class Column:
    """A column of the database."""

    table: str
    field: str
    type: str
    purpose: str
    precision: str
    lifetime: str
    legal_basis: str
    eraser: str
    export: bool


@dataclass(frozen=True)
class Cookie:
    """A cookie that the site may set."""

    name: str
    purpose: str
    precision: str
    lifetime: str
    legal_basis: str
    eraser: str


@dataclass(frozen=True)
class Sealed:
    """A value that we seal and hand to the party it belongs to."""

    kind: str
    holder: str
    purpose: str
    lifetime: str
    eraser: str


@dataclass(frozen=True)
class Memory:
    """A value that exists in a room's RAM only."""

    room: str
    what: str
    purpose: str
    lifetime: str


@dataclass(frozen=True)
class File:
    """A file outside the database that holds something of a customer. `name`: on the disk, YYYYMM for a month."""

    name: str
    room: str
    what: str
    purpose: str
    precision: str
    lifetime: str
    legal_basis: str
    eraser: str


@dataclass(frozen=True)
class Outgoing:
    """What leaves us for somebody else: a mail service, a payment processor. `party`: the name of its folder, then
    words for people after a colon (`mailgun: Mailgun Technologies`); one party may have several entries."""

    party: str
    what: str
    purpose: str
    when: str
    legal_basis: str

    @property
    def folder(self) -> str:
        return self.party.partition(":")[0]

    @property
    def receiver(self) -> str:
        """Who gets it, in words."""
        return self.party.partition(":")[2].strip()


@dataclass(frozen=True)
class Remainder:
    """What a program that we did not write may still hold in memory after a visit, and until when (seconds, or 0)."""

    process: str
    marks: Sequence[str]
    seconds: int
    lifetime: str
    why: str


@dataclass(frozen=True)
class Inventory:
    """All of it."""

    columns: Sequence[Column]
    cookies: Sequence[Cookie]
    sealed: Sequence[Sealed]
    memory: Sequence[Memory]
    files: Sequence[File]
    outgoing: Sequence[Outgoing]
    remainders: Sequence[Remainder]


Entry = TypeVar("Entry", Column, Cookie, Sealed, Memory, File, Outgoing, Remainder)


@cache
def inventory() -> Inventory:
    """The inventory of this version."""
    return parse(FILE.read_text())


def parse(text: str) -> Inventory:
    """An inventory from its text. Raises InventoryError."""
    data = tomllib.loads(text)
    columns = _entries(Column, data.pop("column", []))
    cookies = _entries(Cookie, data.pop("cookie", []))
    sealed = _entries(Sealed, data.pop("sealed", []))
    memory = _entries(Memory, data.pop("memory", []))
    files = _entries(File, data.pop("file", []))
    outgoing = _entries(Outgoing, data.pop("outgoing", []))
    remainders = _entries(Remainder, data.pop("remainder", []))
    if data:
        raise InventoryError("the inventory has a section of a name that nobody reads")
    return Inventory(columns, cookies, sealed, memory, files, outgoing, remainders)


def _entries(form: type[Entry], rows: Iterable[dict[str, Any]]) -> Sequence[Entry]:
    wanted = {one.name for one in fields(form)}
    for number, row in enumerate(rows, 1):
        if set(row) != wanted:
            raise InventoryError(f"[[{form.__name__.lower()}]] number {number} lacks or adds: {wanted ^ set(row)}")
        if any(value == "" for value in row.values()):
            raise InventoryError(f"[[{form.__name__.lower()}]] number {number} leaves something empty")
    return tuple(form(**row) for row in rows)


def declared_columns(of: Inventory) -> set[tuple[str, str]]:
    """(table, column) of everything declared."""
    return {(column.table, column.field) for column in of.columns}


def catalogue(cursor: Any) -> set[tuple[str, str]]:
    """(table, column) of everything in a real SQLite database, its own bookkeeping included."""
    cursor.execute(
        "SELECT m.name, i.name FROM sqlite_master m JOIN pragma_table_xinfo(m.name) i WHERE m.type = 'table'"
    )
    return {(str(table), str(column)) for table, column in cursor.fetchall()}


def parties(of: Inventory) -> set[str]:
    """The folders of `mail/` and `payments/` whose services get something of us, as declared."""
    return {one.folder for one in of.outgoing}


def services(tyst: Path = FILE.parents[1]) -> set[str]:
    """The folders of services that are there: each sends something to somebody."""
    return {one.parent.name for room in ("mail", "payments") for one in (tyst / room).glob("*/setup.py")}


def difference(declared: Iterable[object], found: Iterable[object]) -> list[str]:
    """What is declared and missing, or there and undeclared, as sentences. Empty when both agree."""
    declared, found = set(declared), set(found)
    missing = [f"declared and not there: {one}" for one in sorted(map(str, declared - found))]
    return missing + [f"there and not declared: {one}" for one in sorted(map(str, found - declared))]
