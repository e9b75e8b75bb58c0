"""What is inside sealed values: fixed lengths, clean round trips, and VPN credentials that fit OpenVPN's fields."""

import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.keyring import new_pair
from tyst.core.seal import SealError
from tyst.core.tokens import (
    Challenge,
    Credential,
    Enrolment,
    Lease,
    Recovery,
    Remember,
    Session,
    credential_blob,
    credential_pair,
    from_text,
    open_token,
    seal_token,
    to_text,
)

NOW = 1_790_000_000
SITE, GATE = new_pair(os.urandom)
h16, s8 = st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8)


@given(h16, s8)
def test_sessions_and_remember_me_read_back(handle: bytes, serial: bytes) -> None:
    for form in (Session, Remember):
        blob = seal_token(SITE.seal, form(handle, serial), nonce=bytes(12), now=NOW)
        assert open_token(SITE.seal, form, blob, now=NOW) == form(handle, serial)


def test_a_remember_me_cookie_is_not_a_session() -> None:
    blob = seal_token(SITE.seal, Remember(bytes(16), bytes(8)), nonce=bytes(12), now=NOW)
    with pytest.raises(SealError):
        open_token(SITE.seal, Session, blob, now=NOW)


@given(h16, h16, s8, st.integers(0, 2**32 - 1), st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True))
def test_leases_read_back_and_have_one_length(handle: bytes, tag: bytes, slot: bytes, ends: int, node: str) -> None:
    lease = Lease(handle, node, tag, slot, ends)
    blob = seal_token(GATE.seal, lease, nonce=bytes(12), now=NOW)
    assert open_token(GATE.seal, Lease, blob, now=NOW) == lease
    assert len(blob) == len(
        seal_token(GATE.seal, Lease(bytes(16), "x", bytes(16), bytes(8), 0), nonce=bytes(12), now=NOW)
    )


def test_the_others_read_back() -> None:
    for token in (Recovery(os.urandom(16)), Challenge(os.urandom(32), os.urandom(16))):
        assert (
            open_token(SITE.seal, type(token), seal_token(SITE.seal, token, nonce=bytes(12), now=NOW), now=NOW) == token
        )
    enrolment = Enrolment("se-sto", os.urandom(16))
    blob = seal_token(GATE.seal, enrolment, nonce=bytes(12), now=NOW)
    assert open_token(GATE.seal, Enrolment, blob, now=NOW) == enrolment


def test_a_vpn_credential_fits_openvpn_and_names_nobody() -> None:
    handle = os.urandom(16)
    blob = seal_token(SITE.seal, Credential(handle), nonce=os.urandom(12), now=NOW)
    username, password = credential_pair(blob)
    assert len(username) + len(password) <= 120
    assert credential_blob(username, password) == blob
    assert open_token(GATE.seal, Credential, blob, now=NOW).handle == handle


def test_half_a_credential_opens_nothing() -> None:
    username, password = credential_pair(seal_token(SITE.seal, Credential(bytes(16)), nonce=os.urandom(12), now=NOW))
    half = credential_blob(username, "")
    assert half is not None
    with pytest.raises(SealError):
        open_token(GATE.seal, Credential, half, now=NOW)
    assert credential_blob("alice", password) is None


@given(st.binary(max_size=300))
def test_text_form_reads_back(blob: bytes) -> None:
    assert from_text(to_text(blob)) == blob


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused_as_a_seal_error(text: str) -> None:
    with contextlib.suppress(SealError):
        from_text(text)


@given(st.binary(min_size=1, max_size=64))
def test_a_value_has_one_spelling(blob: bytes) -> None:
    text = to_text(blob)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for other in {*alphabet} - {text[-1]}:
        with contextlib.suppress(SealError):
            assert from_text(text[:-1] + other) != blob
