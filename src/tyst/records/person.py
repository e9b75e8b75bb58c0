"""Everything that is kept about one account: for her own copy, for a court's order, for the proof that it is erased.

Complete by construction: the columns are the inventory's, a table that ties rows to an account must have a finder here,
and whatever is held elsewhere (`[[outgoing]]`, `[[memory]]`, `[[file]]`) is asked through `Source`s that the caller's
room has. A test goes through the inventory and fails for whatever has neither a finder nor a reason why there is none.
It reads; nothing is written, and nobody is told who was looked at. Counterparts: `erase.py`, `site.holdings`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model

from tyst.records import reservations
from tyst.records.inventory import Column, inventory
from tyst.records.models import Account, PublicAddress

Value = str | int | bool | None


class AwayError(Exception):
    """A holder can't be asked just now. Carries nothing that it said."""


@dataclass(frozen=True, slots=True)
class Datum:
    """One stored value, as it is stored, with what the inventory says of it. `where`: the table."""

    where: str
    name: str
    value: Value = field(repr=False)
    purpose: str
    precision: str
    lifetime: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one holder outside the database said. `value` None: it could not be asked just now."""

    where: str
    what: str
    value: Value = field(repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A holder. `where`: a party's folder or a room; `ask` answers for one account, or raises AwayError."""

    where: str
    what: str
    ask: Callable[[Account], Value]


@dataclass(frozen=True, slots=True)
class Copy:
    """All of it. `stored`: the database; `asked`: parties and rooms."""

    stored: Sequence[Datum]
    asked: Sequence[Answer]

    def values(self) -> Mapping[tuple[str, str], Value]:
        """By (where, name)."""
        found = {(one.where, one.name): one.value for one in self.stored}
        return found | {(one.where, one.what): one.value for one in self.asked}


def _account(account: Account, _owners: bytes) -> Iterable[Model]:
    return Account.objects.filter(handle=account.handle)


def _public_address(account: Account, owners: bytes) -> Iterable[Model]:
    return PublicAddress.objects.filter(owner=reservations.owner(owners, account))


FINDERS: Mapping[str, Callable[[Account, bytes], Iterable[Model]]] = {
    "account": _account,
    "public_address": _public_address,
}
"""By table: the rows that are hers. `owners`: the key of `core.owner`."""

WITHHELD = frozenset({("account", "handle"), ("public_address", "owner")})
"""Columns of hers that a copy names without showing them: one works like a key, the other is made from her name."""


def everything(account: Account, owners: bytes, sources: Iterable[Source] = ()) -> Copy:
    """All that is kept about an account. Sources that can't be asked say None; the rest is there all the same."""
    return Copy(tuple(_stored(account, owners)), tuple(_asked(account, one) for one in sources))


def shown(columns: Iterable[Column] | None = None) -> Mapping[str, Sequence[Column]]:
    """The columns that a copy shows, by table. Raises LookupError for a table that nobody here can find rows in."""
    by_table: dict[str, list[Column]] = {}
    for column in inventory().columns if columns is None else columns:
        if column.export:
            by_table.setdefault(column.table, []).append(column)
    lost = set(by_table) - set(FINDERS)
    if lost:
        raise LookupError(f"no finder in records/person.py for: {', '.join(sorted(lost))}")
    return by_table


def _stored(account: Account, owners: bytes) -> Iterable[Datum]:
    for table, columns in shown().items():
        for row in FINDERS[table](account, owners):
            for one in columns:
                value = _value(_attribute(row, one.field))
                yield Datum(table, one.field, value, one.purpose, one.precision, one.lifetime, one.legal_basis)


def _attribute(row: Model, column: str) -> Any:
    name = next(one.attname for one in row._meta.local_fields if one.column == column)
    return getattr(row, name)


def _value(value: Any) -> Value:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value if value is None or isinstance(value, bool | int) else str(value)


def _asked(account: Account, source: Source) -> Answer:
    try:
        return Answer(source.where, source.what, source.ask(account))
    except AwayError:
        return Answer(source.where, source.what, None)
