"""Row 20: through the node a customer reaches what only the node's own network should: a cloud's metadata service,
private neighbours, the gate that the fleet is run from.

Stand-ins for them live on a lab server, with a route to them, so that each would answer. Names that resolve to such
addresses lead nowhere either (DNS rebinding): the resolver gives no private answers.
"""

from collections.abc import Iterator

import pytest

from tests.findings.world import World, accepting, every
from tyst.lab.bringup import GATE_PORT
from tyst.lab.dns import ask
from tyst.lab.topology import AUTHORITATIVE_V4, PLACES
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

PRIVATE = (
    *("169.254.169.254", "10.0.0.77", "10.77.0.1", "172.20.0.1", "192.168.77.1", "100.100.100.200", "192.0.0.192"),
    *("192.88.99.1", "fd00:ec2::254", "fd99::1", "fec0::1", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe"),
)


@pytest.fixture(scope="module")
def neighbours(world: World) -> Iterator[tuple[str, ...]]:
    """Somebody at each private address, in reach of the node."""
    web, router, node = world.lab["web"], world.lab["internet"], world.node
    places = [(address, "-6" if ":" in address else "-4", "128" if ":" in address else "32") for address in PRIVATE]
    via = {"-4": str(PLACES["web"].ipv4), "-6": str(PLACES["web"].ipv6)}
    near = {"-4": "192.0.2.1", "-6": "2001:db8:46::1"}
    every(web, *(["ip", family, "addr", "add", f"{one}/{bits}", "dev", "lo"] for one, family, bits in places))
    every(
        router, *(["ip", family, "route", "add", f"{one}/{bits}", "via", via[family]] for one, family, bits in places)
    )
    every(node, *(["ip", family, "route", "add", f"{one}/{bits}", "via", near[family]] for one, family, bits in places))
    yield PRIVATE
    every(node, *(["ip", family, "route", "del", f"{one}/{bits}"] for one, family, bits in places))
    every(router, *(["ip", family, "route", "del", f"{one}/{bits}"] for one, family, bits in places))
    every(web, *(["ip", family, "addr", "del", f"{one}/{bits}", "dev", "lo"] for one, family, bits in places))


def test_alice_reaches_no_private_neighbour_of_the_node(world: World, neighbours: tuple[str, ...]) -> None:
    with world.connected("alice") as alice:
        with accepting(world.node, "vp_whence", "vp_leave"):
            assert [one for one in neighbours if not alice.ping(one)] == [], "without the rule each of them answers"
        with Watch(world.lab["web"], "eth0", "icmp[icmptype]=8 or ip6[40]=128", leaving=False) as watch:
            for one in neighbours:
                assert not alice.ping(one, within=0.05), one
            assert alice.ping(PLACES["web"].ipv4) and alice.ping(PLACES["web"].ipv6)
            watch.wait_for(lambda packet: packet.dst == PLACES["web"].ipv6, what="the last of hers")
        assert {str(packet.dst) for packet in watch.packets} == {str(PLACES["web"].ipv4), str(PLACES["web"].ipv6)}


def test_alice_cannot_reach_the_gate_and_the_site_beside_it_she_can(world: World) -> None:
    control = PLACES["control"]
    with world.connected("alice") as alice:
        for address in (str(control.ipv4), str(control.ipv6)):
            with accepting(world.node, "vp_whence", "vp_leave"):
                assert alice.touches(address, GATE_PORT) == "open", "without the rule she reaches the gate's door"
            assert alice.touches(address, GATE_PORT, within=0.5) == "silence"
            assert alice.touches(address, 22, within=0.5) == "silence"
            assert alice.touches(address, 443) == "open", "the site is for everybody"


def test_alice_gets_no_private_address_for_a_public_name(world: World) -> None:
    name, lured = "notice.tyst.test", PLACES["web"]
    with world.connected("alice") as alice:
        for kind in ("A", "AAAA"):
            assert ask(world.lab["web"], name, kind, server=str(AUTHORITATIVE_V4)), "the name does have such an address"
            assert alice.asks(name, kind) == []
        assert alice.asks("echo.test", "A") == [str(lured.ipv4)]
