"""Row 15: one customer's device reaches another's through the node: by its tunnel address, by multicast or broadcast.

Bob has a tunnel of each protocol and so has Alice; whatever he sends at her, nothing of it comes out of hers.
"""

from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, accepting
from tyst.core.openvpn.server import Range
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

Address = IPv4Address | IPv6Address
EVERYONE = tuple(map(IPv4Address, ("224.0.0.1", "224.0.0.251", "239.255.255.250", "255.255.255.255", "10.255.255.255")))
EVERYONE6 = tuple(map(IPv6Address, ("ff02::1", "ff02::2", "ff05::1", "ff0e::1")))


def shower(bob: Device, *targets: Address) -> None:
    """Each kind of packet from Bob's tunnel address to each target; when this returns, all have passed the node."""
    for target in targets:
        own = bob.source(target)
        bob.send(packets.echo(own, target, 99))
        bob.send(packets.udp(own, target, 5353, 5353, b"from bob"))
        bob.send(packets.tcp(own, target, 30001, 22))
        bob.send(packets.tcp(own, target, 30001, 22, packets.SYN | packets.ACK))
    bob.settle()


def from_bob(alice: Device, bob: Device) -> list[str]:
    """What she heard of him, after a last question of her own."""
    alice.settle()
    return [packet.proto for packet in (*alice.from_(bob.four), *alice.from_(bob.six))]


def test_bob_cannot_reach_alice_by_her_tunnel_addresses(world: World) -> None:
    with world.connected("alice") as alice, world.connected("bob") as bob:
        with accepting(world.node, "vp_leave"):
            shower(bob, alice.four, alice.six)
            assert sorted(from_bob(alice, bob)) == ["icmp", "icmp6", "tcp", "tcp", "tcp", "tcp", "udp", "udp"]
        alice.inbox.clear()
        shower(bob, alice.four, alice.six, *EVERYONE, *EVERYONE6)
        assert from_bob(alice, bob) == [], "neither by her address nor by everybody's"


def test_bob_cannot_reach_alices_openvpn_tunnel_nor_she_bobs_wireguard(world: World) -> None:
    with world.openvpn("alice", world.customer()), world.connected("bob") as bob:
        her4, her6 = world.tunnel_addresses("alice", "tun0")
        assert her4 in Range(0).net4 and her6 in Range(0).net6
        with Watch(world.lab["alice"], "tun0", leaving=False) as heard:
            with accepting(world.node, "vp_leave"):
                shower(bob, her4, her6)
                heard.wait_for(
                    lambda packet: packet.src == bob.six and packet.proto == "tcp", what="bob, without the rule"
                )
            before = heard.count()
            shower(bob, her4, her6)
            world.lab["alice"].run(["ping", "-n", "-c1", "-W2", "10.0.0.1"])
            assert {str(packet.src) for packet in heard.packets[before:]} == {"10.0.0.1"}
        bob.inbox.clear()
        for target in (bob.four, bob.six):
            world.lab["alice"].run(["ping", "-n", "-c1", "-W1", str(target)], check=False)
        bob.settle()
        assert bob.from_(her4) == bob.from_(her6) == []
