"""Weaknesses that a proof plants on purpose: what a careless change to the gate would do, put in its records' place.

Each is a wrapper around the gate's records, because every connect reads the account there. No mark-searching scan would
find any of them: what they write is a hash, a ciphertext, an order or a time. `ready` runs before anybody connects.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tyst.gate.room import Gate

KEY = bytes(range(32))


@dataclass(frozen=True)
class Weakness:
    """`what`: in plain words. `order`: it shows when two connect one after the other, not when one does."""

    what: str
    plant: Callable[[Gate, Path], None]
    order: bool = False
    aside: bool = False
    """It writes beside the database, so that one database is enough to show it."""


class Leaky:
    """The gate's records, and what happens besides when an account is read."""

    def __init__(self, records: Any, leak: Callable[[bytes], None]) -> None:
        self._records, self._leak = records, leak

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def account(self, handle: bytes) -> Any:
        """As the records do it, and a weakness."""
        self._leak(handle)
        return self._records.account(handle)


def _mark(handle: bytes) -> bytes:
    return blake2s(handle, key=KEY).digest()


def _hash(gate: Gate, root: Path) -> None:
    def leak(handle: bytes) -> None:
        (root / "state" / "recent").write_bytes(_mark(handle))

    gate.records = Leaky(gate.records, leak)  # type: ignore[assignment]


def _line(gate: Gate, root: Path) -> None:
    def leak(handle: bytes) -> None:
        nonce = gate.draw(12)
        with (root / "tmp" / "trace").open("ab") as file:
            file.write(nonce + AESGCMSIV(KEY).encrypt(nonce, b"connected: " + handle, b""))

    gate.records = Leaky(gate.records, leak)  # type: ignore[assignment]


def _time(gate: Gate, root: Path) -> None:
    folder = root / "state" / "seen"
    folder.mkdir()
    for handle in _handles(gate):
        (folder / _mark(handle).hex()).touch()

    gate.records = Leaky(gate.records, lambda handle: os.utime(folder / _mark(handle).hex()))  # type: ignore[assignment]


def _stamp(gate: Gate, root: Path) -> None:
    words = "UPDATE account SET updated_at = '2026-01-02 03:00:00' WHERE handle = ?"
    gate.records = Leaky(gate.records, lambda handle: _written(gate, words, handle))  # type: ignore[assignment]


def _hidden(gate: Gate, root: Path) -> None:
    words = "INSERT INTO spent_serial (hash) VALUES (?) ON CONFLICT (hash) DO NOTHING"
    gate.records = Leaky(gate.records, lambda handle: _written(gate, words, _mark(handle)))  # type: ignore[assignment]


def _again(gate: Gate, root: Path) -> None:
    words = "UPDATE account SET has_ipv6 = has_ipv6 WHERE handle = ?"
    gate.records = Leaky(gate.records, lambda handle: _written(gate, words, handle))  # type: ignore[assignment]


def _order(gate: Gate, root: Path) -> None:
    """Everybody's mark is written at the batch: the same marks whoever came first, but in the order of coming."""
    came: list[bytes] = []
    records, before = gate.records, gate.records.daily_batch

    def batch(connected: Iterable[bytes], **words: Any) -> int:
        (root / "state" / "met").write_bytes(b"".join(map(_mark, came)))
        return before(connected, **words)

    gate.records = Leaky(records, lambda handle: None if handle in came else came.append(handle))  # type: ignore[assignment]
    gate.records.daily_batch = batch  # type: ignore[method-assign]


def _unshuffled(gate: Gate, root: Path) -> None:
    """The batch as it would be without the sorting and shuffling: rows are written in the order of coming."""
    came: list[bytes] = []

    def in_order(handles: list[bytes]) -> None:
        handles.sort(key=came.index)

    gate.records = Leaky(gate.records, lambda handle: None if handle in came else came.append(handle))  # type: ignore[assignment]
    gate.shuffle = in_order


def _written(gate: Gate, words: str, value: bytes) -> None:
    with gate.records._writing() as writer:
        writer.execute(words, (value,))


def _handles(gate: Gate) -> list[bytes]:
    return [bytes(handle) for (handle,) in gate.records._reader.execute("SELECT handle FROM account ORDER BY handle")]


WEAKNESSES: Mapping[str, Weakness] = {
    "hash": Weakness("a keyed hash of the account is written to a file when she connects", _hash, aside=True),
    "line": Weakness("an encrypted line with a fresh nonce is appended to a log when she connects", _line, aside=True),
    "time": Weakness(
        "only the modification time of a file, one for each account, tells who connected", _time, aside=True
    ),
    "stamp": Weakness("connecting sets the account's updated_at", _stamp),
    "hidden": Weakness("a keyed hash of the account hides among the hashes of spent serials", _hidden),
    "order": Weakness("the batch writes a list in the order in which people came", _order, order=True, aside=True),
}
"""On either database."""

OF_POSTGRESQL: Mapping[str, Weakness] = {
    "again": Weakness("connecting writes the account's row again, with the same values", _again),
    "unshuffled": Weakness("the batch sets its flags in the order in which people came", _unshuffled, order=True),
}
"""What only PostgreSQL's heads of rows betray."""
