"""A preshared key goes from the gate's answer into WireGuard and stays nowhere else."""

from tests.unit.node.stage import Stage
from tyst.messages.admission import Admission, Features, Verdict, Why
from tyst.node.doors import GateState
from tyst.node.states import State

SECRET = bytes(range(32))


async def connected(stage: Stage) -> None:
    stage.gate.admissions = [Admission(Verdict.OPEN, features=Features(ipv6=True, preshared=SECRET))]
    await stage.connect("alice")


async def test_it_is_wireguards_alone_and_a_confirmation_leaves_it() -> None:
    stage = Stage()
    await connected(stage)
    tunnel = stage.tunnels.table.get(stage.key("alice"))
    assert tunnel is not None and tunnel.state is State.OPEN
    assert stage.kernel.preshared == {stage.key("alice"): SECRET}
    assert tunnel.features.preshared == b"" and stage.kernel.purged == []


async def test_it_opens_the_garden_too() -> None:
    stage = Stage()
    stage.gate.admissions = [Admission(Verdict.GARDEN, Why.EXPIRED, features=Features(preshared=SECRET))]
    await stage.connect("alice")
    assert stage.kernel.preshared == {stage.key("alice"): SECRET}


async def test_it_goes_with_the_peer_and_nobody_is_let_in_without_it_while_the_gate_is_lost() -> None:
    stage = Stage()
    await connected(stage)
    stage.gate.state, stage.gate.lost_for = GateState.LOST, 1.0
    await stage.later(200)
    await stage.tunnels.sweep()
    assert stage.kernel.preshared == {} and stage.gate.returned != []
    await stage.knock("alice", 1)
    tunnel = stage.tunnels.table.get(stage.key("alice"))
    assert tunnel is None or tunnel.state is not State.OPEN
