"""Decryption by trial: every 32 bytes that stand anywhere in the dumps are tried as a key, whatever they are.

As a device's public key: its tag says at once whether it is one. As a record's opener, without the key. As the gate's
private key: its public half is known. What opens is read: a record's content is a handle. Windows that can't be random
are no keys and are left out: of 32 random bytes fewer than 24 are different, or fewer than 5 above 127, once in 80,000.
Windows that stand in another provider's dumps, too, are the program's and nobody's key. When it tries openers and
private keys, the short form leaves out windows within ciphertexts (records and their tags, the sealed journal), and
tries openers on a few records only.
"""

import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as Malformed
from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tyst.core.seal import SealError
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import KeyRecord
from tyst.core.wireguard.addresses import address4, address6
from tyst.proof.blind.things import Dumps, Thing

WINDOW, DIFFERENT, HIGH = 32, 24, 5
SEALED = "file undone.journal"
_FEW = 24
_NOW = 0
_SPELLED = re.compile(rb"\b(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)")


@dataclass(frozen=True)
class Opened:
    """A record of which more is known than its ciphertext: `faces` of its device, `content` when it opened whole."""

    tag: bytes
    faces: tuple[bytes, ...] = field(repr=False)
    content: bytes = field(default=b"", repr=False)

    def concerns(self, one: Thing) -> bool:
        """Whether this is about the thing."""
        return self.tag in one.faces or any(face in one.faces for face in self.faces)


def faces_of(key: bytes) -> tuple[bytes, ...]:
    """All by which a device with this public key can be recognised."""
    four, six = address4(key), address6(key)
    return (key, key.hex().encode(), b64encode(key), four.packed, str(four).encode(), six.packed, str(six).encode())


def opened(dumps: Dumps, common: Set[bytes], *, whole: bool) -> list[Opened]:
    """All that the windows give."""
    records = {row.values["tag"]: row.values["record"] for row in dumps.rows["key_record"]}
    every = windows(dumps) - common
    few = every if whole else every - _within(dumps, records)
    keys = {tag_of(one): one for one in every if _tag(one) in records}
    privates = [one for one in few if public_of(one) == dumps.public["gate"]]
    found = [_read(tag, records[tag], opener_of(key), faces_of(key), privates) for tag, key in keys.items()]
    found += [_read(tag, records[tag], opener, (), privates) for tag, opener in _openers(_some(records, whole), few)]
    return found


def _read(tag: bytes, record: bytes, opener: bytes, faces: tuple[bytes, ...], privates: list[bytes]) -> Opened:
    try:
        content = KeyRecord.opened(record, tag=tag, opener=opener, gate_privates=tuple(privates), now=_NOW)
    except SealError:
        return Opened(tag, faces)
    return Opened(tag, faces, content.handle)


def _some(records: dict[bytes, bytes], whole: bool) -> dict[bytes, bytes]:
    return records if whole else dict(list(records.items())[:_FEW])


def _openers(records: dict[bytes, bytes], few: set[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Openers that stand somewhere by themselves."""
    for opener in few:
        cipher = AESGCMSIV(opener)
        for tag, record in records.items():
            try:
                cipher.decrypt(record[:12], record[12:], tag)
            except InvalidTag:
                continue
            yield tag, opener


def windows(dumps: Dumps) -> set[bytes]:
    """Every 32 bytes that could be a key, also those spelled in hexadecimal or base64."""
    found: set[bytes] = set()
    for text in dumps.texts.values():
        found.update(_random(text))
        found.update(_decoded(text))
    return found


def _random(text: bytes) -> Iterator[bytes]:
    """Windows with enough different bytes; a sliding count, so that each byte is looked at twice."""
    counts = [0] * 256
    different = high = 0
    for place, byte in enumerate(text):
        counts[byte] += 1
        different += counts[byte] == 1
        high += byte > 127
        if place >= WINDOW:
            gone = text[place - WINDOW]
            counts[gone] -= 1
            different -= counts[gone] == 0
            high -= gone > 127
        if different >= DIFFERENT and high >= HIGH and place >= WINDOW - 1:
            yield text[place - WINDOW + 1 : place + 1]


def _decoded(text: bytes) -> Iterator[bytes]:
    for match in _SPELLED.finditer(text):
        word = match[0]
        try:
            raw = (
                bytes.fromhex(word.decode()) if len(word) == 64 else b64decode(word.rstrip(b"=") + b"=", altchars=b"-_")
            )
        except (ValueError, Malformed):
            continue
        if len(raw) == WINDOW:
            yield raw


def _within(dumps: Dumps, records: dict[bytes, bytes]) -> set[bytes]:
    """Windows that lie in a tag, a record, or across their edges, where they stand in the dumps."""
    found = set(_random(dumps.texts.get(SEALED, b"")))
    for text in dumps.texts.values():
        for tag, record in records.items():
            for one in (tag, record):
                place = text.find(one)
                while place >= 0:
                    edges = range(max(0, place - WINDOW + 1), place + len(one))
                    found.update(text[at : at + WINDOW] for at in edges)
                    place = text.find(one, place + 1)
    return found


def _tag(key: bytes) -> bytes:
    """`core.tags.tag_of`, a few times faster: HKDF by hand (RFC 5869)."""
    root = hmac.digest(b"tyst device", key, "sha256")
    return hmac.digest(root, b"tag\x01", "sha256")[:16]


def public_of(private: bytes) -> bytes:
    """The public half, were this a private key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
