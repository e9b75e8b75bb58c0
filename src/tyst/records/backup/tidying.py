"""The journal's night: what is over goes, and so does what was noted and then never came to be.

An entry is written before its transaction's commit. Did the machine stop between the two, the entry speaks of something
that did not happen: the account is there still, the voucher unused. No writer is in between while this looks: it holds
the tables. Counterpart: `records/undone.py`.
"""

from datetime import date
from typing import Any

from tyst.records.errors import in_our_words
from tyst.records.postgresql.hand import Hand as PostgresqlHand
from tyst.records.sqlite.hand import Hand as SqliteHand
from tyst.records.undone import Entry, Kind, Undone
from tyst.records.where import Server, Where

_ALIVE = {
    Kind.ERASED: "SELECT handle FROM account",
    Kind.REVOKED: "SELECT tag FROM key_record",
    Kind.VOUCHER: "SELECT hash FROM voucher",
}
_HOLD = "LOCK TABLE account, key_record, voucher IN SHARE MODE"


def tidy(where: Where, journal: Undone, today: date) -> int:
    """Writes the journal again, in random order and without those; how many went. RecordsError."""
    hand = PostgresqlHand(where) if isinstance(where, Server) else SqliteHand(where)
    with in_our_words(), hand.writing() as writer:  # on SQLite a transaction begins by keeping writers out
        if isinstance(where, Server):
            writer.execute(_HOLD)
        kinds = {one.kind for one in journal.entries()}
        alive = {kind: _alive(writer, journal, kind) for kind in _ALIVE if kind in kinds or _moves(kind, kinds)}
        return journal.forget(today, lambda one: not _still(one, alive))


def _moves(kind: Kind, kinds: set[Kind]) -> bool:
    return kind is Kind.ERASED and Kind.REPLACED in kinds


def _alive(writer: Any, journal: Undone, kind: Kind) -> set[bytes]:
    found = (bytes(row[0]) for row in writer.execute(_ALIVE[kind]).fetchall())
    return set(found) if kind is Kind.VOUCHER else set(map(journal.who, found))


def _still(entry: Entry, alive: dict[Kind, set[bytes]]) -> bool:
    """Whether what this entry says is gone is there."""
    if entry.kind is Kind.VOUCHER:
        return entry.value in alive[Kind.VOUCHER]
    if entry.kind is Kind.REVOKED:
        return entry.who in alive[Kind.REVOKED]
    return entry.kind in (Kind.ERASED, Kind.REPLACED) and entry.who in alive[Kind.ERASED]
