"""Row 54: a program of the node keeps in its memory who was connected, after she is gone.

Every process of both nodes is searched for the visitor's addresses, key, name, password, payloads and the names she
looked up. At the node in the strict profile nobody else is connected any more: there nothing at all may be left a minute
after her tunnel's end. At the other, tunnels are open: there what `records/inventory.toml` declares of programs that
we did not write may be left.
"""

import pytest

from tests.findings.visitor import IN_MEMORY
from tests.findings.world import NODE, OTHER, World
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

WITHIN = 60


def test_while_she_is_there_the_scan_finds_her_where_she_must_be(world: World) -> None:
    for name in (NODE, OTHER):
        during = world.visitor.during[name]
        assert {("wireguard-go", "phone.address4"), ("wireguard-go", "phone.key"), ("tyst node", "phone.key")} <= during
        assert ("unbound", "phone.name1") in during
        assert ("wireguard-go", f"phone.agreed.{name}") in during, "the key that she and the node agreed on"
    strict = world.visitor.during[OTHER]
    assert {("openvpn", "phone.address4"), ("openvpn", "phone.username"), ("unbound", "phone.name2")} <= strict
    assert not any(mark == "phone.password" for _, mark in strict - {("openvpn", "phone.password")})


def test_a_minute_after_her_end_nothing_of_her_is_in_the_memory_of_a_node_that_nobody_uses(world: World) -> None:
    world.visitor.gone()
    host = world.lab[OTHER]
    assert world.peers(OTHER) == set(), "the tests that used this node have left it"
    wait_until(lambda: world.visitor.seen(host, IN_MEMORY) == set(), within=WITHIN, every=2, what="all of her to go")


def test_a_minute_after_her_end_a_busy_node_holds_no_more_than_is_declared(world: World) -> None:
    world.visitor.gone()
    host, allowed = world.lab[NODE], world.visitor.declared()
    with world.connected("bob") as bob:
        assert bob.settle()
        wait_until(
            lambda: world.visitor.seen(host, IN_MEMORY, allowed) == set(), within=WITHIN, every=2, what="her to go"
        )
