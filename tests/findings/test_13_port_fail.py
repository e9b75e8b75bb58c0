"""Row 13 (Port Fail): Mallory forwards a port on the node that Alice is connected to, and has her open it, say by an
image on a page. Her system reaches the node's own address outside of the tunnel (`redirect-gateway def1` sets a route
for exactly that address), so if the port is there, Mallory sees where she lives.

No port is ever forwarded on an address to which people connect. On the address by which tunnels leave she comes through
her tunnel: from the same node she is let through to nobody, from another node she is seen as that node's exit.
"""

import socket

import pytest

from tests.findings.device import Device
from tests.findings.forwarding import exit_of, natpmpc, port_for, tunnelled
from tests.findings.world import OTHER, World, accepting, nft
from tyst.lab.host import Host
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

PORT, INNER = 23232, 4000


def seen_by(mallory: Device, caller: Host, at: tuple[str, int], within: float = 4.0) -> str:
    """From which address somebody's datagram to a port came out of Mallory's tunnel; '' when it did not."""
    with caller.socket(socket.AF_INET, socket.SOCK_DGRAM) as call:
        call.sendto(b"an image, please", at)
    heard = mallory.hears(lambda packet: b"an image" in packet, within)
    return socket.inet_ntoa(heard[12:16]) if heard else ""


def test_a_forwarded_port_never_shows_mallory_where_alice_lives(world: World) -> None:
    alice, web, own = world.lab["alice"], world.lab["web"], str(world.node.ipv4)
    with world.openvpn("alice", world.customer()), world.connected("mallory") as mallory:
        route = alice.run(["ip", "route", "get", own]).stdout
        assert "dev eth0" in route, "her way to the node itself lies outside of the tunnel"
        key = f"udp . {own} . {PORT}"
        nft(world.node, f"add element inet tyst vp_ports4 {{ {key} timeout 60s : {mallory.four} . {INNER} }}")
        led = f"ip daddr {own} dnat ip to meta l4proto . ip daddr . th dport map @vp_ports4"
        with accepting(world.node, "vp_nat_in", rule=led), accepting(world.node, "vp_inbound"):
            assert seen_by(mallory, alice, (own, PORT)) == str(alice.ipv4), "that is how it is done"
        assert seen_by(mallory, alice, (own, PORT), 0.5) == "", "not even with such a lease in the map"
        nft(world.node, f"delete element inet tyst vp_ports4 {{ {key} }}")

        at = (str(exit_of(mallory)), port_for(mallory, INNER))
        with Watch(alice, "eth0", f"host {at[0]}") as outside:
            assert seen_by(mallory, alice, at, 0.5) == ""
            assert outside.count() == 0, "she asks for the exit's address in her tunnel"
        assert seen_by(mallory, web, at) == str(web.ipv4), "while it works for others"


def test_through_another_node_mallory_sees_that_nodes_exit(world: World) -> None:
    with world.connected("mallory") as mallory, tunnelled(world, "alice", OTHER):
        at = (str(exit_of(mallory)), port_for(mallory, INNER))
        alice = world.lab["alice"]
        assert seen_by(mallory, alice, at) == natpmpc(alice, 4000, "udp").address != str(alice.ipv4)
