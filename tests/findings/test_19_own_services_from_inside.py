"""Row 19: a customer scans the node from inside her tunnel. It must be deaf but for its resolver, its gateway for forwarded
ports and its notice page.

Every kind of address that the node has is tried, at the first 1,024 ports and at every port on which anything listens there;
an ear on port 2222 stands for whatever an operator may run. DNS is answered at any address on purpose (it is led to
the resolver), and HTTPS at the notice page is refused at once, so that no browser waits.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from dnslib import DNSRecord

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, accepting
from tyst.core import natpmp
from tyst.core.faces import CLEAN, HTTPS_PORT, PLAIN, TLS_PORT
from tyst.core.firewall import GARDEN_DNS_PORT
from tyst.core.openvpn.server import Range
from tyst.core.wireguard.addresses import NOTICE4, NOTICE6, RESOLVER4, RESOLVER6
from tyst.lab.packets import Packet

pytestmark = pytest.mark.lab

EAR = 2222
WELL_KNOWN = range(1, 1025)
QUESTION = b"\x12\x12" + DNSRecord.question("echo.test").pack()[2:]
"""DNS; to the gateway for forwarded ports, a version of PCP that there is not."""
FROM = 31000
Touch = tuple[str, str, int]
"""(what came back, address, port)."""


@pytest.fixture(scope="module")
def targets(world: World) -> Iterator[list[str]]:
    """Every address of the node, and an ear at each."""
    own = [RESOLVER4, CLEAN.four, NOTICE4, Range(0).gateway4, Range(1).gateway4, world.node.ipv4]
    own6 = [RESOLVER6, CLEAN.six, NOTICE6, Range(0).gateway6, Range(1).gateway6, world.node.ipv6]
    with ExitStack() as stack:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            ear = stack.enter_context(world.node.socket(socket.AF_INET6, kind))
            ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            ear.bind(("::", EAR))
            if kind == socket.SOCK_STREAM:
                ear.listen(64)
        yield [*map(str, own), *map(str, own6), _link_local(world)]


def _link_local(world: World) -> str:
    text = world.node.run(["ip", "-6", "-o", "addr", "show", "dev", "wg-tyst", "scope", "link"]).stdout
    found: list[str] = re.findall(r"inet6 (\S+)/", text)
    return found[0]


def ports_of(world: World) -> list[int]:
    """The ports to try: those that everybody tries, and those on which something listens."""
    said = world.node.run(["ss", "-Hlntu"]).stdout
    listening = {int(line.split()[4].rpartition(":")[2]) for line in said.splitlines()}
    assert EAR in listening and 51820 in listening
    return sorted({*WELL_KNOWN, *listening})


def scan(device: Device, targets: list[str], ports: list[int], garden: bool = False) -> set[Touch]:
    """All that comes back: TCP 'open' and 'refused', anything else under its protocol's name."""
    found: set[Touch] = set()
    for target in targets:
        device.inbox.clear()
        for number, port in enumerate(ports):
            device.send(packets.tcp(device.source(target), target, FROM, port))
            device.send(packets.udp(device.source(target), target, FROM, port, QUESTION))
            if number % 50 == 0:  # no faster than the node takes them: a lost packet would be an open port unseen
                device.settle(garden)
        device.settle(garden)
        if target == str(RESOLVER4) and natpmp.PORT in ports and not device.from_port(natpmp.PORT):
            device.hears(lambda packet: packet[20:22] == natpmp.PORT.to_bytes(2), 3.0)  # a program answers
        found |= {_touch(packet) for packet in device.packets() if packet.proto in ("tcp", "udp")}
        number = 4321
        device.send(packets.echo(device.source(target), target, number))
        device.settle(garden)
        found |= {("echo", target, 0) for packet in device.inbox if packets.is_echo_reply(packet, number)}
    return found


def _touch(packet: Packet) -> Touch:
    kind = packet.proto
    if kind == "tcp":
        kind = "open" if packets.tcp_flags(packet.data) & packets.SYN else "refused"
    return kind, str(packet.src), packet.sport or 0


def dns_at(targets: list[str]) -> set[Touch]:
    """DNS at each of these: whomever a customer asks, the node's resolver answers."""
    return {(kind, target, 53) for target in targets for kind in ("open", "udp")}


def test_alice_finds_the_resolver_and_the_notice_page_and_nothing_else(world: World, targets: list[str]) -> None:
    notices = (str(NOTICE4), str(NOTICE6))
    resolvers = [str(address) for face in (PLAIN, CLEAN) for address in (face.four, face.six)]
    tls = {("open", resolver, port) for resolver in resolvers for port in (HTTPS_PORT, TLS_PORT)}
    page = {(kind, notice, port) for notice in notices for kind, port in (("open", 80), ("refused", 443))}
    pings = {("echo", service, 0) for service in (*resolvers, *notices)} | {("udp", str(RESOLVER4), natpmp.PORT)}
    with world.connected("bob") as bob, accepting(world.node, "vp_services"):
        bare = scan(bob, targets, [EAR, EAR + 1])
        assert {("open", target, EAR) for target in targets} <= bare, "without the rules the ear is heard"
    with world.connected("alice") as alice:
        assert scan(alice, targets, ports_of(world)) == dns_at(targets) | tls | page | pings


def test_bob_in_the_garden_finds_the_gardens_dns_and_the_notice_page(world: World, targets: list[str]) -> None:
    six = [target for target in targets if ":" in target]
    http = {("open", target, 80) for target in six}
    rest = {("echo", str(RESOLVER6), 0), ("echo", str(NOTICE6), 0), ("refused", str(NOTICE6), 443)}
    rest |= {(kind, str(RESOLVER6), GARDEN_DNS_PORT) for kind in ("open", "udp")}
    with world.connected("bob", world.customer(paid=False).devices[0]) as bob:
        assert scan(bob, six, ports_of(world), garden=True) == dns_at(six) | http | rest, "any HTTP is the notice page"
