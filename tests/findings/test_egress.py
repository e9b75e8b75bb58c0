"""By which address customers leave: one of the node's pool, the same for a device that comes again, another's draw at
another node; over IPv6 an address of her own where a prefix is routed to the node, the node's elsewhere, and none at
all, nor any leak beside the tunnel, when she switched IPv6 off.
"""

import socket
from contextlib import AbstractContextManager, closing
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import NODE, OTHER, World, accepting, forget_flows, without
from tyst.fleet.command import _span
from tyst.journey.person import Person
from tyst.lab.topology import ECHO_V4, ECHO_V6, EXIT6, POOLS

pytestmark = pytest.mark.lab

PORT = 4099
ROUTED = EXIT6[NODE]


def pool(node: str) -> set[IPv4Address]:
    return {one for one in _span(POOLS[node]["exit"]) if isinstance(one, IPv4Address)}


def ear(world: World, family: int) -> socket.socket:
    """A server on the internet that hears datagrams."""
    one = world.lab["web"].socket(family, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((str(ECHO_V4 if family == socket.AF_INET else ECHO_V6), PORT))
    one.settimeout(3.0)
    return one


def seen4(world: World, device: Device) -> IPv4Address:
    """The address from which the web hears a device."""
    with closing(ear(world, socket.AF_INET)) as heard:
        device.send(packets.udp(device.four, ECHO_V4, 5000, PORT, b"hello"))
        return IPv4Address(heard.recvfrom(99)[1][0])


def seen6(world: World, device: Device) -> tuple[IPv6Address, int]:
    """The same for IPv6, with the port."""
    with closing(ear(world, socket.AF_INET6)) as heard:
        device.send(packets.udp(device.six, ECHO_V6, 5000, PORT, b"hello"))
        whence = heard.recvfrom(99)[1]
        return IPv6Address(whence[0].partition("%")[0]), int(whence[1])


def test_a_device_leaves_by_one_address_of_the_pool_and_again_by_the_same_one(world: World) -> None:
    keys = [private for one in world.customers(12) for private in one.devices]
    drawn: dict[str, list[IPv4Address]] = {NODE: [], OTHER: []}
    for node, found in drawn.items():
        for private in keys:
            with world.connected("charlie", private, node) as device:
                found.append(seen4(world, device))
        assert set(found) <= pool(node) and world.lab[node].ipv4 not in found
        # All by one address: once in 8^11, and in 2^11 at the smaller pool.
        assert len(set(found)) > 1
    forget_flows(world.node)  # a flow that goes on would tell nothing
    with world.connected("bob", keys[0]) as again:
        assert seen4(world, again) == drawn[NODE][0], "from wherever she comes"
    with without(world.node, "vp_nat_out", "vp_exit4"), world.connected("charlie") as device:
        assert seen4(world, device) == world.node.ipv4, "without our rule everybody leaves by the node's own address"


def test_openvpn_leaves_by_the_pool_too_and_by_the_same_address_after_a_reconnection(world: World) -> None:
    alice, person = world.customer(0), Person(world.lab["alice"])
    seen = []
    for _ in range(2):
        with world.openvpn("alice", alice) as client:
            assert client.process.poll() is None and IPv6Address(person.address(6)) in ROUTED
            words = ["curl", "-s", "-4", "-m", "5", "http://echo.test/json"]
            seen.append(world.lab["alice"].run(words, check=False, timeout=15).stdout)
    first, second = (ip_address(text.split('"')[3]) for text in seen)
    assert first == second and first in pool(NODE)


def test_over_ipv6_each_has_an_address_of_her_own_where_a_prefix_is_routed(world: World) -> None:
    privates = [world.customer().devices[0] for _ in range(2)]
    with world.connected("charlie", privates[0]) as alice, world.connected("mallory", privates[1]) as bob:
        (hers, port), (his, _) = seen6(world, alice), seen6(world, bob)
        assert hers in ROUTED and his in ROUTED and hers != his
        assert not knocked(world, alice, hers, port + 1), "what she didn't ask for is dropped"
        with accepting(world.node, "vp_forward"), _led_in(world, hers, alice.six):
            assert knocked(world, alice, hers, port + 1), "our rules are what drops it"
    forget_flows(world.node)
    with world.connected("charlie", privates[0]) as again:
        assert seen6(world, again)[0] == hers
    with world.connected("charlie", privates[0], OTHER) as elsewhere:
        assert seen6(world, elsewhere)[0] == world.other.ipv6, "no prefix: NAT66, by the node's own"


def knocked(world: World, device: Device, target: IPv6Address, port: int) -> bool:
    """Whether a datagram from the web to an address of the prefix comes out of the device's tunnel."""
    device.inbox.clear()
    with closing(world.lab["web"].socket(socket.AF_INET6, socket.SOCK_DGRAM)) as caller:
        caller.sendto(b"knock", (str(target), port))
    words = ["ping", "-6", "-n", "-c", "1", "-W", "2", str(target)]
    assert world.lab["web"].run(words, check=False, timeout=10).returncode != 0
    return any(packet.dport == port for packet in device.settle())


def _led_in(world: World, outer: IPv6Address, inner: IPv6Address) -> AbstractContextManager[None]:
    rule = f"ip6 daddr {outer} meta l4proto udp dnat ip6 to {inner}"
    return accepting(world.node, "vp_nat_in", rule=rule)


def test_ipv6_switched_off_is_blocked_in_the_tunnel_and_never_leaks_beside_it(world: World) -> None:
    for one, up in ((world.customer(), True), (world.customer(), False)):
        world.sql("UPDATE account SET has_ipv6 = ? WHERE handle = ?", int(up), one.handle)
        with world.wireguard("alice", one.devices[0]) as person:
            assert person.address(4) and bool(person.address(6)) == up
            assert person.address(6) != str(world.lab["alice"].ipv6)
    with world.openvpn("alice", one):
        assert person.address(4) and not person.address(6)
    assert person.address(6) == str(world.lab["alice"].ipv6), "without a tunnel she would be seen by her own"
    with world.connected("charlie", one.devices[0]) as device, closing(ear(world, socket.AF_INET6)) as heard:
        device.send(packets.udp(device.six, ECHO_V6, 5000, PORT, b"hello"))
        device.settle()
        heard.settimeout(0.2)
        with pytest.raises(TimeoutError):
            heard.recvfrom(99)
        with accepting(world.node, "vp_leave"):
            forget_flows(world.node)
            device.send(packets.udp(device.six, ECHO_V6, 5001, PORT, b"hello"))
            heard.settimeout(3.0)
            assert heard.recvfrom(99)[0] == b"hello", "without our rule it would go out"
