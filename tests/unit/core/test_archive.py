"""A backup's sealed form: who opens it, and what each kind of damage is called. Each one is a sentence."""

import os
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core import archive
from tyst.core.archive import CHUNK, TAG, ArchiveError, Words, opened, read_head, sealed

DAY = date(2026, 11, 24)
OPERATOR, STRANGER = X25519PrivateKey.generate(), X25519PrivateKey.generate()
DAY_KEY = b"d" * 32
CONTENT = os.urandom(CHUNK) + b"alice" + os.urandom(CHUNK)


def _made(content: bytes = CONTENT, day: date = DAY, day_key: bytes = DAY_KEY) -> bytes:
    return b"".join(sealed([content], OPERATOR.public_key(), day, day_key, os.urandom))


def _open(blob: bytes, by: archive.Opener = OPERATOR, today: date = DAY, keys: tuple[bytes, ...] = (DAY_KEY,)) -> bytes:
    return b"".join(opened(BytesIO(blob).read, by, keys, today))


def _why(blob: bytes, **words: object) -> str:
    with pytest.raises(ArchiveError) as caught:
        _open(blob, **words)  # type: ignore[arg-type]
    return str(caught.value)


MADE = _made()
HEAD = len(read_head(BytesIO(MADE).read)[1])


def test_the_operator_opens_what_she_made_whatever_its_size() -> None:
    for size in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK):
        content = os.urandom(size)
        back = _open(_made(content))
        assert back[:size] == content and not back[size:].strip(b"\0")
        assert len(back) == max(1, -(-size // CHUNK)) * CHUNK, "the size tells whole MiB and nothing finer"


def test_nothing_of_it_can_be_read_without_the_key() -> None:
    assert b"alice" not in MADE and b"alice" in CONTENT


@pytest.mark.parametrize("cut", [1, 11, 30, HEAD - 1])
def test_a_head_that_is_cut_off(cut: int) -> None:
    assert _why(MADE[:cut]) == archive.CUT


@pytest.mark.parametrize("left", [0, 1, CHUNK, CHUNK + TAG, CHUNK + TAG + 1, 2 * (CHUNK + TAG), 3 * (CHUNK + TAG) - 1])
def test_a_file_that_is_cut_off_anywhere(left: int) -> None:
    assert len(MADE) == HEAD + 3 * (CHUNK + TAG)
    assert _why(MADE[: HEAD + left]) == archive.CUT


@pytest.mark.parametrize(
    "at", [14, 15, 16, 17, 18, 20, 34, HEAD - 1, HEAD, HEAD + CHUNK, HEAD + CHUNK + TAG + 7, len(MADE) - 1]
)
def test_a_bit_that_was_turned_anywhere(at: int) -> None:
    blob = bytearray(MADE)
    blob[at] ^= 4
    assert _why(bytes(blob)) == archive.DAMAGED


def _with(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    size = CHUNK + TAG
    chunks = [MADE[HEAD + at : HEAD + at + size] for at in range(0, 3 * size, size)]
    return MADE[:HEAD] + b"".join(change(chunks))


def test_chunks_that_were_left_out_swapped_or_added() -> None:
    assert _why(_with(lambda c: [c[0], c[2]])) == archive.DAMAGED
    assert _why(_with(lambda c: [c[1], c[0], c[2]])) == archive.DAMAGED
    assert _why(_with(lambda c: [*c, c[2]])) == archive.DAMAGED
    assert _why(_with(lambda c: c[:2])) == archive.CUT


def test_another_ones_key_and_another_day_key() -> None:
    assert _why(MADE, by=STRANGER) == archive.WRONG_KEY
    assert _why(MADE, keys=(b"e" * 32,)) == archive.NO_DAY_KEY
    assert _why(MADE, keys=()) == archive.NO_DAY_KEY
    assert _why(MADE, by=Words(b"correct horse battery")) == archive.NEEDS_KEY


def test_it_opens_for_30_days() -> None:
    assert _open(MADE, today=DAY + timedelta(days=30))
    assert _why(MADE, today=DAY + timedelta(days=31)) == archive.TOO_OLD
    assert _why(MADE, today=DAY - timedelta(days=2)) == archive.AHEAD


def test_whoever_writes_another_day_into_the_head_has_another_key() -> None:
    """The day is part of what the content's key is made of: an old backup can't be made young."""
    import msgspec

    head, _ = read_head(BytesIO(MADE).read)
    young = archive._start(msgspec.structs.replace(head, day=DAY + timedelta(days=60)))
    assert _why(young + MADE[HEAD:], today=DAY + timedelta(days=60)) == archive.DAMAGED


def test_other_files_and_newer_versions() -> None:
    newer = bytearray(MADE)
    newer[13] += 1
    assert _why(bytes(newer)) == archive.NEWER
    assert _why(b"PK\x03\x04 a zip file, for example") == archive.FOREIGN
    assert _why(b"") == archive.FOREIGN


def test_a_passphrase_opens_what_was_made_with_it() -> None:
    words = Words(b"correct horse battery staple")
    blob = b"".join(sealed([b"alice"], words, DAY, DAY_KEY, os.urandom))
    assert _open(blob, by=words).rstrip(b"\0") == b"alice"
    assert _why(blob, by=Words(b"correct horse battery stable")) == archive.WRONG_WORDS
    assert _why(blob) == archive.NEEDS_WORDS
