"""Does again, on records that were just put back, what was undone or changed since their backup was made.

Inside the transaction that puts them back, or in the file that is not yet in place: nobody ever sees them without. What
is here twice (an old entry, a second journal) does nothing the second time. An account is followed from its handle in
the backup through every re-key to its last one; of what was noted under several of them, the last counts. Counterpart:
`records/undone.py`, where it was noted; docs/algorithms/backup.md has the table.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tyst.core.product import PRODUCTS
from tyst.records import addresses
from tyst.records.statements import SPEND_SERIAL
from tyst.records.undone import NOBODY, Entry, Kind, Undone, unpack_expiry, unpacked

_HANDLES = "SELECT handle FROM account"
_TAGS = "SELECT tag FROM key_record"
_ERASE = "DELETE FROM account WHERE handle = ?"
_MOVE = "UPDATE account SET handle = ? WHERE handle = ?"
_PASSWORD = "UPDATE account SET password = ? WHERE handle = ?"  # noqa: S105
_NO_EMAIL = "UPDATE account SET email = NULL, newsletter = 0 WHERE handle = ?"
_NO_NEWS = "UPDATE account SET newsletter = 0 WHERE handle = ?"
_EXPIRY = {one: f"UPDATE account SET {one} = ? WHERE handle = ?" for one in PRODUCTS}  # noqa: S608
_REVOKE_KEY = "DELETE FROM key_record WHERE tag = ?"
_SPEND_VOUCHER = "DELETE FROM voucher WHERE hash = ?"
_REVOKE_NODE = "UPDATE node SET revoked = 1, wireguard_public = NULL, key_blob = NULL WHERE name = ?"
_MARK = 32


@dataclass
class Replayed:
    """How many of each were done again. Counts, for the operator's eyes."""

    erased: int = 0
    rekeyed: int = 0
    passwords: int = 0
    unlisted: int = 0
    expiries: int = 0
    serials: int = 0
    vouchers: int = 0
    keys: int = 0
    nodes: int = 0
    lost: int = 0
    """Accounts made since the backup, which had paid time and are not in it."""

    def sentence(self) -> str:
        """In one line."""
        return ", ".join(f"{count} {name}" for name, count in vars(self).items() if name != "lost")


@dataclass
class _Noted:
    """One journal's entries by what they are looked up with."""

    journal: Undone
    by_who: dict[Kind, dict[bytes, list[Entry]]] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)

    def of(self, kind: Kind, handle: bytes) -> Sequence[Entry]:
        found = self.by_who.get(kind)
        return found.get(self.journal.who(handle), ()) if found else ()


@dataclass(frozen=True)
class When:
    """The backup's day, and now."""

    made: date
    now: datetime


def replay(writer: Any, journals: Iterable[Undone], owners: bytes, when: When) -> Replayed:
    """Does it all. `writer`: a connection of either engine, in a transaction; `owners`: the key of `core.owner`.

    Raises UndoneError when a journal can't be read: then nothing may be restored.
    """
    noted, done = [_gathered(one, when.made) for one in journals], Replayed()
    handles = [bytes(handle) for (handle,) in writer.execute(_HANDLES).fetchall()]
    met = {who for handle in handles for who in _account(writer, noted, handle, done)}
    done.lost = sum(len(one.by_who.get(Kind.EXPIRY, {}).keys() - met) for one in noted)
    others = [entry for one in noted for entry in one.others]
    marks = {mark for entry in others if entry.kind in _MARKED for mark in _marks(entry)}
    done.serials = sum(writer.execute(SPEND_SERIAL, (mark,)).rowcount for mark in sorted(marks))
    done.vouchers = _each(writer, _SPEND_VOUCHER, (entry.value for entry in others if entry.kind is Kind.VOUCHER))
    done.nodes = _each(writer, _REVOKE_NODE, (entry.value.decode() for entry in others if entry.kind is Kind.NODE))
    tags = [bytes(tag) for (tag,) in writer.execute(_TAGS).fetchall()]
    gone = (tag for tag in tags if any(one.of(Kind.REVOKED, tag) for one in noted))
    done.keys = _each(writer, _REVOKE_KEY, gone)
    addresses.take_back(writer, owners, int(when.now.timestamp()) // 86400)
    return done


_MARKED = (Kind.GRANTED, Kind.RETURNED)
_REVERSIBLE = frozenset({Kind.UNLISTED, Kind.REVOKED, Kind.NODE})
"""What may have been done the other way round since: an address given again, a key registered again. Noted before the
backup's day, the backup knows better."""


def _gathered(journal: Undone, made: date) -> _Noted:
    noted = _Noted(journal)
    for entry in journal.entries():
        if entry.kind in _REVERSIBLE and entry.day < made:
            continue
        if entry.who == NOBODY:
            noted.others.append(entry)
        else:
            noted.by_who.setdefault(entry.kind, {}).setdefault(entry.who, []).append(entry)
    return noted


def _account(writer: Any, noted: Sequence[_Noted], handle: bytes, done: Replayed) -> list[bytes]:
    """One account; under what it stands in the journals."""
    handles = _followed(noted, handle)
    found = _lookup(noted, handles)
    met = [one.journal.who(each) for one in noted if one.by_who for each in handles]
    if found(Kind.ERASED):
        done.erased += writer.execute(_ERASE, (handle,)).rowcount
        return met
    if len(handles) > 1:
        done.rekeyed += writer.execute(_MOVE, (handles[-1], handle)).rowcount
    _changed(writer, handles[-1], found, done)
    return met


def _followed(noted: Sequence[_Noted], handle: bytes) -> list[bytes]:
    """The handles that the account had, from this one to its last."""
    handles = [handle]
    while following := [entry.value for one in noted for entry in one.of(Kind.REPLACED, handles[-1])]:
        if following[-1] in handles or len(following[-1]) != len(handle):
            break
        handles.append(following[-1])
    return handles


def _lookup(noted: Sequence[_Noted], handles: Sequence[bytes]) -> Callable[[Kind], list[Entry]]:
    """What is noted of an account, that of its last handle first."""

    def found(kind: Kind) -> list[Entry]:
        return [entry for handle in reversed(handles) for one in noted for entry in one.of(kind, handle)]

    return found


def _changed(writer: Any, handle: bytes, found: Callable[[Kind], list[Entry]], done: Replayed) -> None:
    for entry in found(Kind.PASSWORD)[:1]:
        if (phc := unpacked(entry.value)) is not None:
            done.passwords += writer.execute(_PASSWORD, (phc, handle)).rowcount
    unlisted = {entry.value for entry in found(Kind.UNLISTED)}
    if unlisted:
        done.unlisted += writer.execute(_NO_EMAIL if b"email" in unlisted else _NO_NEWS, (handle,)).rowcount
    until: dict[str, date | None] = {}
    for entry in found(Kind.EXPIRY):
        product, day = unpack_expiry(entry.value)
        until.setdefault(product, day)
    for product, day in until.items():
        done.expiries += writer.execute(_EXPIRY[product], (f"{day} 23:59:59" if day else None, handle)).rowcount


def _marks(entry: Entry) -> list[bytes]:
    return [entry.value[at : at + _MARK] for at in range(0, len(entry.value), _MARK)]


def _each(writer: Any, statement: str, values: Iterable[object]) -> int:
    return sum(int(writer.execute(statement, (value,)).rowcount) for value in values)
