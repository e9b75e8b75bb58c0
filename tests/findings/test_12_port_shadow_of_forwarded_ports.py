"""Row 12 (port shadow: eviction, rerouting, path MTU): Mallory sends from inside her tunnel from a port that is somebody
else's: one that is forwarded to Alice, one on which the node listens, its resolver's, its port gateway's. Where the node
keeps her port and her flow comes first, what others send to that port is taken for the answer to hers.

The node lets nobody leave by a port that can be forwarded or listened on, and by no address on which it listens. Row 11
tries its listeners one by one; here it is all of them, and the forwarded ports.
"""

import json
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.forwarding import TCP, UDP, exit_of, neighbours, port_for
from tests.findings.world import NODE, OTHER, World, accepting, forget_flows, nft, replaced, without
from tyst.core.wireguard.addresses import RESOLVER4
from tyst.lab.host import Host

pytestmark = pytest.mark.lab

HIS_PORT = 4000
LISTENERS = ((UDP, 51820), (UDP, 1194), (TCP, 443), (UDP, 53), (TCP, 53), (UDP, 5351))
BUILD = {UDP: packets.udp, TCP: packets.tcp}


DEAF = f"table inet deaf {{ chain in {{ type filter hook input priority 0; tcp dport {HIS_PORT} drop; }}; }}"


@pytest.fixture(autouse=True)
def charlie_is_deaf(world: World) -> Iterator[None]:
    """His machine says nothing about segments that it did not ask for, so that a flow stays as it is."""
    nft(world.lab["charlie"], DEAF)
    yield
    nft(world.lab["charlie"], "delete table inet deaf")


@contextmanager
def keeping_ports(host: Host) -> Iterator[None]:
    """The node as most are: tunnels leave by any port, and keep their own where it is free."""
    with replaced(host, "vp_nat_out", r":\d+-\d+$", lambda rule: re.sub(r"( to)? ?:\d+-\d+$", "", rule)):
        forget_flows(host)
        yield


@contextmanager
def naive(host: Host) -> Iterator[None]:
    """And by the node's own address, with every flow tracked and every source port allowed."""
    with ExitStack() as stack:
        stack.enter_context(keeping_ports(host))
        stack.enter_context(replaced(host, "vp_nat_out", r"snat ip6? to ", lambda _: "meta mark 0xdead drop"))
        for chain in ("vp_first", "vp_first_out"):
            stack.enter_context(without(host, chain, "notrack$"))
        stack.enter_context(without(host, "vp_leave", r"^(udp|tcp) sport .* drop$"))
        forget_flows(host)
        yield


def call(caller: Host, proto: int, at: tuple[str, int]) -> None:
    """One packet from `HIS_PORT`, by hand."""
    with caller.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(BUILD[proto](caller.ipv4, at[0], HIS_PORT, at[1]), (at[0], 0))


def calls_of(device: Device, caller: Host, proto: int) -> int:
    """How many such calls came out of a device's tunnel."""
    device.settle()
    name = "udp" if proto == UDP else "tcp"
    found = [one for one in device.from_(caller.ipv4) if one.proto == name and one.sport == HIS_PORT]
    device.inbox.clear()
    return len([one for one in found if name == "udp" or packets.tcp_flags(one.data) == packets.SYN])


@pytest.mark.parametrize("proto", [UDP, TCP])
def test_mallory_cannot_shadow_alices_forwarded_port(world: World, proto: int) -> None:
    charlie, other = world.lab["charlie"], world.other
    with neighbours(world, OTHER) as (alice, mallory):
        at = (str(exit_of(alice)), port_for(alice, 4000, proto))
        assert at[1], "alice has her port"
        for keeps in (True, False):
            forget_flows(other)
            with keeping_ports(other) if keeps else ExitStack():
                mallory.send(BUILD[proto](mallory.four, charlie.ipv4, at[1], HIS_PORT))
                mallory.settle()
                mallory.inbox.clear()
                call(charlie, proto, at)
                if keeps:
                    mallory.hears(lambda packet: charlie.ipv4.packed in packet[:20])
                else:
                    alice.hears(lambda packet: charlie.ipv4.packed in packet[:20])
                seen = calls_of(alice, charlie, proto), calls_of(mallory, charlie, proto)
            assert seen == ((0, 1) if keeps else (1, 0)), "(alice, mallory)"


def test_mallory_cannot_shadow_any_port_of_the_nodes_own(world: World) -> None:
    charlie, node = world.lab["charlie"], str(world.node.ipv4)
    with world.connected("mallory") as mallory:
        for expected in (True, False):
            with naive(world.node) if expected else ExitStack():
                for proto, port in LISTENERS:
                    mallory.send(BUILD[proto](mallory.four, charlie.ipv4, port, HIS_PORT))
                mallory.settle()
                mallory.inbox.clear()
                caught = []
                for proto, port in LISTENERS:
                    call(charlie, proto, (node, port))
                    if expected:
                        mallory.hears(lambda packet: charlie.ipv4.packed in packet[:20])
                    else:
                        charlie.run(["ping", "-n", "-c1", "-W3", node])
                    if calls_of(mallory, charlie, proto):
                        caught.append((proto, port))
            missed = [one for one in LISTENERS if one not in caught]
            assert (missed if expected else caught) == []


def quoting(world: World, mallory: Device, charlie: Host) -> bytes:
    """'Too big, at most 600 bytes' about the node's own packets to Charlie, from inside Mallory's tunnel (RFC 1191)."""
    about = packets.udp(world.node.ipv4, charlie.ipv4, 51820, HIS_PORT, bytes(1200))[:28]
    body = struct.pack("!BBHHH", 3, 4, 0, 0, 600) + about
    body = body[:2] + struct.pack("!H", packets.checksum(body)) + body[4:]
    return packets.ip(mallory.four, RESOLVER4, packets.ICMP, body)


def path_mtu(node: Host, to: Host) -> int:
    """What the node takes for the largest packet on its way to a host; 0 when it was told nothing."""
    (route,) = json.loads(node.run(["ip", "-json", "route", "get", str(to.ipv4)]).stdout)
    return int(next((one["mtu"] for one in route.get("metrics", ()) if "mtu" in one), 0))


def test_mallory_cannot_shrink_the_nodes_packets_to_others(world: World) -> None:
    charlie, node = world.lab["charlie"], world.lab[NODE]
    with world.connected("mallory") as mallory:
        mallory.send(quoting(world, mallory, charlie))
        mallory.settle()
        assert path_mtu(node, charlie) == 0
        try:
            with accepting(node, "vp_services"):
                mallory.send(quoting(world, mallory, charlie))
                mallory.settle()
                assert path_mtu(node, charlie) == 600, "without the rule the node believes her"
        finally:
            node.run(["ip", "route", "flush", "cache"])
