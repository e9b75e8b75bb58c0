"""Sealing orders, and the daily keys that do it.

Order keys are no room's keys: a new one is made every day, each opens for 31 days, and then it is gone: after that not
even processor and operator together can open an order. The file `order.keys` in the state folder is left out of every
backup. Whoever takes time's part (`jobs`) calls `renew` daily; a site that finds no key of the last two days makes one,
so that a provider without jobs can sell.
"""

import fcntl
import os
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tyst.core import keyring
from tyst.core.keyring import Keyring
from tyst.core.order import Order
from tyst.core.seal import Kind, Reason, SealError, SealKey, SealKeys, key_of
from tyst.core.tokens import from_text, open_token, seal_token, to_text

FILE = "order.keys"
ROOM = "orders"
DAY = 86400
LIFE = 31 * DAY
_NONCE_BYTES = 12


class OrderKeys:
    """The keys of one state folder. `clock`: seconds since 1970; `draw(n)`: n random bytes."""

    def __init__(self, state: Path, clock: Callable[[], int], draw: Callable[[int], bytes] = os.urandom) -> None:
        self._path, self._clock, self._draw = state / FILE, clock, draw
        self._read_at: tuple[int, int] | None = None
        self._keys: SealKeys = {}

    def seal(self, order: Order) -> str:
        """The order as text: what the processor carries. Always the same length."""
        nonce = self._draw(_NONCE_BYTES)
        return to_text(seal_token(self._current(), order, nonce=nonce, now=self._clock()))

    def open(self, reference: str) -> Order:
        """The order in a reference, or SealError: not ours, damaged, or too old."""
        try:
            return open_token(self._known(), Order, from_text(reference), now=self._clock())
        except (struct.error, ValueError):
            raise SealError(Reason.DAMAGED) from None

    def made(self, reference: str) -> datetime:
        """The day on which the key was made that sealed this order: at most two days before the order. SealError."""
        identity = key_of(from_text(reference))
        until = next((key.until for key in self._known().get(Kind.ORDER, ()) if key.id == identity), None)
        if until is None:
            raise SealError(Reason.WRONG_KEY)
        return datetime.fromtimestamp(until - LIFE, UTC)

    def renew(self) -> None:
        """A key for today, unless there is one; those that open nothing any more are destroyed."""
        with _locked(self._path.with_suffix(".lock")):
            now, keys = self._clock(), self._read()
            living = tuple(key for key in keys if key.until is not None and key.until > now)
            if not living or (living[0].until or 0) - LIFE <= now - DAY:
                living = (SealKey(self._draw(32), until=now // DAY * DAY + LIFE), *living)
            if living != keys:
                _write(self._path, keyring.to_text(Keyring(ROOM, {Kind.ORDER: living})).encode())
        self._read_at = None

    def _current(self) -> SealKeys:
        """Keys whose first is at most two days old."""
        newest = next(iter(self._known().get(Kind.ORDER, ())), None)
        if newest is None or (newest.until or 0) - LIFE <= self._clock() - 2 * DAY:
            self.renew()
        return self._known()

    def _known(self) -> SealKeys:
        """The file's keys, read again when it has changed."""
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            return {}
        if (mark := (seen.st_mtime_ns, seen.st_ino)) != self._read_at:
            self._keys, self._read_at = {Kind.ORDER: self._read()}, mark
        return self._keys

    def _read(self) -> tuple[SealKey, ...]:
        try:
            return keyring.from_text(self._path.read_bytes(), room=ROOM).seal.get(Kind.ORDER, ())
        except FileNotFoundError:
            return ()


class _locked:
    """One process at a time (flock(2))."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, for the owner alone. The old file's bytes are overwritten first: keys die with it."""
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        with path.open("r+b") as old:
            old.write(bytes(path.stat().st_size))
            old.flush()
            os.fsync(old.fileno())
    draft.replace(path)
