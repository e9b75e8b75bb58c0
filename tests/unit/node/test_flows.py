"""When inner connections are forgotten: after the linger, at once where strict, and before another has the address."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from tyst.node.drivers.flows import FlowTable, LingeringFlows

FOUR, ALICE6, BOB6 = IPv4Address("10.16.0.9"), IPv6Address("fd74::a"), IPv6Address("fd74::b")


class Kernel(FlowTable):
    def __init__(self) -> None:
        self.purged: list[bytes] = []

    def purge(self, addresses: Iterable[bytes]) -> int:
        self.purged += addresses
        return 0


class Scene:
    def __init__(self, linger: float = 900.0) -> None:
        self.now, self.kernel = 0.0, Kernel()
        self.flows = LingeringFlows(self.kernel, linger, lambda: self.now)


async def test_flows_go_when_the_linger_is_over() -> None:
    scene = Scene()
    scene.flows.linger([FOUR, ALICE6])
    scene.now = 899.0
    await scene.flows.tick()
    assert scene.kernel.purged == []
    scene.now = 900.0
    await scene.flows.tick()
    assert sorted(scene.kernel.purged) == sorted([FOUR.packed, ALICE6.packed])


async def test_in_the_strict_profile_they_go_at_once() -> None:
    scene = Scene(linger=0.0)
    scene.flows.linger([FOUR])
    assert scene.kernel.purged == [FOUR.packed]


async def test_alice_who_returns_keeps_her_connections() -> None:
    scene = Scene()
    scene.flows.linger([FOUR, ALICE6])
    scene.flows.welcome([FOUR, ALICE6])
    scene.now = 2000.0
    await scene.flows.tick()
    assert scene.kernel.purged == []


async def test_bob_who_gets_alices_old_address_gets_none_of_her_connections() -> None:
    scene = Scene()
    scene.flows.linger([FOUR, ALICE6])
    scene.flows.welcome([FOUR, BOB6])
    assert scene.kernel.purged == [FOUR.packed]
    scene.now = 900.0
    await scene.flows.tick()
    assert scene.kernel.purged == [FOUR.packed, ALICE6.packed], "what else was hers still goes in its time"


async def test_when_the_node_stops_nothing_lingers() -> None:
    scene = Scene()
    scene.flows.linger([FOUR, ALICE6])
    scene.flows.purge_all()
    scene.now = 900.0
    await scene.flows.tick()
    assert sorted(scene.kernel.purged) == sorted([FOUR.packed, ALICE6.packed])
