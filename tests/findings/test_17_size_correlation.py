"""Row 17: who watches the wire before and behind a node compares sizes. WireGuard hides the last four bits of a packet's
length and nothing more, so a download's sizes show through; OpenVPN hides none. We do not pad further: see
docs/threat-model.md. This test says what an observer sees, and fails when that changes.
"""

import pytest

from tests.findings import packets
from tests.findings.world import World
from tyst.lab.topology import ECHO_V4
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

PORT = 40017
WIREGUARD = 20 + 8 + 16 + 16
"""Bytes around an inner packet: IPv4 and UDP, WireGuard's header, the tag."""


def rounded(size: int) -> int:
    """To the next 16 bytes, as a sender pads (the paper, 5.4.6)."""
    return -(-size // 16) * 16


def test_an_observer_of_the_wire_sees_every_size_but_for_its_last_four_bits(world: World) -> None:
    lengths = [1, 100, 101, 700, 1300, 17, 1372]
    with (
        world.connected("alice") as alice,
        Watch(world.lab["alice"], "eth0", "udp dst port 51820", leaving=True) as outer,
        Watch(world.lab["web"], "eth0", f"udp dst port {PORT}", leaving=False) as inner,
    ):
        for length in lengths:
            alice.send(packets.udp(alice.four, ECHO_V4, 1717, PORT, bytes(length)))
        alice.settle()
        inner.wait_for(lambda packet: len(packet.data) == 28 + lengths[-1], what="the last of them")
        sizes = [len(packet.data) for packet in inner.stop()]
        assert sizes == [28 + length for length in lengths], "what the far side's network sees"
        seen = [len(packet.data) for packet in outer.stop()][: len(lengths)]
    assert seen == [WIREGUARD + rounded(size) for size in sizes], "and what her own network sees: the same, rounded"
    assert len(set(seen)) > 4, "enough to tell a download by"
