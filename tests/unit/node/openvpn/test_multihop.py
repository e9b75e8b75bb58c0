"""A login that came through an entry of the fleet: the gate hears so, and an outage lets nobody in who had no right."""

from tests.unit.node.openvpn.test_door import World, login
from tyst.core.openvpn.management import Disconnect, Established
from tyst.messages.admission import Admission, Features, Verdict, Why
from tyst.node.doors import GateState
from tyst.node.openvpn.limiter import BUCKETS

ENTRY = BUCKETS + 2


async def test_the_gate_is_told_who_came_through_an_entry_and_so_is_every_renewal() -> None:
    world = World()
    for cid, bucket in ((1, 1), (2, ENTRY)):
        await world.tell(login(cid, bucket=bucket))
        await world.tell(Established(cid))
    assert world.entered == [False, True]
    assert [held.entered for held in world.door.held()] == [False, True]


async def test_without_the_add_on_the_client_shows_a_reason_of_its_own_and_nothing_is_counted() -> None:
    world = World()
    world.answer = Admission(Verdict.GARDEN, Why.MULTIHOP)
    for cid in range(500):
        await world.tell(login(cid, bucket=ENTRY))
        assert world.last() == f'client-deny {cid} 0 "-" "multihop-needed"\n'


async def test_in_an_outage_only_who_had_the_right_comes_back_through_an_entry() -> None:
    for multihop in (True, False):
        world = World()
        world.answer = Admission(Verdict.OPEN, features=Features(multihop=multihop))
        await world.up(1)
        world.state = GateState.LOST
        world.door.tick()
        await world.tell(Disconnect(1))
        await world.tell(login(2, bucket=ENTRY))
        assert world.last().startswith("client-auth" if multihop else "client-deny")
        assert world.returned == ([] if multihop else [b"lease-0"])
