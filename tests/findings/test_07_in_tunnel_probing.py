"""Row 7 (CVE-2019-14899): somebody on the node's network sends packets to tunnel addresses, to learn from the answers
which one is in use and by whom, and to slip segments into a connection inside the tunnel.

The attacker is the router of the node's own network, the strongest place for it: she hands frames to the node herself,
and in the worst case knows the customer's tunnel address and the ports of her connection. Linux answers at every setting
of rp_filter; the node's rule does not depend on it.
"""

import random
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, accepting, sysctl
from tyst.core.wireguard.addresses import ALL_TUNNELS4, ALL_TUNNELS6, NOTICE4, NOTICE6
from tyst.lab.packets import Packet, parse
from tyst.lab.topology import ECHO_V4, ECHO_V6, NETWORKS

pytestmark = pytest.mark.lab

CABLE = "to-se-sto"
ROUTER4, ROUTER6 = NETWORKS["stockholm"].address4(1), NETWORKS["stockholm"].address6(1)
OPEN = ("vp_whence", "vp_input", "vp_forward", "vp_last_out")
PROBES = (packets.SYN, packets.SYN | packets.ACK, packets.RST)
HER_PORT = 40444


def answers(world: World, probes: Sequence[bytes]) -> list[Packet]:
    """What the node sends back from tunnel addresses when the router hands it these packets, up to a last question."""
    asker, node = world.lab["internet"], world.node
    own, far = packets.mac_of(asker, CABLE), packets.mac_of(node, "eth0")
    found: list[Packet] = []
    with packets.link(asker, CABLE) as wire:
        for packet in (*probes, packets.echo(ROUTER4, node.ipv4, 7777)):
            kind = packets.IPV4 if packet[0] >> 4 == 4 else packets.IPV6
            wire.send(packets.ethernet(own, far, kind, packet))
        while not packets.is_echo_reply((frame := wire.recv(2048))[14:], 7777):
            read = parse(frame[14:], leaving=False)
            if read is not None and frame[6:12] == far and (read.src in ALL_TUNNELS4 or read.src in ALL_TUNNELS6):
                found.append(read)
    return found


def probes_of(alice: Device) -> list[bytes]:
    """To the node's own tunnel address (an open port and a closed one) and to hers, each kind of segment.

    Never twice from one port: what an earlier probe left half open would swallow the next.
    """
    fresh = random.sample(range(10_000, 30_000), len(PROBES))
    where = [(target, port) for target in (NOTICE4, alice.four, NOTICE6, alice.six) for port in (80, 81)]
    return [
        packets.tcp(_router(target), target, sport, port, flags)
        for target, port in where
        for sport, flags in zip(fresh, PROBES, strict=True)
    ]


def _router(target: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return ROUTER4 if target.version == 4 else ROUTER6


def slipped_in(world: World, alice: Device, port: int) -> int:
    """How many segments reach her that pretend to come from the web server to which she is connected from this port.

    They are resets, which the server itself sends none of.
    """
    pairs = ((ECHO_V4, alice.four), (ECHO_V6, alice.six))
    for source, _to in pairs:
        assert alice.touches(str(source), 80, port) == "open"
    alice.inbox.clear()
    assert answers(world, [packets.tcp(source, to, 80, port, packets.RST) for source, to in pairs]) == []
    heard = alice.settle()
    return sum(packet.proto == "tcp" and packets.tcp_flags(packet.data) == packets.RST for packet in heard)


@pytest.mark.parametrize("rp_filter", [0, 1, 2])
def test_mallory_on_the_nodes_network_gets_no_answer_from_any_tunnel_address(world: World, rp_filter: int) -> None:
    with world.connected("alice") as alice, sysctl(world.node, **{"ipv4.conf.eth0.rp_filter": rp_filter}):
        with accepting(world.node, *OPEN):
            loud = {(packet.src, packets.tcp_flags(packet.data)) for packet in answers(world, probes_of(alice))}
            open_port, closed_port = packets.SYN | packets.ACK, packets.RST | packets.ACK
            wanted = {(notice, flags) for notice in (NOTICE4, NOTICE6) for flags in (open_port, closed_port)}
            assert wanted <= loud, "without the rules the node answers, whatever rp_filter is"
            assert set(map(str, (ROUTER4, ROUTER6))) <= {str(packet.src) for packet in alice.settle()}
        alice.inbox.clear()
        assert answers(world, probes_of(alice)) == []
        assert alice.from_(ROUTER4) == alice.from_(ROUTER6) == []


def test_mallory_cannot_slip_a_segment_into_alices_connection(world: World) -> None:
    with world.connected("alice") as alice:
        with accepting(world.node, *OPEN):
            assert slipped_in(world, alice, HER_PORT) == 2, "without the rules she hears them"
        assert slipped_in(world, alice, HER_PORT + 1) == 0
