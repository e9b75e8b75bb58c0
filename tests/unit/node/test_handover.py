"""What an agent leaves to the next one: every open tunnel once, whenever it was killed, and of an ended one not a byte."""

import mmap
import os

import pytest

from tyst.messages.admission import Features, Why
from tyst.node.handover import CELL, HEADER, Handover, Record, Times
from tyst.node.states import Event, State
from tyst.node.table import Table

ALICE, BOB = bytes(range(32)), bytes(range(32, 64))
LEASE = b"a lease that only the gate opens" * 4


@pytest.fixture
def handover() -> Handover:
    return Handover.create()


def opened(table: Table, public: bytes, lease: bytes = LEASE) -> None:
    """A tunnel on its way to OPEN."""
    tunnel = table.begin(public, 5.0)
    assert table.claim6(tunnel) and table.claim4(tunnel)
    table.lease(tunnel, lease)
    for event in (Event.LET_IN, Event.SPOKE, Event.CONFIRMED):
        table.move(tunnel, event)
    tunnel.features, tunnel.stamp = Features(ipv6=True, mine4="192.0.2.32"), 1_700_000_000
    table.keep(tunnel)


def raw(handover: Handover) -> bytes:
    """All the memory."""
    memory: mmap.mmap = handover._map
    return memory[HEADER:]


def test_the_next_agent_has_the_tunnel_as_it_was(handover: Handover) -> None:
    opened(Table(handover), ALICE)
    table = Table(handover)
    (left,) = handover.inherit()
    tunnel = table.adopt(left)
    assert tunnel is not None and tunnel.state is State.OPEN and tunnel.why is Why.NONE and tunnel.has4
    assert (tunnel.public, tunnel.lease, tunnel.stamp) == (ALICE, LEASE, 1_700_000_000)
    assert tunnel.features == Features(ipv6=True, mine4="192.0.2.32")
    assert table.by_lease(LEASE) is tunnel and table.counts[State.OPEN] == 1 and table.aside(State.OPEN) == []


def test_a_tunnel_that_ended_leaves_not_a_byte(handover: Handover) -> None:
    table = Table(handover)
    opened(table, ALICE)
    assert ALICE in raw(handover) and LEASE in raw(handover)
    tunnel = table.get(ALICE)
    assert tunnel is not None
    table.lease(tunnel, LEASE[::-1])
    assert LEASE not in raw(handover), "the cell before a change is empty at once"
    table.move(tunnel, Event.ENDED)
    assert not any(raw(handover)) and handover.inherit() == []


@pytest.mark.parametrize("bytes_done", range(0, CELL, 7))
def test_an_agent_may_die_between_any_two_bytes(handover: Handover, bytes_done: int) -> None:
    """A change is written to a fresh cell; killed in the middle of it, the tunnel is what it was before."""
    first = Record(ALICE, LEASE, "open")
    handover.put(first, Times(1, 2.0, 3.0))
    other = Handover.create()
    other.put(Record(BOB, b"", "open"), Times())
    other.put(Record(ALICE, LEASE[::-1], "garden"), Times(4, 5.0, 6.0))
    whole = raw(other)[CELL : 2 * CELL]
    at = HEADER + CELL
    handover._map[at : at + CELL] = b"\0" + whole[1:bytes_done].ljust(CELL - 1, b"\0")
    handover._next = 2
    handover._map[8:12] = (2).to_bytes(4, "little")
    (left,) = handover.inherit()
    assert left.record == first and left.times == Times(1, 2.0, 3.0)
    assert not any(raw(handover)[CELL : 2 * CELL])


def test_of_two_cells_of_one_tunnel_the_newer_counts(handover: Handover) -> None:
    handover.put(Record(ALICE, b"old", "open"), Times())
    handover.put(Record(ALICE, b"new", "open"), Times())
    (left,) = handover.inherit()
    assert left.record.lease == b"new" and b"old" not in raw(handover)


def test_cells_are_used_again_and_a_tunnel_without_room_is_served_all_the_same(handover: Handover) -> None:
    for _ in range(3):
        cells = [handover.put(Record(os.urandom(32), LEASE, "open"), Times()) for _ in range(100)]
        for cell in cells:
            handover.erase(cell)
    assert max(cells) < 100
    assert handover.put(Record(ALICE, bytes(1024), "open"), Times()) == -1
    handover.touch(-1, Times())
    handover.erase(-1)


def test_openvpn_leases_are_those_of_the_last_second(handover: Handover) -> None:
    handover.mirror([b"one", b"two"])
    handover.mirror([b"two", b"three"])
    assert {left.record.lease for left in handover.inherit()} == {b"two", b"three"}
    assert b"one" not in raw(handover)


def test_a_lease_shows_nowhere_in_a_trace() -> None:
    assert repr(Record(ALICE, LEASE)) == "<record>"
