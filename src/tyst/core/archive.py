"""The sealed form of a backup: a head that anybody can read, then chunks of one size, sealed one after the other.

The head names the form's version, the day, which day key it needs, and for whom its file key is wrapped: HPKE (RFC
9180) to the recovery key, or Argon2id (RFC 9106) of a passphrase. The content's key comes from file key *and* day key
by HKDF-SHA256 (RFC 5869), with the head as its context: whoever changes the head has another key, and whoever destroys
the day key has none. Chunks: AES-256-GCM-SIV (RFC 8452), each with its number and whether it is the last in the nonce
(STREAM, Hoang et al. 2015), so that none can be left out, moved or cut off. Pure: who reads files and draws randomness
is `records/backup/`.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORM = 1
DAYS = 30
"""A backup opens for so many days after its own: not on the 31st."""
KEY_BYTES, CHUNK, TAG = 32, 1 << 20, 16
_MAGIC = b"TYST BACKUP\n"
_START = struct.Struct(">12sHI16s")
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
_MOST_HEAD = 4096
_ZERO = bytes(12)


class ArchiveError(Exception):
    """A backup that doesn't open. One sentence that says why, and nothing of what is in it."""


DAMAGED = "this backup is damaged: a part of it was changed after it was made"
CUT = "this backup is cut short: copy it again, whole"
NEWER = "this backup was made by a newer version of Tyst: restore it with that version"
FOREIGN = "this file is no backup of Tyst"
WRONG_KEY = "this recovery key doesn't open this backup: it was made for another one"
WRONG_WORDS = "this passphrase doesn't open this backup"
NEEDS_KEY = "this backup was made for a recovery key and not for a passphrase: give --key"
NEEDS_WORDS = "this backup was made with a passphrase and not for a recovery key: give --passphrase-file"
TOO_OLD = "this backup is older than 30 days, and what was deleted since must stay deleted: it is not restored"
AHEAD = "this backup is from a day that is yet to come: is this machine's clock right?"
NO_DAY_KEY = (
    "the key of this backup's day isn't here: it was destroyed after 30 days, or STATE/backup.keys is missing (--shelf)"
)


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in front. `day_key`: the id of the day key, or empty when none is needed (the shelf)."""

    day: date
    day_key: bytes
    recovery: bytes
    """The id of the recovery key that it is wrapped for; empty with a passphrase."""
    salt: bytes
    check: bytes
    """With a passphrase: the id of what came of it, to tell a wrong one from damage."""
    wrapped: bytes


@dataclass(frozen=True)
class Words:
    """A passphrase."""

    text: bytes = field(repr=False)

    def stretched(self, salt: bytes) -> bytes:
        """32 bytes, with the second choice of RFC 9106, section 4: three passes over 64 MiB."""
        return Argon2id(salt=salt, length=KEY_BYTES, iterations=3, lanes=4, memory_cost=1 << 16).derive(self.text)


Locker = X25519PublicKey | Words
"""For whom a backup is made."""
Opener = X25519PrivateKey | Words
"""Who opens it."""


def key_id(material: bytes) -> bytes:
    """Eight bytes that tell keys apart and reveal nothing of them."""
    return hashlib.sha256(b"tyst backup key" + material).digest()[:8]


def sealed(
    content: Iterable[bytes], to: Locker, day: date, day_key: bytes, draw: Callable[[int], bytes]
) -> Iterator[bytes]:
    """The file's bytes. `content`: pieces of any size; padded to whole chunks. `day_key`: b"" for none."""
    file_key = draw(KEY_BYTES)
    start = _start(_head(to, day, day_key, file_key, draw))
    yield start
    cipher = _cipher(file_key, day_key, start)
    number, waiting = 0, bytearray()
    for piece in content:
        waiting += piece
        while len(waiting) > CHUNK:  # the last chunk is never empty, and never known before the end
            yield cipher.encrypt(_nonce(number, last=False), bytes(waiting[:CHUNK]), None)
            number += 1
            del waiting[:CHUNK]
    yield cipher.encrypt(_nonce(number, last=True), bytes(waiting).ljust(CHUNK, b"\0"), None)


def _head(to: Locker, day: date, day_key: bytes, file_key: bytes, draw: Callable[[int], bytes]) -> Head:
    named = key_id(day_key) if day_key else b""
    if isinstance(to, Words):
        salt = draw(16)
        stretched = to.stretched(salt)
        return Head(day, named, b"", salt, key_id(stretched), AESGCMSIV(stretched).encrypt(_ZERO, file_key, None))
    return Head(day, named, key_id(to.public_bytes_raw()), b"", b"", _SUITE.encrypt(file_key, to, info=_MAGIC))


def read_head(read: Callable[[int], bytes]) -> tuple[Head, bytes]:
    """The head of a file, and its bytes. `read(n)`: at most n bytes more. ArchiveError."""
    start = read(_START.size)
    if not _MAGIC.startswith(start[: len(_MAGIC)]) or not start:
        raise ArchiveError(FOREIGN)
    if len(start) < _START.size:
        raise ArchiveError(CUT)
    _, form, length, check = _START.unpack(start)
    if form > FORM:
        raise ArchiveError(NEWER)
    if length > _MOST_HEAD:
        raise ArchiveError(DAMAGED)
    head = read(length)
    if len(head) < length:
        raise ArchiveError(CUT)
    if hashlib.blake2b(head, digest_size=16).digest() != check:
        raise ArchiveError(DAMAGED)
    try:
        return msgspec.msgpack.decode(head, type=Head), start + head
    except msgspec.MsgspecError:
        raise ArchiveError(DAMAGED) from None


def within_horizon(head: Head, today: date) -> None:
    """ArchiveError for one that is too old, or from the future."""
    if today - head.day > timedelta(days=DAYS):
        raise ArchiveError(TOO_OLD)
    if head.day - today > timedelta(days=1):
        raise ArchiveError(AHEAD)


def opened(read: Callable[[int], bytes], by: Opener, day_keys: Iterable[bytes], today: date) -> Iterator[bytes]:
    """The content in chunks, each once it is known to be whole and unchanged; padded with zeroes at the end.

    `day_keys`: those that are left. ArchiveError, at the first chunk that isn't right.
    """
    head, start = read_head(read)
    within_horizon(head, today)
    file_key = _file_key(head, by)
    day_key = b"" if not head.day_key else next((one for one in day_keys if key_id(one) == head.day_key), None)
    if day_key is None:
        raise ArchiveError(NO_DAY_KEY)
    cipher, number, chunk = _cipher(file_key, day_key, start), 0, _whole(read)
    while chunk:
        following = _whole(read)
        yield _open_chunk(cipher, number, chunk, last=not following)
        number, chunk = number + 1, following
    if number == 0:
        raise ArchiveError(CUT)


def _open_chunk(cipher: AESGCMSIV, number: int, chunk: bytes, *, last: bool) -> bytes:
    if len(chunk) == CHUNK + TAG:
        try:
            return cipher.decrypt(_nonce(number, last=last), chunk, None)
        except InvalidTag:
            pass
        if last and _opens(cipher, _nonce(number, last=False), chunk):
            raise ArchiveError(CUT)
        raise ArchiveError(DAMAGED)
    raise ArchiveError(CUT)


def _opens(cipher: AESGCMSIV, nonce: bytes, chunk: bytes) -> bool:
    try:
        cipher.decrypt(nonce, chunk, None)
    except InvalidTag:
        return False
    return True


def _file_key(head: Head, by: Opener) -> bytes:
    if isinstance(by, Words):
        if head.recovery:
            raise ArchiveError(NEEDS_KEY)
        stretched = by.stretched(head.salt)
        if key_id(stretched) != head.check:
            raise ArchiveError(WRONG_WORDS)
        return _unwrapped(lambda: AESGCMSIV(stretched).decrypt(_ZERO, head.wrapped, None))
    if not head.recovery:
        raise ArchiveError(NEEDS_WORDS)
    if key_id(by.public_key().public_bytes_raw()) != head.recovery:
        raise ArchiveError(WRONG_KEY)
    return _unwrapped(lambda: _SUITE.decrypt(head.wrapped, by, info=_MAGIC))


def _unwrapped(act: Callable[[], bytes]) -> bytes:
    try:
        return act()
    except (InvalidTag, ValueError):
        raise ArchiveError(DAMAGED) from None


def _whole(read: Callable[[int], bytes]) -> bytes:
    return read(CHUNK + TAG)


def _start(head: Head) -> bytes:
    raw = msgspec.msgpack.encode(head)
    return _START.pack(_MAGIC, FORM, len(raw), hashlib.blake2b(raw, digest_size=16).digest()) + raw


def _cipher(file_key: bytes, day_key: bytes, start: bytes) -> AESGCMSIV:
    return AESGCMSIV(HKDF(SHA256(), KEY_BYTES, salt=None, info=start).derive(file_key + day_key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))
