"""Row 6: a neighbour asks the whole network who has a tunnel address, and the node must not say that it does.

The neighbour is the router of the node's own network. Each time the last question is one that the node does answer,
about its public address: a node answers in order, so what has not been answered by then never will be.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from tests.findings import packets
from tests.findings.world import World, every, sysctl
from tyst.core.openvpn.server import Range
from tyst.core.wireguard.addresses import NOTICE4, NOTICE6, RESOLVER4, RESOLVER6
from tyst.lab.topology import NETWORKS

pytestmark = pytest.mark.lab

Address = IPv4Address | IPv6Address
CABLE = "to-se-sto"
OWN4 = [RESOLVER4, NOTICE4, Range(0).gateway4, Range(1).gateway4]
OWN6 = [RESOLVER6, NOTICE6, Range(0).gateway6, Range(1).gateway6]
IGNORE = "ipv4.conf.all.arp_ignore"


def who_answers(world: World, wanted: list[Address]) -> list[Address]:
    """Which of these addresses the node says it has, when its neighbour asks for each, for its public one last."""
    asker, node = world.lab["internet"], ip_address(str(world.node.ipv4 if wanted[0].version == 4 else world.node.ipv6))
    network = NETWORKS["stockholm"]
    own: Address = network.address4(1) if node.version == 4 else network.address6(1)
    mac = packets.mac_of(asker, CABLE)
    said: list[Address] = []
    with packets.link(asker, CABLE) as wire:
        for address in (*wanted, node):
            wire.send(packets.who_has(mac, own, address))
        while node not in said:
            answer = packets.announced(wire.recv(2048))
            said += [answer] if answer in (*wanted, node) else []
    return [address for address in said if address != node]


def test_mallory_beside_the_node_learns_no_tunnel_address_by_arp(world: World) -> None:
    with sysctl(world.node, **{IGNORE: 0}):
        assert set(who_answers(world, list(OWN4))) == set(OWN4), "as Linux comes, it answers for every address it has"
    with world.connected("alice") as alice:
        assert who_answers(world, [*OWN4, alice.four]) == []


def test_mallory_beside_the_node_learns_no_tunnel_address_by_neighbour_discovery(world: World) -> None:
    with sysctl(world.node, **{"ipv6.conf.eth0.proxy_ndp": 1, "ipv6.neigh.eth0.proxy_delay": 0}):
        every(world.node, *(["ip", "neigh", "add", "proxy", str(address), "dev", "eth0"] for address in OWN6))
        assert set(who_answers(world, list(OWN6))) == set(OWN6), "a node that answers for them would be seen"
        every(world.node, *(["ip", "neigh", "del", "proxy", str(address), "dev", "eth0"] for address in OWN6))
    with world.connected("alice") as alice:
        assert who_answers(world, [*OWN6, alice.six]) == []
