"""A file of sealed slots: each is as long as any other, a full one looks like an empty one, and none has a time.

Slots are sealed each for itself (AES-256-GCM-SIV, RFC 8452). A new payload takes an empty slot at random, and the file
grows by whole blocks, so its size tells little and a slot's place nothing. Slot 0 says how many blocks there are and is
sealed anew before each change: whoever finds it as he left it knows that nobody wrote meanwhile, and reads no further.
Processes take turns (flock(2)). What payloads mean is `undone.py`'s business.
"""

import fcntl
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tyst.records.errors import RecordsError
from tyst.records.whole import write_whole

SLOT, SLOTS = 128, 64
BLOCK = SLOT * SLOTS
"""A slot never crosses a sector of 512 bytes, so that a stop of the machine leaves the old slot or the new one."""
_NONCE, _TAG = 12, 16
PAYLOAD = SLOT - _NONCE - _TAG
EMPTY = bytes(PAYLOAD)
_WHAT = b"tyst undone"
_COUNT = struct.Struct(">4sI")
Draw = Callable[[int], bytes]


class UndoneError(RecordsError):
    """The journal can't be used: damaged, cut short, or another key's. Carries nothing of it."""


class SlotFile:
    """The file. `key`: 32 bytes; `draw(n)`: n random bytes, for nonces and places. All but the first inside `held`."""

    def __init__(self, path: Path, key: bytes, draw: Draw = os.urandom) -> None:
        self.path, self._draw = path, draw
        self._cipher = AESGCMSIV(key)
        self._handle, self._head = -1, b""
        self._blocks: list[bytes] = []
        self._free: list[int] = []
        self.payloads: dict[int, bytes] = {}
        """What is in it, by slot."""
        self.seen = 0
        """Goes up whenever it was read again: then slots may be other ones."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else reads or writes meanwhile; what others wrote before is known. Raises UndoneError."""
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._look()
                yield
            finally:
                os.close(self._handle)
        finally:
            os.close(lock)

    def write(self, changes: Sequence[tuple[int | None, bytes]], *, sync: bool = True) -> list[int]:
        """Puts payloads into slots (None: an empty one), in this order; the slots. `sync`: and to the disk (once)."""
        while sum(slot is None for slot, _ in changes) > len(self._free):
            self._grow()
        self._put(0, self._counted())
        slots = [self._take() if slot is None else slot for slot, _ in changes]
        for slot, (_, payload) in zip(slots, changes, strict=True):
            self._put(slot, payload)
            self._note(slot, payload)
        if sync:
            os.fdatasync(self._handle)
        return slots

    def rewrite(self, payloads: Iterable[bytes]) -> None:
        """A new file with these, in random order; the old one's bytes are overwritten."""
        full = list(payloads)
        count = -(-(len(full) + 1) // SLOTS)
        rest = full + [EMPTY] * (count * SLOTS - 1 - len(full))
        drawn = sorted(range(len(rest)), key=lambda _: self._draw(16))
        self._blocks = [b""] * count
        sealed = [self._sealed(self._counted()), *(self._sealed(rest[index]) for index in drawn)]
        replace_file(self.path, b"".join(sealed))
        self._head = b""  # the next to come reads it as it is

    def _look(self) -> None:
        head = os.pread(self._handle, SLOT, 0)
        if head == self._head and head:
            return
        content = _whole(self._handle)
        blocks = [content[at : at + BLOCK] for at in range(0, len(content) - BLOCK + 1, BLOCK)]
        payloads = dict(enumerate(self._opened(blocks)))
        if content and (not blocks or _COUNT.unpack_from(payloads[0])[1] > len(blocks)):
            raise UndoneError("the journal of what was undone is cut short")
        payloads.pop(0, None)
        self._free = [slot for slot, payload in payloads.items() if payload == EMPTY]
        self.payloads = {slot: payload for slot, payload in payloads.items() if payload != EMPTY}
        self._head, self._blocks, self.seen = head, blocks, self.seen + 1
        if not blocks:
            self._grow()

    def _opened(self, blocks: Sequence[bytes]) -> Iterator[bytes]:
        """All payloads; of blocks that are as they were, without opening them again."""
        for number, block in enumerate(blocks):
            if number < len(self._blocks) and self._blocks[number] == block:
                slots = range(number * SLOTS, (number + 1) * SLOTS)
                yield from (self.payloads.get(slot, EMPTY if slot else self._counted()) for slot in slots)
                continue
            try:
                for at in range(0, BLOCK, SLOT):
                    nonce, body = block[at : at + _NONCE], block[at + _NONCE : at + SLOT]
                    yield self._cipher.decrypt(nonce, body, _WHAT)
            except InvalidTag:
                raise UndoneError(
                    "the journal of what was undone is damaged, or was written with another key"
                ) from None

    def _grow(self) -> None:
        """Another block of empty slots. It is on the disk before slot 0 tells of it."""
        number = len(self._blocks)
        self._blocks.append(b"")
        payloads = [EMPTY] * SLOTS
        if number == 0:
            payloads[0] = self._counted()
        os.pwrite(self._handle, b"".join(map(self._sealed, payloads)), number * BLOCK)
        os.fsync(self._handle)
        first = number * SLOTS
        self._free += range(first + (number == 0), first + SLOTS)
        self._put(0, self._counted())
        self.seen += 1

    def _counted(self) -> bytes:
        return _COUNT.pack(b"many", len(self._blocks)).ljust(PAYLOAD, b"\0")

    def _take(self) -> int:
        """An empty slot at random."""
        place = int.from_bytes(self._draw(8)) % len(self._free)
        self._free[place], self._free[-1] = self._free[-1], self._free[place]
        return self._free.pop()

    def _put(self, slot: int, payload: bytes) -> None:
        sealed = self._sealed(payload)
        os.pwrite(self._handle, sealed, slot * SLOT)
        self._blocks[slot // SLOTS] = b""
        if slot == 0:
            self._head = sealed

    def _note(self, slot: int, payload: bytes) -> None:
        if payload == EMPTY:
            self.payloads.pop(slot, None)
            self._free.append(slot)
        else:
            self.payloads[slot] = payload

    def _sealed(self, payload: bytes) -> bytes:
        nonce = self._draw(_NONCE)
        return nonce + self._cipher.encrypt(nonce, payload, _WHAT)


def _whole(handle: int) -> bytes:
    """All of a file (read(2) gives at most 2 GiB at once)."""
    parts, at = [], 0
    while part := os.pread(handle, 1 << 26, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def replace_file(path: Path, content: bytes) -> None:
    """Puts a new file in the old one's place, whole or not at all; then overwrites what the old one held."""
    try:
        old = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        write_whole(path, content)
        return
    try:
        write_whole(path, content)
        os.pwrite(old, bytes(os.fstat(old).st_size), 0)
        os.fsync(old)
    finally:
        os.close(old)
