"""Sealing: only the right key, kind and time open a value, and every refusal says which rule was broken."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.keyring import Keyring, new_pair, rotated
from tyst.core.seal import Kind, Reason, SealError, SealKey, open_sealed, open_sealed_to, seal, seal_to
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import KeyRecord

NOW = 1_790_000_000
NONCE = bytes(range(12))


@pytest.fixture
def rings() -> tuple[Keyring, Keyring]:
    return new_pair(os.urandom)


def refusal(keys: dict[Kind, tuple[SealKey, ...]], kind: Kind, blob: bytes, now: int = NOW) -> Reason:
    with pytest.raises(SealError) as caught:
        open_sealed(keys, kind, blob, now=now)
    return caught.value.reason


def test_alice_opens_what_was_sealed_for_her(rings: tuple[Keyring, Keyring]) -> None:
    site, _ = rings
    blob = seal(site.seal, Kind.SESSION, b"alice", nonce=NONCE, now=NOW)
    assert open_sealed(site.seal, Kind.SESSION, blob, now=NOW) == b"alice"


def test_mallory_with_another_key_is_told_that_it_is_the_wrong_key(rings: tuple[Keyring, Keyring]) -> None:
    mallory, _ = new_pair(os.urandom)
    blob = seal(rings[0].seal, Kind.SESSION, b"alice", nonce=NONCE, now=NOW)
    assert refusal(mallory.seal, Kind.SESSION, blob) is Reason.WRONG_KEY


def test_a_session_does_not_open_as_a_credential(rings: tuple[Keyring, Keyring]) -> None:
    blob = seal(rings[0].seal, Kind.SESSION, b"alice", nonce=NONCE, now=NOW)
    assert refusal(rings[0].seal, Kind.CREDENTIAL, blob) is Reason.WRONG_KIND


def test_a_relabelled_kind_does_not_open_either(rings: tuple[Keyring, Keyring]) -> None:
    key = SealKey(os.urandom(32))
    both = {Kind.SESSION: (key,), Kind.CREDENTIAL: (key,)}
    blob = seal(both, Kind.SESSION, b"alice", nonce=NONCE, now=NOW)
    assert refusal(both, Kind.CREDENTIAL, bytes([Kind.CREDENTIAL.code]) + blob[1:]) is Reason.DAMAGED


@given(cut=st.integers(min_value=0, max_value=42))
def test_every_truncation_is_called_truncated(cut: int) -> None:
    site, _ = new_pair(os.urandom)
    blob = seal(site.seal, Kind.SESSION, b"alice", nonce=NONCE, now=NOW)
    assert refusal(site.seal, Kind.SESSION, blob[: min(cut, len(blob) - 1)]) in {Reason.TRUNCATED}


@given(bit=st.integers(min_value=0))
def test_no_flipped_bit_ever_opens(bit: int) -> None:
    site, _ = new_pair(os.urandom)
    blob = bytearray(seal(site.seal, Kind.SESSION, b"alice", nonce=NONCE, now=NOW))
    place = bit % (len(blob) * 8)
    blob[place // 8] ^= 1 << place % 8
    reason = refusal(site.seal, Kind.SESSION, bytes(blob))
    wanted = {0: {Reason.WRONG_KIND}, **{key: {Reason.WRONG_KEY} for key in range(1, 5)}}
    assert reason in wanted.get(place // 8, {Reason.DAMAGED, Reason.TRUNCATED})


def test_a_value_ends_with_its_lifetime_and_not_a_minute_early(rings: tuple[Keyring, Keyring]) -> None:
    blob = seal(rings[1].seal, Kind.LEASE, b"x", nonce=NONCE, now=NOW)
    end = Kind.LEASE.expiry_minute(NOW) * 60
    assert open_sealed(rings[1].seal, Kind.LEASE, blob, now=end - 1) == b"x"
    assert refusal(rings[1].seal, Kind.LEASE, blob, now=end) is Reason.EXPIRED


def test_two_sessions_made_at_different_hours_of_a_day_end_together() -> None:
    morning = NOW - NOW % 86400 + 1
    assert Kind.SESSION.expiry_minute(morning) == Kind.SESSION.expiry_minute(morning + 80_000)


def test_rotation_seals_with_the_new_key_and_opens_the_old_until_its_end(rings: tuple[Keyring, Keyring]) -> None:
    site = rings[0]
    old = seal(site.seal, Kind.RECOVERY, b"old", nonce=NONCE, now=NOW)
    newer = rotated(site, Kind.RECOVERY, os.urandom(32), old_until=NOW + 60)
    fresh = seal(newer.seal, Kind.RECOVERY, b"new", nonce=NONCE, now=NOW)
    assert open_sealed(newer.seal, Kind.RECOVERY, old, now=NOW) == b"old"
    assert open_sealed(newer.seal, Kind.RECOVERY, fresh, now=NOW + 61) == b"new"
    assert refusal(site.seal, Kind.RECOVERY, fresh) is Reason.WRONG_KEY
    assert refusal(newer.seal, Kind.RECOVERY, old, now=NOW + 61) is Reason.WRONG_KEY


def test_the_writer_of_a_record_cannot_read_it_and_the_gate_needs_the_device(rings: tuple[Keyring, Keyring]) -> None:
    site, gate = rings
    alices, mallorys = os.urandom(32), os.urandom(32)
    tag, opener = tag_of(alices), opener_of(alices)
    blob = KeyRecord(b"h" * 16, 202811).sealed(
        tag=tag, opener=opener, gate_public=site.known["gate"], nonce=NONCE, now=NOW
    )
    assert KeyRecord.opened(blob, tag=tag, opener=opener, gate_privates=gate.hpke, now=NOW).last_month == 202811
    with pytest.raises(SealError):
        KeyRecord.opened(blob, tag=tag, opener=opener_of(mallorys), gate_privates=gate.hpke, now=NOW)
    with pytest.raises(SealError):
        KeyRecord.opened(blob, tag=tag, opener=opener, gate_privates=(os.urandom(32),), now=NOW)


def test_a_record_moved_to_another_tag_does_not_open(rings: tuple[Keyring, Keyring]) -> None:
    _, gate = rings
    device = os.urandom(32)
    blob = KeyRecord(b"h" * 16, 202811).sealed(
        tag=tag_of(device), opener=opener_of(device), gate_public=gate.hpke_public, nonce=NONCE, now=NOW
    )
    with pytest.raises(SealError):
        KeyRecord.opened(blob, tag=b"t" * 16, opener=opener_of(device), gate_privates=gate.hpke, now=NOW)


def test_a_sealed_login_opens_only_for_the_node_it_was_typed_at(rings: tuple[Keyring, Keyring]) -> None:
    _, gate = rings
    blob = seal_to(gate.hpke_public, Kind.LOGIN, b"pair", context=b"se-sto", now=NOW)
    assert open_sealed_to(gate.hpke, Kind.LOGIN, blob, context=b"se-sto", now=NOW) == b"pair"
    with pytest.raises(SealError):
        open_sealed_to(gate.hpke, Kind.LOGIN, blob, context=b"de-fra", now=NOW)


@given(st.binary(max_size=200))
def test_garbage_raises_a_seal_error_and_nothing_else(garbage: bytes) -> None:
    site, _gate = new_pair(bytes)
    with pytest.raises(SealError):
        open_sealed(site.seal, Kind.SESSION, garbage, now=NOW)
    with pytest.raises(SealError):
        open_sealed_to((b"\1" * 32,), Kind.LOGIN, garbage, context=b"", now=NOW)
    with pytest.raises(SealError):
        KeyRecord.opened(garbage, tag=b"t" * 16, opener=b"o" * 32, gate_privates=(b"\1" * 32,), now=NOW)


def test_no_key_shows_itself_in_its_repr(rings: tuple[Keyring, Keyring]) -> None:
    secret = rings[0].seal[Kind.SESSION][0].secret
    shown = repr(rings[0])
    assert secret.hex() not in shown and repr(secret)[2:-1] not in shown
