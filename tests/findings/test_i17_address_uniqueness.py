"""I17: no two open tunnels share an inner address, although two keys may derive the same IPv4 address.

Twins exist in any crowd: among six thousand keys two share an address as often as not. WireGuard would silently move
the address to the second of them (shown first). Addresses are not held back for ten minutes, as the invariant has it:
they belong to keys, and whatever flow another owner left is purged when one opens (`tests/unit/node/test_flows.py`).
OpenVPN draws its addresses: `tests/unit/node/openvpn/test_door.py`.
"""

import base64
import os
from collections.abc import Iterator

import pytest

from tests.findings.world import NODE, Customer, World, public_of
from tyst.core.wireguard.addresses import address4, address6
from tyst.lab.topology import ECHO_V4, ECHO_V6, is_exit
from tyst.lab.wait import wait_until
from tyst.lab.wireguard import wg_show

pytestmark = pytest.mark.lab

MOST = 60_000


def find_twins() -> tuple[bytes, bytes]:
    """Two private keys whose public keys have the same IPv4 address."""
    seen: dict[object, bytes] = {}
    for _ in range(MOST):
        private = os.urandom(32)
        address = address4(public_of(private))
        if address in seen:
            return seen[address], private
        seen[address] = private
    raise AssertionError(f"no twins among {MOST} keys: less likely than being struck by lightning")


@pytest.fixture(scope="module")
def twins(world: World) -> Iterator[tuple[Customer, Customer]]:
    alice, bob = world.customers(2, 0)
    for one, private in zip((alice, bob), find_twins(), strict=True):
        world.register(one, private)
    yield alice, bob
    for one in (alice, bob):
        world.sql("DELETE FROM account WHERE handle = ?", one.handle)


def allowed(world: World) -> dict[str, list[str]]:
    """Each peer's inner addresses, as WireGuard has them."""
    lines = wg_show(world.node, "allowed-ips").splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines}


def test_wireguard_itself_would_take_the_address_from_alice(world: World) -> None:
    first, second = (base64.b64encode(public_of(os.urandom(32))).decode() for _ in range(2))
    for key in (first, second):
        world.node.run(["wg", "set", "wg-tyst", "peer", key, "allowed-ips", "10.99.99.99/32"])
    assert allowed(world)[first] == ["(none)"] and allowed(world)[second] == ["10.99.99.99/32"]
    for key in (first, second):
        world.node.run(["wg", "set", "wg-tyst", "peer", key, "remove"])


def test_bob_whose_address_alice_has_takes_nothing_from_her(world: World, twins: tuple[Customer, Customer]) -> None:
    alices, bobs = (one.devices[0] for one in twins)
    with world.connected("alice", alices) as alice, world.wireguard("bob", bobs) as bob:
        assert alice.settle()
        wait_until(lambda: is_exit(NODE, bob.address(6)), within=30, what="Bob to be let out over IPv6")
        assert bob.address(4, within=2) == "", "he has no IPv4 address"
        ours = {name: base64.b64encode(public_of(key)).decode() for name, key in (("alice", alices), ("bob", bobs))}
        held = allowed(world)
        assert set(held[ours["alice"]]) == {f"{alice.four}/32", f"{alice.six}/128"}
        assert held[ours["bob"]] == [f"{address6(public_of(bobs))}/128"]
        for target in (ECHO_V4, ECHO_V6):
            assert alice.ping(target), "everything of hers is still hers"
        alice.inbox.clear()
        bob.ping(str(ECHO_V4)), bob.ping("10.0.0.1")
        assert all(packet.proto == "icmp" for packet in alice.settle()) and len(alice.packets()) == 1


def test_no_address_is_anybodys_twice(world: World, twins: tuple[Customer, Customer]) -> None:
    people = world.customers(30)
    devices = [world.device("charlie", one.devices[0]) for one in people]
    devices += [world.device("charlie", one.devices[0]) for one in twins]
    try:
        for device in devices:
            device.knock()
        assert all(device.finish() for device in devices)
        addresses = [address for held in allowed(world).values() for address in held if address != "(none)"]
        assert len(addresses) == len(set(addresses)) >= 2 * len(devices) - 1
    finally:
        for device in devices:
            device.close()
        for one in people:
            world.sql("DELETE FROM account WHERE handle = ?", one.handle)
