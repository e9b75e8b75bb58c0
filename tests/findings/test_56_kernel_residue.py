"""Row 56: the kernel remembers her: connection tracking, neighbours, routes, socket tables, sets of the firewall.

The outer flow of a tunnel is never tracked, so her own address is in no table at any time but WireGuard's. The inner
flows (tunnel address to destination) go with the tunnel in the strict profile, and 15 minutes later otherwise, so
that a phone that slept keeps its connections.
"""

import pytest

from tests.findings.visitor import IN_TABLES, OPENVPN
from tests.findings.world import NODE, OTHER, World, without

pytestmark = pytest.mark.lab


def outer_flow(world: World, source: str) -> list[str]:
    """What connection tracking at the node says of a customer's own address."""
    table = world.node.run(["conntrack", "-L"], check=False).stdout
    return [line for line in table.splitlines() if f"src={source} " in line and "51820" in line]


@pytest.mark.parametrize("name", [NODE, OTHER])
def test_her_own_address_was_in_no_table_but_wireguards(world: World, name: str) -> None:
    found = {place for place, mark in world.visitor.during[name] if mark.startswith("phone.address")}
    assert found - {"wireguard-go", "openvpn", "tyst node"} == {"wg show all dump"}


def test_without_the_rule_connection_tracking_would_hold_it(world: World) -> None:
    here = str(world.lab["bob"].ipv4)
    with world.connected("bob") as bob:
        assert bob.settle() and outer_flow(world, here) == []
        with without(world.node, "vp_first", "notrack$"), without(world.node, "vp_first_out", "notrack$"):
            assert bob.settle() and outer_flow(world, here)


def test_at_the_strict_node_her_inner_flows_went_with_her_tunnel(world: World) -> None:
    lasting = [line for line in world.visitor.entries[OTHER] if "ESTABLISHED" in line]
    assert lasting and int(lasting[0].split()[2]) > 24 * 3600, "left alone, the kernel would keep it for days"
    world.visitor.gone()
    assert world.visitor.tracked(OTHER) == []


@pytest.mark.parametrize("name", [NODE, OTHER])
def test_no_table_of_the_kernel_holds_anything_of_her(world: World, name: str) -> None:
    world.visitor.gone()
    assert world.visitor.seen(world.lab[name], IN_TABLES) == set()


def test_while_she_was_there_every_feature_had_its_element(world: World) -> None:
    own = {"vp_open4", "vp_open6", "vp_egress6", "vp_exit4", "vp_flows4"}
    assert world.visitor.sets[NODE] >= own | {"vp_exit6", "vp_mine4", "vp_public4", "vp_stream4"}
    assert world.visitor.sets[OTHER] >= own | {"vp_ports4"}
    assert world.visitor.sets[OPENVPN] >= {"vp_open4", "vp_open6", "vp_egress6", "vp_exit4"}


@pytest.mark.parametrize("name", [NODE, OTHER])
def test_no_set_of_the_firewall_holds_her_tunnel_address(world: World, name: str) -> None:
    world.visitor.gone()
    inner = (str(world.visitor.four), str(world.visitor.six), *world.visitor.inner)
    assert world.visitor.sets_with(name, *inner) == set(), "of either protocol, in any set or map"
    rules = world.lab[name].run(["nft", "list", "table", "inet", "tyst"]).stdout
    assert str(world.visitor.four) not in rules
