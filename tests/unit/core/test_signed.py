"""Signed documents: the same bytes each time, and not one changed byte is believed."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.signed import (
    SignedError,
    canonical,
    check_stamp,
    kind_of,
    opened,
    public_bytes,
    public_text,
    sealed,
    stamped,
)

OURS, MALLORYS = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(b"m" * 32)
PUBLIC = OURS.public_key().public_bytes_raw()
BODY = {"who": "nobody", "count": 3, "list": [{"b": None, "a": "å"}]}
DOCUMENT = sealed("kind 1", BODY, OURS)


def test_what_was_signed_reads_back_and_is_the_same_bytes_again() -> None:
    assert opened(DOCUMENT, "kind 1", PUBLIC) == BODY and kind_of(DOCUMENT) == "kind 1"
    assert sealed("kind 1", dict(reversed(BODY.items())), OURS) == DOCUMENT == canonical(json.loads(DOCUMENT))


@given(st.integers(0, len(DOCUMENT) - 1), st.integers(1, 255))
def test_mallory_can_change_no_byte(at: int, by: int) -> None:
    changed = bytearray(DOCUMENT)
    changed[at] ^= by
    with pytest.raises(SignedError):
        opened(bytes(changed), "kind 1", PUBLIC)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b"null",
        DOCUMENT[:-1],
        DOCUMENT + b"\n",
        json.dumps(json.loads(DOCUMENT)).encode(),
    ],
    ids=range(8),
)
def test_what_is_no_document_or_spelled_otherwise_is_refused(document: bytes) -> None:
    with pytest.raises(SignedError):
        opened(document, "kind 1", PUBLIC)


def test_another_key_or_another_kind_is_refused() -> None:
    for forged in (sealed("kind 1", BODY, MALLORYS), sealed("kind 2", BODY, OURS)):
        with pytest.raises(SignedError):
            opened(forged, "kind 1", PUBLIC)


@given(st.binary(max_size=200), st.data())
def test_a_stamp_is_on_all_before_it(content: bytes, data: st.DataObject) -> None:
    whole = stamped(content, OURS)
    check_stamp(whole, PUBLIC)
    changed = bytearray(whole)
    changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    for forged in (bytes(changed), stamped(content, MALLORYS), content, whole + b"%more\n"):
        with pytest.raises(SignedError):
            check_stamp(forged, PUBLIC)


def test_public_keys_are_copied_as_text() -> None:
    assert public_bytes(f" {public_text(PUBLIC)}\n") == PUBLIC
    for wrong in ("", "AAAA", "ä" * 44, public_text(PUBLIC)[:-2]):
        with pytest.raises(SignedError):
            public_bytes(wrong)
