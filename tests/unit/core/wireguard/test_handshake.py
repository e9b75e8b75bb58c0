"""Opening a handshake initiation: only who holds the private key gets through. The initiator is the test's own."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.wireguard.initiator import Initiator, tai64n, with_mac1
from tyst.core.wireguard.handshake import Flaw, HandshakeError, Responder

keys = st.binary(min_size=32, max_size=32)
NODE = Responder(b"n" * 32)
ALICE = Initiator(b"a" * 32, NODE.public)
MALLORY = Initiator(b"m" * 32, NODE.public)


def flaw_of(responder: Responder, message: bytes) -> Flaw:
    with pytest.raises(HandshakeError) as caught:
        responder.open(message)
    return caught.value.flaw


@given(node=keys, device=keys, ephemeral=keys, stamp=st.binary(min_size=12, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_honest_initiation_opens_to_its_key_and_timestamp(
    node: bytes, device: bytes, ephemeral: bytes, stamp: bytes
) -> None:
    responder = Responder(node)
    alice = Initiator(device, responder.public)
    opened = responder.open(alice.initiation(stamp, ephemeral=ephemeral))
    assert (opened.public, opened.timestamp) == (alice.public, stamp)


def test_mallory_who_knows_alices_public_key_cannot_speak_for_her() -> None:
    forged = MALLORY.initiation(claimed=ALICE.public)
    assert NODE.is_for_us(forged)
    assert NODE.claim(forged).public == ALICE.public, "the claim alone proves nothing"
    assert flaw_of(NODE, forged) is Flaw.TIMESTAMP


def test_an_initiation_for_another_node_is_refused_by_its_mac() -> None:
    assert flaw_of(Responder(b"o" * 32), ALICE.initiation()) is Flaw.MAC1


@given(place=st.integers(0, 131), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_any_flipped_bit_before_mac2_is_refused(place: int, bit: int) -> None:
    message = bytearray(ALICE.initiation(ephemeral=b"e" * 32))
    message[place] ^= 1 << bit
    assert flaw_of(NODE, bytes(message)) in (Flaw.FORM, Flaw.MAC1)


@given(place=st.integers(8, 115), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_under_a_fresh_mac_is_refused_by_the_cipher(place: int, bit: int) -> None:
    # The last bit of a Curve25519 point is ignored by the curve (RFC 7748), but not by the transcript's hash.
    body = bytearray(ALICE.initiation(ephemeral=b"e" * 32)[:116])
    body[place] ^= 1 << bit
    flaw = flaw_of(NODE, with_mac1(bytes(body), NODE.public))
    assert flaw is (Flaw.TIMESTAMP if place >= 88 else Flaw.STATIC)


@given(data=st.binary(max_size=300))
def test_garbage_and_truncated_messages_are_no_initiations(data: bytes) -> None:
    assert flaw_of(NODE, data) in (Flaw.FORM, Flaw.MAC1)
    assert flaw_of(NODE, ALICE.initiation(ephemeral=b"e" * 32)[: len(data) % 148]) is Flaw.FORM


@pytest.mark.parametrize("point", [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_points_of_low_order_agree_on_nothing(point: bytes) -> None:
    body = b"\x01\0\0\0" + os.urandom(4) + point + os.urandom(76)
    assert flaw_of(NODE, with_mac1(body, NODE.public)) is Flaw.STATIC


def test_timestamps_compare_as_bytes_so_that_a_replay_can_be_told() -> None:
    early, late = NODE.open(ALICE.initiation(tai64n(1e9))), NODE.open(ALICE.initiation(tai64n(1e9 + 0.5)))
    assert late.timestamp > early.timestamp


def test_no_error_and_no_value_shows_a_key() -> None:
    opened = NODE.open(ALICE.initiation())
    assert ALICE.public.hex() not in repr(opened) and repr(ALICE.public) not in repr(opened)
    assert repr(NODE.claim(ALICE.initiation())) == "Claim()"
    with pytest.raises(HandshakeError) as caught:
        NODE.open(MALLORY.initiation(claimed=ALICE.public))
    assert str(caught.value) == Flaw.TIMESTAMP.value


def test_the_node_key_is_the_public_half_of_its_private_key() -> None:
    private = X25519PrivateKey.generate()
    assert Responder(private.private_bytes_raw()).public == private.public_key().public_bytes_raw()
