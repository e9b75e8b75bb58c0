"""Row 18: a customer's device sends from an address inside its tunnel that is not its own: a neighbour's, a private one,
a stranger's, the node's. Two things stand against it: WireGuard takes from a peer only its own addresses, and the
firewall only addresses of open tunnels. OpenVPN's server does the former for its own clients.

What gets through is looked for at a web server: Mallory numbers her packets, and the last one is honest.
"""

import base64
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, accepting
from tyst.core.openvpn.server import Range
from tyst.core.wireguard.addresses import NOTICE4, RESOLVER4
from tyst.lab.topology import ECHO_V4, ECHO_V6, PLACES
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

Address = IPv4Address | IPv6Address
PORT = 40018
STRANGERS4: tuple[Address, ...] = (
    *map(IPv4Address, ("172.31.9.9", "192.168.3.4", "198.18.2.99", "127.0.0.1", "0.0.0.0", "224.0.0.5", "10.200.9.9")),
    *(PLACES["bob"].ipv4, PLACES["se-sto"].ipv4, PLACES["control"].ipv4, RESOLVER4, NOTICE4),
)
STRANGERS6: tuple[Address, ...] = (
    *map(IPv6Address, ("fe80::9", "::1", "fd99::9", "2001:db8:e::99", "fd74:7973:7400:1::9", "fd74:7973:7400:2::9")),
    *(PLACES["bob"].ipv6, PLACES["se-sto"].ipv6, PLACES["control"].ipv6),
)


@pytest.fixture(scope="module")
def web(world: World) -> Iterator[Watch]:
    """What comes to the web server's port."""
    with Watch(world.lab["web"], "eth0", f"udp dst port {PORT}", leaving=False) as watch:
        yield watch


def arrived(send: Callable[[bytes], object], web: Watch, own: Address, sources: Sequence[Address]) -> set[Address]:
    """From which of these sources packets reach the web server, whatever they are rewritten to on the way."""
    before, target = web.count(), ECHO_V4 if own.version == 4 else ECHO_V6
    told = [b"%d" % number for number in range(len(sources))]
    for source, text in (*zip(sources, told, strict=True), (own, b"honest")):
        send(packets.udp(source, target, 1234, PORT, text))

    def seen() -> set[bytes]:
        return {packets.payload_of(packet.data) for packet in web.packets[before:]}

    wait_until(lambda: b"honest" in seen(), within=5, every=0.005, what="the honest packet, which was sent last")
    return {sources[told.index(text)] for text in seen() & set(told)}


@contextmanager
def taken_from(world: World, mallory: Device, *more: str) -> Iterator[None]:
    """WireGuard takes other addresses too from Mallory's peer: as if its check were not there."""
    key = base64.b64encode(mallory.public).decode()
    own = [str(mallory.four), str(mallory.six)]
    world.node.run(["wg", "set", "wg-tyst", "peer", key, "allowed-ips", ",".join([*own, *more])])
    try:
        yield
    finally:
        world.node.run(["wg", "set", "wg-tyst", "peer", key, "allowed-ips", ",".join(own)])


@contextmanager
def firewall_without(world: World, *chains: str) -> Iterator[None]:
    """The node lets these chains pass, and rewrites whatever leaves."""
    with accepting(world.node, *chains), accepting(world.node, "vp_nat_out", rule="masquerade"):
        yield


@pytest.mark.parametrize(
    ("strangers", "unassigned"),
    [(STRANGERS4, IPv4Address("10.200.9.9")), (STRANGERS6, IPv6Address("fd74:7973:7400:1::9"))],
    ids=["IPv4", "IPv6"],
)
def test_mallory_cannot_send_from_an_address_that_is_not_hers(
    world: World, web: Watch, strangers: tuple[Address, ...], unassigned: Address
) -> None:
    with world.connected("mallory") as mallory:
        own = mallory.source(strangers[0])
        with taken_from(world, mallory, "0.0.0.0/0" if own.version == 4 else "::/0"):
            with firewall_without(world, "vp_whence", "vp_leave"):
                through = arrived(mallory.send, web, own, strangers)
                assert {PLACES["bob"].ipv4, PLACES["bob"].ipv6} & through and len(through) >= 5, "without both checks"
            with firewall_without(world, "vp_leave"):
                assert arrived(mallory.send, web, own, strangers) == {unassigned}, "the sets alone know that it is free"
            assert arrived(mallory.send, web, own, strangers) == set(), "the firewall alone stops all of it"
        with firewall_without(world, "vp_whence", "vp_leave"):
            assert arrived(mallory.send, web, own, strangers) == set(), "WireGuard alone stops all of it"
        assert arrived(mallory.send, web, own, strangers) == set()


def test_mallory_cannot_send_as_alice_who_is_connected(world: World, web: Watch) -> None:
    with world.connected("alice") as alice, world.connected("mallory") as mallory:
        for hers, own in ((alice.four, mallory.four), (alice.six, mallory.six)):
            assert arrived(alice.send, web, hers, [hers]) == {hers}, "she herself can"
            assert arrived(mallory.send, web, own, [hers]) == set()


def test_mallory_cannot_send_from_another_address_over_openvpn(world: World, web: Watch) -> None:
    host = world.lab["mallory"]
    with world.openvpn("mallory", world.customer()), world.connected("bob") as bob:
        own, _ = world.tunnel_addresses("mallory", "tun0")
        strangers = [Range(0).pick(7).four, Range(1).pick(7).four, IPv4Address("172.31.9.9"), bob.four]
        with host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:

            def send(packet: bytes) -> None:
                raw.sendto(packet, (str(ECHO_V4), 0))

            with firewall_without(world, "vp_whence", "vp_leave"):
                assert arrived(send, web, own, [own, *strangers]) == {own}, "openvpn itself refuses them"
            assert arrived(send, web, own, [own, *strangers]) == {own}
