"""A node in maintenance: nobody new gets in, and those inside are led away."""

import os

from tests.contract.gate_cast import Node, Provider, Visitor
from tyst.fleet import nodes as fleet_nodes
from tyst.messages.admission import Verdict, Why


async def test_a_node_in_maintenance_admits_nobody_and_gives_its_tunnels_and_their_slots_up(
    provider: Provider, sto: Node, fra: Node, site: Visitor
) -> None:
    alice, bob, late = provider.customer("alice"), os.urandom(32), os.urandom(32)
    for device in (bob, late):
        provider.register(alice, device)
    lease, provisional = (await sto.connect(bob)).lease, await sto.admit(late)
    name, secret = provider.credential(alice)
    login = (await sto.login(name, secret)).lease
    assert await site.devices(alice) == 2
    fleet_nodes.drain(provider.state, "se-sto", draining=True)
    expected = (Verdict.GARDEN, Why.DRAINING)
    for answer in (await sto.confirm(provisional), await sto.login(name, secret), await sto.admit(os.urandom(32))):
        assert (answer.verdict, answer.why) == expected or answer.verdict is Verdict.UNKNOWN
    assert (await sto.admit(bob)).why is Why.DRAINING
    ended = (await sto.renew(lease, login)).ended
    assert {(one.index, one.why) for one in ended} == {(0, Why.DRAINING), (1, Why.DRAINING)}
    assert await site.devices(alice) == 0
    assert (await fra.connect(bob)).verdict is Verdict.OPEN
    fleet_nodes.drain(provider.state, "se-sto", draining=False)
    assert (await sto.connect(late)).verdict is Verdict.OPEN


async def test_a_large_node_is_not_emptied_all_at_once(provider: Provider, sto: Node) -> None:
    devices = [os.urandom(32) for _ in range(3)]
    for number, device in enumerate(devices):
        provider.register(provider.customer(f"alice{number}"), device)
    leases = [(await sto.connect(device)).lease for device in devices]
    fleet_nodes.drain(provider.state, "se-sto", draining=True)
    ended = (await sto.renew(*leases * 400)).ended
    assert len({one.index for one in ended if one.why is Why.DRAINING}) == 300, "a quarter of twelve hundred"
