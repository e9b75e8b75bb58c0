"""Row 32: a hundred devices of one account connect at the same moment, at two nodes, when one slot is left.

The devices are real WireGuard initiators; the rooms are the real processes. At no time do more than four have a slot, and
whoever is left over lands in the walled garden. (Between a device's first packet and the gate's word, a fraction of a
second on a quiet machine and ten seconds at most, its tunnel is provisional and does lead out: no slot is held by it.)
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.findings.account import Account
from tests.findings.device import Device
from tests.findings.world import NODE, OTHER, Customer, World
from tyst.core.slots import MAX_SLOTS
from tyst.lab.topology import ECHO_V4
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

CROWD = 100


@contextmanager
def crowd(world: World, people: list[Customer]) -> Iterator[list[Device]]:
    """All their devices, half at each node, switched on and silent; afterwards the accounts are deleted."""
    keys = {name: world.public_key(name) for name in (NODE, OTHER)}
    devices = []
    for number, private in enumerate(private for one in people for private in one.devices):
        name, who = ((NODE, "alice"), (OTHER, "bob"))[number % 2]
        devices.append(Device(world.lab[who], private, keys[name], str(world.lab[name].ipv4)))
    try:
        yield devices
    finally:
        for device in devices:
            device.close()
        for one in people:
            world.sql("DELETE FROM account WHERE handle = ?", one.handle)


def rush(devices: list[Device]) -> None:
    """They all connect at once."""
    for device in devices:
        device.knock()
    assert all(device.finish() for device in devices), "the node answers each of them, so that it can say why"


def standing(world: World, devices: list[Device]) -> tuple[set[Device], set[Device]]:
    """Who may go out to the internet now, and who is in the garden, by the nodes' own rules."""
    sets = {
        name: "".join(_elements(world, node, name) for node in (NODE, OTHER)) for name in ("vp_open4", "vp_garden6")
    }
    way_out = {device for device in devices if f" {device.four} " in sets["vp_open4"]}
    garden = {device for device in devices if f" {device.six} " in sets["vp_garden6"]}
    return way_out, garden


def _elements(world: World, node: str, name: str) -> str:
    text = world.lab[node].run(["nft", "list", "set", "inet", "tyst", name]).stdout
    return f" {' '.join(text.partition('elements = {')[2].replace(',', ' ').replace('}', ' ').split())} "


class Poll:
    """Opens the account page again and again while others race; `most`: the largest number of devices it showed."""

    def __init__(self, account: Account) -> None:
        self._account, self.most, self.looks = account, 0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.most, self.looks = max(self.most, self._account.devices()), self.looks + 1

    def __enter__(self) -> "Poll":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)


def settled(world: World, devices: list[Device]) -> tuple[set[Device], set[Device]]:
    """Where they stand when nobody's standing is open any more: provisional tunnels last ten seconds at most."""

    def decided() -> tuple[set[Device], set[Device]] | None:
        way_out, garden = standing(world, devices)
        return (way_out, garden) if len(way_out) <= MAX_SLOTS and len(way_out) + len(garden) == len(devices) else None

    found = wait_until(decided, within=12, what="the nodes to have put everybody in her place")
    assert found is not None
    return found


def test_a_hundred_devices_of_twenty_five_accounts_are_all_let_out(world: World) -> None:
    with crowd(world, world.customers(CROWD // MAX_SLOTS, MAX_SLOTS)) as devices:
        rush(devices)
        assert standing(world, devices) == (set(devices), set()), "nothing but the limit stands in a crowd's way"


def test_of_a_hundred_devices_of_one_account_four_are_let_out(world: World) -> None:
    alice = world.customer(CROWD)
    account = Account(world, alice.session)
    with crowd(world, [alice]) as devices, Poll(account) as poll:
        first, rest = devices[: MAX_SLOTS - 1], devices[MAX_SLOTS - 1 :]
        rush(first)
        wait_until(lambda: account.devices() == MAX_SLOTS - 1, within=5, what="three slots to be taken")
        rush(rest)
        way_out, garden = settled(world, devices)
        assert len(way_out) == MAX_SLOTS and set(first) <= way_out and garden == set(devices) - way_out
        assert all(device.ping(ECHO_V4) for device in way_out)
        assert not any(device.ping(ECHO_V4, within=0.01) for device in garden)
        assert account.devices() == MAX_SLOTS
    assert poll.most == MAX_SLOTS and poll.looks > 3
