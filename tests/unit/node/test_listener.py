"""What the listener does with an initiation, without sockets; and the packet by which it hands one on."""

import os
import struct

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.wireguard.initiator import Initiator
from tyst.core.wireguard.handshake import Responder
from tyst.node.listener import Listener
from tyst.node.packets import Captured, Knock, to_ipv4, to_ipv6

NODE = Responder(b"n" * 32)
ALICE, MALLORY = Initiator(b"a" * 32, NODE.public), Initiator(b"m" * 32, NODE.public)


class Ear(Listener):
    """A listener whose hands we see."""

    def __init__(self, served: set[bytes] | None = None) -> None:
        self.knocks: list[Knock] = []
        self.handed: list[Captured] = []
        known = served or set()
        super().__init__(
            NODE, port=2, wireguard=1, served=known.__contains__, knock=self.knocks.append, clock=lambda: 0.0
        )

    def hand_on(self, packet: Captured) -> None:
        self.handed.append(packet)

    def hear(self, message: bytes, source: bytes = b"\xc6\x33\x64\x0b") -> None:
        self.consider(Captured(source, 4444, b"\xc0\x00\x02\x0a", 51820, message))


def test_a_new_device_that_proves_itself_is_a_knock() -> None:
    ear = Ear()
    ear.hear(ALICE.initiation())
    assert [knock.initiation.public for knock in ear.knocks] == [ALICE.public] and ear.handed == []


def test_a_served_devices_handshake_goes_on_to_wireguard() -> None:
    ear = Ear({ALICE.public})
    ear.hear(ALICE.initiation())
    assert len(ear.handed) == 1 and ear.knocks == []


def test_mallory_with_alices_public_key_gets_no_further_than_wireguard_itself() -> None:
    ear = Ear()
    ear.hear(MALLORY.initiation(claimed=ALICE.public))
    assert ear.knocks == [] and ear.handed == [], "unknown and unproven: nothing"


def test_noise_and_messages_for_others_are_dropped() -> None:
    ear = Ear({ALICE.public})
    for message in (
        os.urandom(148),
        b"\x01\0\0\0" + os.urandom(144),
        b"",
        Initiator(b"a" * 32, b"o" * 32).initiation(),
    ):
        ear.hear(message)
    assert ear.knocks == [] and ear.handed == []


def test_a_flood_from_one_prefix_leaves_room_for_another() -> None:
    ear = Ear()
    for number in range(300):
        ear.hear(MALLORY.initiation(ephemeral=number.to_bytes(32)), b"\xcb\x00\x71\x0e")
    assert len(ear.knocks) == 200
    ear.hear(ALICE.initiation())
    assert ear.knocks[-1].initiation.public == ALICE.public


def _sum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.binary(min_size=148, max_size=148))
def test_the_ipv6_packet_carries_a_checksum_that_its_receiver_accepts(source: bytes, to: bytes, message: bytes) -> None:
    packet = to_ipv6(Captured(source, 4444, to, 51820, message))
    assert packet[8:24] == source and packet[24:40] == to and packet[48:] == message
    assert _sum(packet[8:40] + struct.pack("!II", 156, 17) + packet[40:]) == 0xFFFF
    assert packet[46:48] != b"\0\0", "zero would mean none, which IPv6 forbids"


def test_the_ipv4_packet_is_the_one_that_came_without_a_checksum() -> None:
    packet = to_ipv4(Captured(b"\1\2\3\4", 4444, b"\5\6\7\x08", 51820, b"m" * 148))
    assert packet[12:20] == bytes(range(1, 9)) and packet[20:28] == struct.pack("!HHHH", 4444, 51820, 156, 0)


def test_what_lives_only_for_a_moment_shows_no_address_when_printed() -> None:
    captured = Captured(b"\1\2\3\4", 4444, b"\5\6\7\x08", 51820, b"m" * 148)
    assert repr(captured) == "Captured(port=51820)"
