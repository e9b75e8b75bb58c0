"""What is left of one person: in files, in memories, in the database's own answers, and with the third parties.

Two ways at once, because each sees what the other can't: the residue engine looks for her values in every form in each
file of the state folder and in each process; and everybody who could hold something is asked by the only names that
there are (her name, her handle, the keyed hashes made from them). Sentences name places and marks, never a value.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tyst.core.keyring import from_text
from tyst.core.owner import OWNER, owner_of
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.lab.shop.shop import Town
from tyst.proof.engine import Engine
from tyst.proof.erase.alice import Alice
from tyst.proof.sources import FileSource, MemorySource, Source, SourceGone
from tyst.records.engine import PRAGMAS

ROW = "the database has a row of her name"
HANDLE = "the database has a row of her handle"
RESERVED = "the database has a public address for her"
MANDATE = "the card processor would charge her again"
LISTED = "the mail service's own list has her address"
_DECOY = "9f1d7a-decoy-c04e55"


@dataclass(frozen=True)
class Traces:
    """The names by which what is hers can be found, read once while her account lives."""

    handle: bytes = field(repr=False)
    owner: bytes = field(repr=False)
    row: tuple[object, ...] = field(repr=False)
    reserved: tuple[object, ...] = field(repr=False)
    customer: str = field(repr=False)
    marks: tuple[Mark, ...] = field(repr=False)


def traces(town: Town, alice: Alice) -> Traces:
    """What there is of her. LookupError when there is no account."""
    rows = sql(town.state, "SELECT * FROM account WHERE username = ?", alice.name)
    if not rows:
        raise LookupError("there is no such account")
    names = [one[1] for one in sql(town.state, "PRAGMA table_info(account)")]
    row = dict(zip(names, rows[0], strict=True))
    key = from_text((town.state / "site.keys").read_bytes(), room="site").secrets[OWNER]
    owner = owner_of(key, alice.name, str(row["created_at"]))
    reserved = sql(town.state, "SELECT owner, address FROM public_address WHERE owner = ?", owner)
    hashed = hashlib.blake2b(owner.hex().encode(), key=key, digest_size=16, person=b"tyst braintree")
    handle = bytes(row["handle"])  # type: ignore[call-overload]
    values: dict[str, str | bytes] = {"name": alice.name, "mail address": alice.email, "password": alice.password}
    values |= {"password's hash": str(row["password"]), "handle": handle, "owner's hash": owner}
    kinds = {str: MarkKind.TEXT, bytes: MarkKind.TOKEN}
    marks = tuple(Mark(name, kinds[type(value)], value) for name, value in values.items())
    reservation = reserved[0] if reserved else ()
    return Traces(handle, owner, rows[0], reservation, hashed.hexdigest(), marks)


def sql(state: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    """One statement on the records, from outside, as the doors write: freed pages are overwritten."""
    connection = sqlite3.connect(state / "records.sqlite3", timeout=20)
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


class Look:
    """Looks for one person in a town. `also`: processes that aren't the town's."""

    def __init__(self, town: Town, found: Traces) -> None:
        self._town, self._traces = town, found
        self._engine = Engine(scan_set_of([*found.marks, Mark("decoy", MarkKind.TEXT, _DECOY, decoy=True)]))
        self.also: dict[str, int] = {}
        self.searched = 0

    def left(self) -> set[str]:
        """Everything that is left, as sentences; empty when nothing is."""
        return {*self._scanned(), *self._asked()}

    def _scanned(self) -> Iterator[str]:
        self.searched = 0
        for path in sorted(self._town.state.rglob("*")):
            if path.is_file():
                place = path.relative_to(self._town.state)
                yield from (f"her {mark} is in the file {place}" for mark in self._marks(FileSource(path)))
        for name, pid in {**self._town.processes(), **self.also}.items():
            yield from (f"her {mark} is in the memory of the {name}" for mark in self._marks(MemorySource(pid)))

    def _marks(self, source: Source) -> set[str]:
        try:
            tally = self._engine.search(source)
        except SourceGone:
            return set()
        self.searched += tally.searched
        return {self._engine.scan_set.patterns[index].mark.name for index in tally.counted}

    def _asked(self) -> Iterator[str]:
        name, state = str(self._traces.marks[0].value), self._town.state
        if sql(state, "SELECT 1 FROM account WHERE username = ?", name):
            yield ROW
        if sql(state, "SELECT 1 FROM account WHERE handle = ?", self._traces.handle):
            yield HANDLE
        if sql(state, "SELECT 1 FROM public_address WHERE owner = ?", self._traces.owner):
            yield RESERVED
        if self._traces.customer in self._town.fakes["braintree"].vault.customers:
            yield MANDATE
        email = str(self._traces.marks[1].value)
        if any(email in kept for kept in self._town.fakes["mailgun"].lists.values()):
            yield LISTED
