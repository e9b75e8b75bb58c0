"""I6: gate, site and database are gone; who has a tunnel notices nothing, and who comes anew is told why she must wait.

The 24 hours of it are run with a clock in the hand in `tests/unit/node/test_tunnels.py`, a return after 180 idle
seconds in `tests/lab/test_node_wireguard.py`, and OpenVPN's outage in `tests/lab/test_openvpn.py`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.findings.account import Account
from tests.findings.device import Device
from tests.findings.visitor import room_says
from tests.findings.world import NODE, World, hang_up
from tyst.core.wireguard.addresses import NOTICE6
from tyst.lab.topology import ECHO_V4, ECHO_V6, is_exit
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

PINGS = 200


@contextmanager
def outage(world: World) -> Iterator[None]:
    """The control plane is killed and its records are taken away, for the length of a block."""
    for process in (world.provider.gate, world.provider.site):
        assert process is not None and room_says(process) in ("", "ready\n")
        process.kill()
        hang_up(process)
    records = world.state / "records.sqlite3"
    records.rename(records.with_suffix(".away"))
    try:
        yield
    finally:
        records.with_suffix(".away").rename(records)
        world.provider.start_gate()
        world.provider.start_site()


def test_alice_notices_nothing_and_charlie_is_told_and_then_let_in(world: World) -> None:
    alices, charlies = world.customers(2)
    with world.connected("alice", alices.devices[0]) as alice, ExitStack() as stack:
        wait_until(lambda: Account(world, alices.session).devices() == 1, within=5, what="Alice's slot")
        with outage(world):
            charlie = stack.enter_context(world.wireguard("charlie", charlies.devices[0]))
            wait_until(lambda: "tyst.test" in charlie.fetch(f"http://[{NOTICE6}]/"), within=10, what="the notice page")
            assert charlie.address() == "" and charlie.address(6) == "", "nobody new is let out"
            assert_unnoticed(alice)
        wait_until(lambda: is_exit(NODE, charlie.address()), within=45, every=0.5, what="Charlie to be let in")
        assert_unnoticed(alice)
        for account in (Account(world, one.session) for one in (alices, charlies)):
            wait_until(lambda account=account: account.devices() == 1, within=90, every=0.5, what="the counts")  # type: ignore[misc]


def assert_unnoticed(alice: Device) -> None:
    """Traffic, names, both families, fresh keys, and a new port at home: not one packet is lost."""
    assert sum(alice.ping(ECHO_V4) for _ in range(PINGS)) == PINGS
    assert alice.ping(ECHO_V6) and alice.asks("echo.test") == [str(ECHO_V4)]
    assert alice.connect() and alice.ping(ECHO_V4), "a rekey"
    moved = Device(alice.host, alice.private, alice.node_public, alice.node)
    assert moved.connect() and moved.ping(ECHO_V4), "another address or port of hers"
    moved.close()
    assert alice.connect() and alice.ping(ECHO_V4), "and back"
