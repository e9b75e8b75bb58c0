"""I8: what is taken away on the site reaches a tunnel that is open, within 30 s (a renewal comes every 20).

Each of the ways in which a permission ends, all at once: the key is revoked, the account is re-keyed or deleted, its
time runs out, its owner presses 'disconnect all'; and the same over OpenVPN. The journey does some of it in a browser.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from tests.findings.account import Account
from tests.findings.device import Device
from tests.findings.world import Customer, World
from tests.unit.site.browser_key import DeviceKey
from tyst.journey.person import Person
from tyst.lab.topology import ECHO_V4
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

WITHIN = 30.0
YESTERDAY = "UPDATE account SET subscription = date('now', '-1 day') || ' 23:59:59' WHERE handle = ?"


def revoke_key(world: World, one: Customer) -> None:
    assert Account(world, one.session).send_key(DeviceKey(one.devices[0]), "revoke").json["revoked"]


def rekey(world: World, one: Customer) -> None:
    assert Account(world, one.session).post("/en/account/rekey").status == 200


def delete(world: World, one: Customer) -> None:
    world.sql("DELETE FROM account WHERE handle = ?", one.handle)


def run_out(world: World, one: Customer) -> None:
    world.sql(YESTERDAY, one.handle)


def disconnect_all(world: World, one: Customer) -> None:
    assert Account(world, one.session).post("/en/account/disconnect").status == 200


WAYS: tuple[Callable[[World, Customer], None], ...] = (revoke_key, rekey, delete, run_out, disconnect_all)


@dataclass
class Watched:
    """Somebody's tunnel: whether it carries anything, and when it was found that it doesn't any more."""

    way: str
    alive: Callable[[], bool]
    ended: float | None = field(default=None)

    def look(self) -> bool:
        """Looks, and looks a second time before it believes in an end."""
        if self.ended is None and not self.alive() and not self.alive():
            self.ended = time.monotonic()
        return self.ended is not None


def carries(device: Device) -> Callable[[], bool]:
    return lambda: device.ping(ECHO_V4, within=0.4)


def test_whatever_ends_a_permission_ends_the_open_tunnel_within_thirty_seconds(world: World) -> None:
    people = world.customers(len(WAYS) + 2)
    with ExitStack() as stack:
        watched, honest = [], stack.enter_context(world.connected("bob", people[-1].devices[0]))
        for number, way in enumerate(WAYS):
            device = stack.enter_context(world.connected("alice", people[number].devices[0]))
            watched.append(Watched(way.__name__, carries(device)))
        stack.enter_context(world.openvpn("charlie", people[-2]))
        charlie = Person(world.lab["charlie"])
        watched.append(Watched("OpenVPN, deleted", lambda: charlie.ping(str(ECHO_V4), within=1)))
        assert all(one.alive() for one in watched) and honest.ping(ECHO_V4)
        began = time.monotonic()
        for way, one in zip(WAYS, people, strict=False):
            way(world, one)
        delete(world, people[-2])
        wait_until(lambda: all(one.look() for one in watched), within=WITHIN + 10, every=0.2, what="all of them to end")
        took = {one.way: one.ended - began for one in watched if one.ended is not None}
        assert max(took.values()) <= WITHIN, took
        assert honest.ping(ECHO_V4), "and nobody else's"
    for one in people:
        delete(world, one)
