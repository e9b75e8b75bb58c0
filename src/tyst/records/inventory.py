"""The inventory: every stored column, cookie, sealed value, value in RAM, file, message to others, party, log line kind
and metric, with purpose and end.

Reads `inventory.toml` and compares it with what is there. The policy page, the export and the checks come from it; a
column, a cookie or a sealed kind that it doesn't declare fails the build. Legal bases and kinds of data are terms of
the W3C Data Privacy Vocabulary (`vocabulary.py`). It decides nothing itself: it is the list that others obey.
`SHOWN`: the fields that the site shows in four languages.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from tyst.records import vocabulary

DIRECTIVES = ("script-src", "frame-src", "connect-src", "img-src")
"""What a page's policy can be opened for."""
_ORIGIN = re.compile(r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+")
FILE = Path(__file__).with_name("inventory.toml")


class InventoryError(ValueError):
    """The inventory breaks its own form: says where."""


@dataclass(frozen=True)
class Column:
    """A column of the database. `person`: found by an account; `export`: in her copy; `disclose`: for a court."""

    SHOWN: ClassVar = ("purpose", "precision", "lifetime")
    table: str
    field: str
    type: str
    purpose: str
    precision: str
    lifetime: str
    legal_basis: str
    eraser: str
    export: bool
    person: bool
    disclose: bool
    dpv: str


@dataclass(frozen=True)
class Cookie:
    """A cookie that the site may set."""

    SHOWN: ClassVar = ("purpose", "precision", "lifetime")
    name: str
    purpose: str
    precision: str
    lifetime: str
    legal_basis: str
    eraser: str
    dpv: str


@dataclass(frozen=True)
class Sealed:
    """A value that we seal and hand to the party it belongs to."""

    SHOWN: ClassVar = ("holder", "purpose", "precision", "lifetime")
    kind: str
    holder: str
    purpose: str
    precision: str
    lifetime: str
    eraser: str
    legal_basis: str
    dpv: str


@dataclass(frozen=True)
class Memory:
    """A value that exists in a room's RAM only."""

    SHOWN: ClassVar = ("what", "purpose", "lifetime")
    room: str
    what: str
    purpose: str
    lifetime: str
    legal_basis: str
    dpv: str


@dataclass(frozen=True)
class File:
    """A file outside the database that holds something of a customer. `name`: on the disk, YYYYMM for a month."""

    SHOWN: ClassVar = ("what", "purpose", "precision", "lifetime")
    name: str
    room: str
    what: str
    purpose: str
    precision: str
    lifetime: str
    legal_basis: str
    eraser: str
    dpv: str


@dataclass(frozen=True)
class Outgoing:
    """What leaves us for somebody else: a mail service, a payment processor. `party`: the name of its folder, then
    words for people after a colon (`mailgun: Mailgun Technologies`); one party may have several entries."""

    SHOWN: ClassVar = ("receiver", "what", "purpose", "when")
    party: str
    what: str
    purpose: str
    when: str
    legal_basis: str
    dpv: str

    @property
    def folder(self) -> str:
        return self.party.partition(":")[0]

    @property
    def receiver(self) -> str:
        """Who gets it, in words."""
        return self.party.partition(":")[2].strip()


@dataclass(frozen=True)
class Party:
    """A third party that gets something of us (`Outgoing`). `folder`: of mail/ or payments/; `role`: a term of DPV.

    `policy`: where its own policy is, or `none`; `country`: two letters where it is seated, or `none`. `eraser`: the
    function that has it forget somebody, or `none` where we have nothing to name her by.
    """

    SHOWN: ClassVar = ("keeps",)
    folder: str
    name: str
    role: str
    country: str
    policy: str
    keeps: str
    eraser: str


@dataclass(frozen=True)
class Host:
    """Hosts of a third party that a page may load from: the only ones that a page's policy can be opened for.

    `when`: a word of the party's, for the setting that needs them; `directive`: of the Content-Security-Policy.
    """

    party: str
    when: str
    directive: str
    origins: Sequence[str]


@dataclass(frozen=True)
class Log:
    """A kind of line that a room of ours may print. `what`: what the line says, in words."""

    SHOWN: ClassVar = ("what", "purpose", "lifetime")
    kind: str
    room: str
    what: str
    purpose: str
    lifetime: str
    legal_basis: str
    dpv: str


@dataclass(frozen=True)
class Metric:
    """A figure that a room offers to the operator's Prometheus."""

    SHOWN: ClassVar = ("what", "precision", "purpose", "lifetime")
    name: str
    room: str
    what: str
    precision: str
    purpose: str
    lifetime: str
    legal_basis: str
    dpv: str


@dataclass(frozen=True)
class Remainder:
    """What a program that we did not write may still hold in memory after a visit, and until when (seconds, or 0)."""

    SHOWN: ClassVar = ("lifetime", "why")
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
    parties: Sequence[Party]
    hosts: Sequence[Host]
    logs: Sequence[Log]
    metrics: Sequence[Metric]
    remainders: Sequence[Remainder]

    def sections(self) -> Sequence[Sequence[Any]]:
        """All entries, section by section."""
        return [getattr(self, one.name) for one in fields(self)]

    def origins(self, party: str, *when: str) -> dict[str, Sequence[str]]:
        """What a page may load from a party in these settings: origins by directive."""
        found: dict[str, Sequence[str]] = {}
        for setting in when:
            for one in self.hosts:
                if (one.party, one.when) == (party, setting):
                    found[one.directive] = (*found.get(one.directive, ()), *one.origins)
        return found

    def texts(self) -> set[str]:
        """Every text of it that people read, and translators translate."""
        return {
            getattr(entry, name)
            for section in self.sections()
            for entry in section
            for name in getattr(entry, "SHOWN", ())
        }


Entry = TypeVar("Entry", Column, Cookie, Sealed, Memory, File, Outgoing, Party, Host, Log, Metric, Remainder)
_SECTIONS: dict[str, type[Any]] = {
    "columns": Column,
    "cookies": Cookie,
    "sealed": Sealed,
    "memory": Memory,
    "files": File,
    "outgoing": Outgoing,
    "parties": Party,
    "hosts": Host,
    "logs": Log,
    "metrics": Metric,
    "remainders": Remainder,
}


@cache
def inventory() -> Inventory:
    """The inventory of this version."""
    return parse(FILE.read_text())


def parse(text: str) -> Inventory:
    """An inventory from its text. Raises InventoryError."""
    data = tomllib.loads(text)
    found = {name: _entries(form, data.pop(form.__name__.lower(), [])) for name, form in _SECTIONS.items()}
    if data:
        raise InventoryError("the inventory has a section of a name that nobody reads")
    _hosts(found["hosts"], {one.folder for one in found["parties"]})
    return Inventory(**found)


def _hosts(hosts: Iterable[Host], parties: set[str]) -> None:
    for one in hosts:
        anybodys = {"https:"} if one.directive == "frame-src" else set()
        if one.directive not in DIRECTIVES or not all(o in anybodys or _ORIGIN.fullmatch(o) for o in one.origins):
            raise InventoryError(f"[[host]] of {one.party}: named HTTPS hosts, for one of {', '.join(DIRECTIVES)}")
        if one.party not in parties:
            raise InventoryError(f"[[host]] of {one.party}, which is no [[party]]")


_WORDS = {"legal_basis": vocabulary.BASES, "dpv": vocabulary.KINDS, "role": vocabulary.ROLES}


def _entries(form: type[Entry], rows: Iterable[dict[str, Any]]) -> Sequence[Entry]:
    wanted = {one.name for one in fields(form)}
    for number, row in enumerate(rows, 1):
        if set(row) != wanted:
            raise InventoryError(f"[[{form.__name__.lower()}]] number {number} lacks or adds: {wanted ^ set(row)}")
        if any(value in ("", []) for value in row.values()):
            raise InventoryError(f"[[{form.__name__.lower()}]] number {number} leaves something empty")
        for key, known in _WORDS.items():
            if key in row and row[key] not in known:
                raise InventoryError(f"[[{form.__name__.lower()}]] number {number}: {key} is no word of vocabulary.py")
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
