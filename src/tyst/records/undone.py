"""The journal outside the database: what was undone or changed lately, so that a restore can't revive it.

One file, `undone.journal` in the state folder, encrypted (AES-256-GCM-SIV, RFC 8452), 30 days long (names: 90). It has
keyed hashes and days, in slots of one size that can't be told from empty ones; a new entry takes an empty slot at
random, and each night all are written again in random order. So it says on which day something was undone, and neither
when nor in which order. Entries are written inside the transaction that they are about, after its last statement and
before its commit: docs/algorithms/backup.md says why that is right at each point where the machine may stop.
Counterparts: `erase.py`, `settlement.py`, `vouchers.py`, `accounts.py` write; `backup/replay.py` reads.
"""

import hashlib
import os
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from pathlib import Path

from tyst.records.slots_file import EMPTY, SLOT, Draw, SlotFile, UndoneError

__all__ = ["FILE", "KEY_FILE", "NOBODY", "SLOT", "Entry", "Kind", "Row", "Undone", "UndoneError", "current", "use"]

FILE, KEY_FILE = "undone.journal", "undone.key"
DAYS, NAME_DAYS = 30, 90
GRAIN = 10
"""Vouchers and payments have the last day of a ten-day period: their own might be that of one account's expiry."""
KEY_BYTES = 32
_FORM = struct.Struct(">BH16sB80s")
NOBODY = bytes(16)
_FIRST_DAY = date(2000, 1, 1)


class Kind(IntEnum):
    """What an entry says."""

    ERASED = 1
    REPLACED = 2
    """This handle became another one, which is the value."""
    NAME = 3
    VOUCHER = 4
    GRANTED = 5
    """A payment's mark. Whose it was stands nowhere."""
    RETURNED = 6
    """The two marks of a payment that went back."""
    EXPIRY = 7
    """How long the account has a product now: not what was bought, only what the account's row says."""
    PASSWORD = 8
    REVOKED = 9
    """A device's key record was removed."""
    UNLISTED = 10
    """The mail address was taken away or changed, or the newsletter stopped: the value says which."""
    NODE = 11
    """The operator revoked a node; the value is its name."""


_REPLACING = frozenset({Kind.EXPIRY, Kind.PASSWORD, Kind.ERASED})
"""Of these an account has one, the last."""


@dataclass(frozen=True)
class Row:
    """What an account's row says of a product now: not what was bought, only until when."""

    handle: bytes = field(repr=False)
    product: str
    until: date | None = field(repr=False)


@dataclass(frozen=True)
class Entry:
    """One entry. `who`: 16 bytes, a keyed hash of a handle (or of a tag), or NOBODY."""

    kind: Kind
    day: date
    who: bytes = field(repr=False)
    value: bytes = field(default=b"", repr=False)

    @property
    def lasts(self) -> int:
        """For how many days it is kept."""
        return NAME_DAYS if self.kind is Kind.NAME else DAYS


class Undone:
    """The journal in this file. `key`: 32 bytes; they encrypt it and key its hashes. Processes take turns (flock(2)).

    `draw(n)`: n random bytes, for nonces and places.
    """

    def __init__(self, path: Path, key: bytes, draw: Draw = os.urandom) -> None:
        if len(key) != KEY_BYTES:
            raise UndoneError("the journal's key is 32 bytes long")
        self._file = SlotFile(path, hashlib.blake2b(b"seal", key=key, digest_size=32).digest(), draw)
        self._hashing = hashlib.blake2b(b"hash", key=key, digest_size=32).digest()
        self._seen, self._places = -1, dict[bytes, int]()

    def who(self, handle: bytes) -> bytes:
        """Under what a handle, or a key record's tag, stands here."""
        return hashlib.blake2b(handle, key=self._hashing, digest_size=16, person=b"tyst undone").digest()

    def name(self, username: str) -> bytes:
        """Under what a user name stands here, whatever its capitals."""
        named = username.lower().encode()
        return hashlib.blake2b(named, key=self._hashing, digest_size=32, person=b"tyst gone name").digest()

    def erased(self, handle: bytes, name_hash: bytes, today: date) -> None:
        """The account was deleted, and nobody takes its name for 90 days. What else stood here of it goes."""
        who = self.who(handle)
        self._change([Entry(Kind.ERASED, today, who), Entry(Kind.NAME, today, NOBODY, name_hash)], without=who)

    def freed(self, name_hash: bytes, today: date) -> None:
        """An account took another name: nobody takes the old one for 90 days. It says nothing of the account."""
        self._change([Entry(Kind.NAME, today, NOBODY, name_hash)])

    def replaced(self, handle: bytes, today: date, fresh: bytes = b"", password: str | None = None) -> None:
        """The account was re-keyed: its handle is `fresh` now. `password`: the new PHC string, if it has one."""
        entries = [Entry(Kind.REPLACED, today, self.who(handle), fresh)]
        if password is not None:
            entries.insert(0, Entry(Kind.PASSWORD, today, self.who(fresh), packed(password)))
        self._change(entries)

    def password(self, handle: bytes, password: str, today: date) -> None:
        """The account has a new password. `password`: its PHC string."""
        self._change([Entry(Kind.PASSWORD, today, self.who(handle), packed(password))])

    def unlisted(self, handle: bytes, what: str, today: date) -> None:
        """The account's `email` was removed or changed, or its `newsletter` stopped."""
        self._change([Entry(Kind.UNLISTED, today, self.who(handle), what.encode())])

    def revoked(self, tag: bytes, today: date) -> None:
        """A device's key record was removed."""
        self._change([Entry(Kind.REVOKED, today, self.who(tag))])

    def node_revoked(self, name: str, today: date) -> None:
        """The operator revoked this node."""
        self._change([Entry(Kind.NODE, today, NOBODY, name.encode())])

    def spent(self, hashed: bytes, today: date) -> None:
        """A voucher was withdrawn."""
        self._change([Entry(Kind.VOUCHER, _coarse(today), NOBODY, hashed)])

    def redeemed(self, row: "Row", hashed: bytes, today: date) -> None:
        """A voucher was used, and an account's row says this now. Which account used which voucher isn't said."""
        self._change([self._expiry(row, today), Entry(Kind.VOUCHER, _coarse(today), NOBODY, hashed)], sync=False)

    def granted(self, row: "Row", mark: bytes, today: date) -> None:
        """A payment's serial was spent, and an account's row says this now. Whose payment it was isn't said."""
        self._change([self._expiry(row, today), Entry(Kind.GRANTED, _coarse(today), NOBODY, mark)], sync=False)

    def returned(self, row: "Row | None", marks: tuple[bytes, bytes], today: date) -> None:
        """A payment went back: the marks of payment and return. `row`: what an account's says now, if one changed."""
        entries = [] if row is None else [self._expiry(row, today)]
        self._change([*entries, Entry(Kind.RETURNED, _coarse(today), NOBODY, b"".join(marks))], sync=False)

    def begin(self) -> None:
        """Makes the file, if there is none: a journal that says nothing is another thing than none."""
        if not self._file.path.exists():
            self._change([])

    def taken(self, name_hash: bytes, today: date) -> bool:
        """Whether somebody had this name, who was deleted or took another, in the last 90 days."""
        with self._file.held():
            slot = self._index().get(_key(Entry(Kind.NAME, today, NOBODY, name_hash)))
            found = None if slot is None else _entry(self._file.payloads[slot])
        return found is not None and today - found.day < timedelta(days=NAME_DAYS)

    def forget(self, today: date, keep: Callable[[Entry], bool] = lambda _: True) -> int:
        """Writes it again in random order, without what is over and what `keep` refuses; says how many went."""
        with self._file.held():
            found = list(map(_entry, self._file.payloads.values()))
            left = [one for one in found if today - one.day < timedelta(days=one.lasts) and keep(one)]
            self._file.rewrite(map(_payload, left))
            _date_file(self._file.path, today)
        return len(found) - len(left)

    def entries(self) -> list[Entry]:
        """All of them, in no order. Raises UndoneError."""
        with self._file.held():
            return list(map(_entry, self._file.payloads.values()))

    def _expiry(self, row: "Row", today: date) -> Entry:
        return Entry(Kind.EXPIRY, today, self.who(row.handle), pack_expiry(row.product, row.until))

    def _change(self, entries: Sequence[Entry], *, without: bytes = b"", sync: bool = True) -> None:
        """Puts these in, in this order; `without`: and empties what else is of this one; `sync`: and to the disk.

        What was cut off waits for the disk. Money doesn't: if the power goes, days and mark are lost together, and a
        restore then finds what it finds after any payment that nobody noted.
        """
        with self._file.held():
            index = self._index()
            changes = [(index.get(_key(one)), _payload(one)) for one in entries]
            found = self._file.payloads.items() if without else ()
            gone = [slot for slot, raw in found if _is_of(raw, without)]
            slots = self._file.write([*changes, *((slot, EMPTY) for slot in gone)], sync=sync)
            self._places = {key: slot for key, slot in index.items() if slot not in gone} if gone else index
            self._places |= zip(map(_key, entries), slots, strict=False)
            self._seen = self._file.seen
            _date_file(self._file.path, max((one.day for one in entries if one.who != NOBODY), default=None))

    def _index(self) -> dict[bytes, int]:
        """Where each entry is that a new one would replace."""
        if self._seen != self._file.seen:
            self._places = {_key(_entry(raw)): slot for slot, raw in self._file.payloads.items()}
            self._seen = self._file.seen
        return self._places


class Nowhere(Undone):
    """Where no journal was opened (a test, a tool without a state folder): notes nothing, knows no name."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"), bytes(KEY_BYTES))

    def _change(self, entries: Sequence[Entry], *, without: bytes = b"", sync: bool = True) -> None:
        return None

    def taken(self, name_hash: bytes, today: date) -> bool:
        """No name is."""
        return False

    def entries(self) -> list[Entry]:
        """None."""
        return []

    def forget(self, today: date, keep: Callable[[Entry], bool] = lambda _: True) -> int:
        """Nothing to forget."""
        return 0


_CURRENT: Undone = Nowhere()


def use(state: Path, draw: Draw = os.urandom) -> Undone:
    """Opens this state folder's journal for the whole process, as Django's connection is for the whole process. The
    doors that write accounts call it at their start (site, jobs); its key is made when there is none."""
    global _CURRENT
    _CURRENT = of_state(state, draw)
    _CURRENT.begin()
    return _CURRENT


def leave() -> None:
    """Nothing is noted in this process from here on: for tests and benches, which have several state folders."""
    global _CURRENT
    _CURRENT = Nowhere()


def current() -> Undone:
    """This process's journal."""
    return _CURRENT


def of_state(state: Path, draw: Draw = os.urandom) -> Undone:
    """The journal of a state folder."""
    return Undone(state / FILE, _key_of(state, draw), draw)


def today_of(now: datetime) -> date:
    """The UTC day."""
    return now.astimezone(UTC).date()


def _key_of(state: Path, draw: Draw) -> bytes:
    path = state / KEY_FILE
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(draw(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # whoever was first made the key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def packed(phc: str) -> bytes:
    """An argon2id PHC string in at most 80 bytes: its numbers, salt and hash. Empty when it has another form."""
    try:
        _, kind, version, numbers, salt, digest = phc.split("$")
        memory, time, lanes = (int(one.partition("=")[2]) for one in numbers.split(","))
        raw = [b64decode(one + "=" * (-len(one) % 4), validate=True) for one in (salt, digest)]
    except ValueError:
        return b""
    if kind != "argon2id" or version != "v=19" or max(map(len, raw)) > 32:
        return b""
    return struct.pack(">IBBBB", memory, time, lanes, len(raw[0]), len(raw[1])) + b"".join(raw)


def unpacked(value: bytes) -> str | None:
    """The PHC string again, or None for an empty value."""
    if not value:
        return None
    memory, time, lanes, salt, digest = struct.unpack_from(">IBBBB", value)
    rest = value[8:]
    texts = [b64encode(one).decode().rstrip("=") for one in (rest[:salt], rest[salt : salt + digest])]
    return f"$argon2id$v=19$m={memory},t={time},p={lanes}${texts[0]}${texts[1]}"


def pack_expiry(product: str, until: date | None) -> bytes:
    """A product's name and a day, or none."""
    return struct.pack(">I", until.toordinal() if until else 0) + product.encode()


def unpack_expiry(value: bytes) -> tuple[str, date | None]:
    """The counterpart of `pack_expiry`."""
    (day,) = struct.unpack_from(">I", value)
    return value[4:].decode(), date.fromordinal(day) if day else None


def _key(one: Entry) -> bytes:
    """Two entries with the same are one, the later."""
    one_each = one.value[4:] if one.kind is Kind.EXPIRY else b""
    rest = one_each if one.kind in _REPLACING else one.value
    return bytes((one.kind,)) + one.who + rest


def _payload(one: Entry) -> bytes:
    return _FORM.pack(one.kind, (one.day - _FIRST_DAY).days, one.who, len(one.value), one.value)


def _entry(payload: bytes) -> Entry:
    kind, day, who, length, value = _FORM.unpack(payload)
    return Entry(Kind(kind), _FIRST_DAY + timedelta(days=day), who, value[:length])


def _is_of(payload: bytes, who: bytes) -> bool:
    """Whether it is an entry of this account, other than that it was deleted."""
    return payload[3:19] == who and payload[0] != Kind.ERASED


def _coarse(today: date) -> date:
    return date.fromordinal(-(-today.toordinal() // GRAIN) * GRAIN)


def _date_file(path: Path, day: date | None) -> None:
    """The file's own time says a day, and no more."""
    day = day or _FIRST_DAY
    at = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    os.utime(path, (at, at))
