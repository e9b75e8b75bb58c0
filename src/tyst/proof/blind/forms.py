"""In which forms a thing may stand in a dump: as it is, hashed, or hashed with any key that stands in the dumps.

`places` goes through each dump once, whatever the number of forms: at each byte it asks whether a form ends with the
last four. (Beginnings are often the same, ends hardly ever.)
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence

from tyst.core.tags import derive
from tyst.proof.blind.things import Dumps, Thing

KEYS = 96
"""Most keys that keyed hashes are tried with, in one world's dumps."""
HASHED = 64
"""Longer values (ciphertexts) are looked for, and not hashed."""
SHORT = 16
_TAIL = 4
_NAMES = ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")


def keys(dumps: Dumps) -> list[bytes]:
    """Values of 16 to 64 bytes that stand alone in a memory or fill a file, and look like chance."""
    alone: dict[bytes, None] = {}
    for name, text in dumps.texts.items():
        if name.startswith("memory") or len(text) == 32:
            for value in text.split(bytes(16)):
                if 16 <= len(value) <= 64 and len(set(value)) >= min(24, len(value) - 3) and not value.isascii():
                    alone[value] = None
    return list(alone)[:KEYS]


def plain(face: bytes) -> Iterator[bytes]:
    """Its hashes without a key, and what WireGuard keys turn into."""
    for name in _NAMES:
        yield hashlib.new(name, face).digest()
    for size in (8, 16):
        yield hashlib.blake2b(face, digest_size=size).digest()
    if len(face) <= 32:
        for label in ("tag", "opener"):
            yield derive(face.ljust(32, b"\0"), label, 32)


def keyed(face: bytes, with_: Sequence[bytes]) -> Iterator[bytes]:
    """Its keyed hashes, as this program makes them and as others do."""
    for key in with_:
        yield hmac.digest(key, face, "sha256")
        yield hashlib.blake2b(face, key=key, digest_size=16).digest()


def forms(one: Thing, with_: Sequence[bytes]) -> set[bytes]:
    """All forms. A hash counts when its first 16 bytes stand there."""
    found = {face for face in one.faces if len(face) >= _TAIL}
    for face in one.faces:
        if len(face) <= HASHED:
            found.update(digest[:SHORT] for digest in plain(face))
            found.update(digest[:SHORT] for digest in keyed(face, with_))
    return found


def places(dumps: Dumps, things: Sequence[Thing], with_: Sequence[bytes]) -> Mapping[str, Mapping[Thing, list[int]]]:
    """By dump and thing: where it stands, in order."""
    tails: dict[bytes, list[tuple[bytes, Thing]]] = {}
    for one in things:
        for form in forms(one, with_):
            tails.setdefault(form[-_TAIL:], []).append((form, one))
    return {name: _in(text, tails) for name, text in dumps.texts.items()}


def _in(text: bytes, tails: Mapping[bytes, Sequence[tuple[bytes, Thing]]]) -> dict[Thing, list[int]]:
    found: dict[Thing, list[int]] = {}
    for end in range(_TAIL, len(text) + 1):
        for form, one in tails.get(text[end - _TAIL : end], ()):
            if text.endswith(form, 0, end):
                found.setdefault(one, []).append(end - len(form))
    return {one: sorted(places) for one, places in found.items()}
