"""During a flood of handshake initiations an open tunnel answers, and the node says nothing about it.

How many initiations come through, what a tunnel carries meanwhile and what stays is in test_45_handshake_flood.py; the
floods are those of `tests/bench/floods.py`.
"""

import re
import select
import subprocess
from collections.abc import Iterator

import pytest

from tests.bench import floods
from tests.bench.floods import OPEN_PORT, RATE, Flood, flooded
from tests.bench.stage import NODE, Stage
from tests.findings.world import World

pytestmark = pytest.mark.lab

SECONDS = 2.0
KINDS = ("wrong MAC1", "MAC1 of unknown keys", "replays")


@pytest.fixture(scope="module")
def there(world: World) -> Stage:
    return Stage(world.lab, world.provider)


@pytest.fixture(scope="module")
def kinds(there: Stage) -> Iterator[dict[str, Flood]]:
    alice = there.customers(1)[0]
    tunnel = floods.open_tunnel(there, alice)
    yield {flood.name: flood for flood in floods.floods(there, alice)}
    tunnel.terminate()
    tunnel.wait(5)


def pinging(there: Stage) -> "subprocess.Popen[str]":
    """Alice pings the node inside her tunnel, twenty times a second for four seconds."""
    words = ["ping", "-q", "-n", "-i", "0.05", "-w", "4", "-W", "1", "10.0.0.1"]
    return there.lab["alice"].popen(words, stdout=subprocess.PIPE)


def loss(pings: "subprocess.Popen[str]") -> float:
    """Per cent that was not answered."""
    said = pings.communicate(timeout=10)[0]
    found = re.search(r"([\d.]+)% packet loss", said)
    assert found, said
    return float(found.group(1))


@pytest.mark.parametrize("name", KINDS)
def test_alice_is_answered_during_the_flood(there: Stage, kinds: dict[str, Flood], name: str) -> None:
    pings = pinging(there)
    for _ in flooded(there, kinds[name], [OPEN_PORT], SECONDS, RATE):
        pass
    assert loss(pings) < 10


def test_nobody_says_a_word_about_it(there: Stage, kinds: dict[str, Flood]) -> None:
    for kind in kinds.values():
        for _ in flooded(there, kind, [OPEN_PORT], SECONDS, RATE):
            pass
    node = there.provider.nodes[NODE]
    assert node.poll() is None and node.stdout and node.stderr
    assert select.select([node.stdout, node.stderr], [], [], 0)[0] == []
