"""Row 45: a flood of handshake initiations from forged sources: with a wrong MAC1, with a right one from keys that nobody
registered, and recordings of customers' own, the open tunnel's among them.

What must hold: the flood does not reach the daemons whole, the open tunnel keeps at least 0.8 of what it carries while
the same flood goes to a port that drops it, and nothing of it stays. Sender and floods are those of `tests/bench`,
whose figure is the judge of speed; here more pairs are taken while their median says no, so that a busy machine fails
nobody.
"""

import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bench import floods
from tests.bench.floods import DROPPED_PORT, OPEN_PORT, RATE, TARGET, Flood, flooded
from tests.bench.machine import resident_bytes
from tests.bench.stage import Stage
from tests.findings.device import Device
from tests.findings.world import World, nft, public_of, without
from tyst.core.firewall.ruleset import GLOBAL_BURST, GLOBAL_RATE
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

SECONDS = 2.0
ROUNDS = 3
"""Of two pairs of windows each way through the tunnel, one under the flood and one beside it: twelve pairs."""
COUNTER = """table inet witness {
 chain passed {
  type filter hook prerouting priority -300
  iifname "eth0" udp dport { 51820, 51821 } udp length 156 counter
 }
}"""
NAMES = ("wrong MAC1", "MAC1 of unknown keys", "replays")


@pytest.fixture(scope="module")
def stage(world: World) -> Stage:
    """The bench's view of this provider."""
    return Stage(world.lab, world.provider)


@pytest.fixture(scope="module")
def alice(stage: Stage) -> Iterator[bytes]:
    """Alice's open tunnel, by a stock client; her key."""
    (private,) = stage.customers(1)
    tunnel: subprocess.Popen[str] = floods.open_tunnel(stage, private)
    yield private
    tunnel.terminate()
    tunnel.wait(10)


@pytest.fixture(scope="module")
def attacks(stage: Stage, alice: bytes) -> dict[str, Flood]:
    """The three floods."""
    return {flood.name: flood for flood in floods.floods(stage, alice)}


@contextmanager
def counted(world: World) -> Iterator[None]:
    """A witness behind the node's own rules, in a table of its own."""
    nft(world.node, *COUNTER.splitlines())
    try:
        yield
    finally:
        nft(world.node, "delete table inet witness")


def passed(world: World, stage: Stage, flood: Flood) -> float:
    """How many initiations a second get as far as the daemons."""
    with counted(world):
        (window,) = flooded(stage, flood, [OPEN_PORT], SECONDS)
        text = world.node.run(["nft", "list", "table", "inet", "witness"]).stdout
    return int(text.partition("packets ")[2].split()[0]) / (window.end - window.begin)


@pytest.mark.parametrize("name", NAMES)
def test_a_flood_reaches_the_daemons_in_a_trickle(
    world: World, stage: Stage, attacks: dict[str, Flood], name: str
) -> None:
    with without(world.node, "vp_first", "jump vp_limits"):
        assert passed(world, stage, attacks[name]) > 0.8 * RATE, "without the rule all of it does"
    assert passed(world, stage, attacks[name]) < GLOBAL_RATE + 2.1 * GLOBAL_BURST / SECONDS, "two bursts: see reseed"


@pytest.mark.night  # a timed judgement: `make bench` and `make test-night` make it, on a machine with nothing else to do
@pytest.mark.parametrize("name", NAMES)
def test_alices_open_tunnel_keeps_its_speed(stage: Stage, attacks: dict[str, Flood], name: str) -> None:
    """A number of pairs that was fixed beforehand: measuring until the median pleases would prove nothing."""
    ratios: list[float] = []
    for _ in range(ROUNDS):
        for down in (True, False):
            ratios += [under / beside for under, beside in floods.pairs(stage, attacks[name], down=down, count=2)]
    assert statistics.median(ratios) >= TARGET, [round(ratio, 2) for ratio in ratios]


def test_nothing_of_a_flood_stays(world: World, stage: Stage, alice: bytes, attacks: dict[str, Flood]) -> None:
    before, agent = world.peers(), stage.agent
    assert public_of(alice) in before
    resident = resident_bytes(agent)
    for name in NAMES:
        list(flooded(stage, attacks[name], [OPEN_PORT, DROPPED_PORT], 1.0))
    wait_until(lambda: world.peers() <= before, within=25, what="the recordings' provisional peers to go")
    assert resident_bytes(agent) - resident < 16 << 20
    assert world.provider.nodes[stage.node.name].poll() is None
    with world.connected("bob") as bob:
        assert isinstance(bob, Device) and bob.settle(), "a newcomer is let in"
    assert world.lab["alice"].run(["ping", "-n", "-c1", "-W2", "10.0.0.1"]).returncode == 0
