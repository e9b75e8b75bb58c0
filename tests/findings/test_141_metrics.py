"""Items 6 and 141: figures for the operator's monitoring, read on every room while people are connected.

All rooms of a lab show them (`lab/bringup.py`), so the scans for residue and for bytes written are of rooms that do.
"""

import re

import pytest

from tests.findings.world import NODE, World
from tyst.core.metric import METRICS
from tyst.core.residue_encodings import scan_set_of
from tyst.proof.engine import Engine
from tyst.proof.sources import BytesSource

pytestmark = pytest.mark.lab

ROOMS = (("control", 9464, "gate"), ("control", 9465, "site"), (NODE, 9464, "node"))
SAMPLE = re.compile(r'(tyst[a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (\d+)')

PEOPLE = re.compile(r"^tyst_(?:gate_tunnels|node_tunnels|node_sent_mbit) (\d+)$", re.M)


def page(world: World, host: str, port: int) -> str:
    return str(world.lab[host].run(["curl", "-s", "-m", "10", f"http://127.0.0.1:{port}/metrics"]).stdout)


@pytest.mark.parametrize(("host", "port", "room"), ROOMS, ids=[one[2] for one in ROOMS])
def test_a_rooms_figures_are_the_declared_ones_and_of_nobody(world: World, host: str, port: int, room: str) -> None:
    with world.connected("bob") as bob:
        assert bob.settle()
        said = page(world, host, port)
    samples = [SAMPLE.fullmatch(line) for line in said.splitlines() if not line.startswith("#")]
    assert samples and all(samples), said
    declared = {one.name for one in METRICS if room in one.rooms}
    assert {one[1] for one in samples if one} <= declared
    assert not Engine(scan_set_of(world.visitor.marks)).search(BytesSource(said.encode())).counted


def test_one_persons_tunnel_is_no_figure(world: World) -> None:
    """None at all where only she is there; tens where people of the tests before her were, at the last mark."""
    with world.connected("bob") as bob:
        assert bob.settle()
        assert "tyst_node_gate 1" in page(world, NODE, 9464)
        shown = [value for host, port, _ in ROOMS for value in PEOPLE.findall(page(world, host, port))]
    assert [value for value in shown if int(value) < 10 or int(value) % 10] == []


def test_nobody_reads_a_nodes_figures_from_outside_or_through_a_tunnel(world: World) -> None:
    with world.connected("bob") as bob:
        assert bob.settle()
        for address in ("10.0.0.1", "10.0.0.2"):
            assert bob.touches(address, 9464) != "open"
    address = str(world.lab[NODE].run(["hostname", "-I"]).stdout.split()[0])
    asked = world.lab["mallory"].run(["curl", "-s", "-m", "3", f"http://{address}:9464/metrics"], check=False)
    assert asked.returncode != 0 and "tyst" not in asked.stdout
