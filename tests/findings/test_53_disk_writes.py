"""Row 53: connecting, using and leaving the VPN writes something to a disk: a log, a state file, swap, a core.

Every host of the lab has a disk of its own whose sectors are counted. That openvpn has no writable path at all is shown
in `tests/lab/test_openvpn_confinement.py`; the journey watches a whole visit with a browser.
"""

import re
from pathlib import Path

import pytest

from tests.findings.world import NODE, OTHER, World
from tyst.journey.person import Person
from tyst.lab.topology import ECHO_V4, is_exit
from tyst.lab.wait import wait_until
from tyst.proof.writes import WriteWatch, plant_byte

pytestmark = pytest.mark.lab

ROOMS = ("control", NODE, OTHER)
OF_A_NODE = {"tyst node", "wireguard-go", "unbound", "openvpn"}
PROGRAMS = {NODE: OF_A_NODE, OTHER: OF_A_NODE, "control": {"tyst gate", "tyst serve"}}


def test_coming_using_and_leaving_writes_not_one_byte_anywhere(world: World) -> None:
    alices, bobs, charlies = world.customers(3, 1)
    unknown = world.device("mallory", bytes(range(1, 33)))
    with WriteWatch(list(world.lab)) as watch:
        with world.wireguard("alice", alices.devices[0]) as alice:
            wait_until(lambda: is_exit(NODE, alice.address()), within=30, what="Alice's tunnel")
            alice.asks()
        with world.openvpn("bob", bobs), world.connected("charlie", charlies.devices[0], OTHER) as charlie:
            assert is_exit(NODE, Person(world.lab["bob"]).address()) and charlie.ping(ECHO_V4)
            assert not unknown.connect(within=0.3), "a key that nobody registered"
        world.node.run(["conntrack", "-L"])
        written = watch.finish()
    unknown.close()
    assert written.clean, written.lines()
    world.sql("DELETE FROM account WHERE handle = ?", charlies.handle)


@pytest.mark.parametrize("name", ROOMS)
def test_a_single_byte_in_any_of_our_rooms_would_be_seen(world: World, name: str) -> None:
    with WriteWatch(list(world.lab)) as watch:
        plant_byte(world.lab[name])
        written = watch.finish()
    assert [room for room, count in written.written.items() if count] == [name]


@pytest.mark.parametrize("name", ROOMS)
def test_no_program_of_ours_may_leave_a_core(world: World, name: str) -> None:
    host, seen = world.lab[name], set()
    assert host.run(["sh", "-c", "ulimit -Hc"]).stdout != "0\n", "another program there may"
    for pid in host.pids()[1:]:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
        found = re.search(r"tyst (node|gate|serve)|wireguard-go|unbound|openvpn", command)
        if found:
            seen.add(found[0])
            limits, status = (Path(f"/proc/{pid}/{file}").read_text() for file in ("limits", "status"))
            assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), command
            assert re.search(r"^VmSwap:\s+0 kB", status, re.MULTILINE), command
    assert seen == PROGRAMS[host.name]
