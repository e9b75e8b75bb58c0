"""I16: a node's start is cut off at any step, finds what an earlier life left, or finds its state damaged. At no moment
may the host pass packets that no ruleset has judged, or serve somebody whom the gate has not let in.

The worst host to start on is one that forwards already and has no rules: as a killed agent's network would be, if its
table were taken away. The probe sends through the host as through a router, and at the tunnels' own services.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.findings import packets
from tests.findings.world import OTHER, World, hang_up
from tyst.core.wireguard.addresses import ALL_TUNNELS4, ALL_TUNNELS6, NOTICE4, NOTICE6
from tyst.lab.bringup import NODE_STATE, TYST
from tyst.lab.environment import PROJECT
from tyst.lab.host import Host
from tyst.lab.packets import parse
from tyst.lab.topology import ECHO_V4, ECHO_V6, NETWORKS, PLACES
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

CABLE = f"to-{OTHER}"
ROUTER4, ROUTER6 = NETWORKS["frankfurt"].address4(1), NETWORKS["frankfurt"].address6(1)
PORT = 40016
OPEN_WIDE = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
STEPS = 13
FILES = ("place", "secrets", "node.crt", "node.key", "authority.crt")
DAMAGE = {"gone": "rm {}", "cut short": "truncate -s 40 {}", "garbage": "head -c 300 /dev/urandom > {}"}


@pytest.fixture(scope="module")
def host(world: World) -> Iterator[Host]:
    """The other node's host, its agent stopped; afterwards the node is started again, as an operator would."""
    agent = world.provider.nodes[OTHER]
    agent.terminate()
    assert agent.wait(20) == 0
    hang_up(agent)
    yield world.lab[OTHER]
    world.lab[OTHER].run(["rm", "-rf", "/run/damaged"])
    world.provider.start_node(OTHER, "--strict")
    with world.connected("alice", node=OTHER) as alice:
        assert alice.settle() and alice.ping(ECHO_V4), "after all of it the node comes up whole"


def sloppy(host: Host) -> None:
    """It forwards, and has no rules."""
    host.run(["nft", "flush", "ruleset"])
    host.run(["sysctl", "-qw", *OPEN_WIDE])


def passes(world: World, host: Host) -> set[str]:
    """What gets through the host or an answer out of it: 'router4', 'router6', 'service4', 'service6'."""
    asker, mallory = world.lab["internet"], PLACES["mallory"]
    own, far = packets.mac_of(asker, CABLE), packets.mac_of(host, "eth0")
    probes = [
        packets.udp(mallory.ipv4, ECHO_V4, 1, PORT, b"router4"),
        packets.udp(mallory.ipv6, ECHO_V6, 1, PORT, b"router6"),
        packets.tcp(ROUTER4, NOTICE4, 1234, 80),
        packets.tcp(ROUTER6, NOTICE6, 1234, 80),
        packets.echo(ROUTER4, host.ipv4, 1616),
    ]
    with Watch(world.lab["web"], "eth0", f"udp dst port {PORT}", leaving=False) as watch:
        found = set()
        with packets.link(asker, CABLE) as wire:
            for probe in probes:
                kind = packets.IPV4 if probe[0] >> 4 == 4 else packets.IPV6
                wire.send(packets.ethernet(own, far, kind, probe))
            while not packets.is_echo_reply((frame := wire.recv(2048))[14:], 1616):
                read = parse(frame[14:], leaving=False)
                if read is not None and frame[6:12] == far and (read.src in ALL_TUNNELS4 or read.src in ALL_TUNNELS6):
                    found.add(f"service{read.src.version}")
        with asker.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"last", (str(ECHO_V4), PORT))
        watch.wait_for(lambda packet: packets.payload_of(packet.data) == b"last")
        return found | {packets.payload_of(packet.data).decode() for packet in watch.packets} - {"last"}


def boot(host: Host, *words: str, cut: int | None = None, state: str = NODE_STATE) -> "subprocess.Popen[str]":
    """Starts a node, to be cut off after so many steps."""
    program = [TYST, "node"] if cut is None else [sys.executable, "-m", "tests.findings.cut_node", str(cut)]
    environment = {"PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}
    pipe = subprocess.PIPE
    return host.popen([*program, "--state", state, *words], env=environment, stdout=pipe, stderr=pipe)


def refused(host: Host, state: str) -> str:
    """Starts a node that can't, and returns its one sentence."""
    node = boot(host, state=state)
    out, said = node.communicate(timeout=40)
    assert node.returncode == 1 and out == "", out
    assert len(said.splitlines()) == 1 and said.startswith("tyst node: "), said
    return said


def test_a_host_that_forwards_without_rules_lets_everything_pass(world: World, host: Host) -> None:
    node = boot(host, cut=3)
    node.communicate(timeout=20)
    sloppy(host)
    assert passes(world, host) == {"router4", "router6", "service4", "service6"}, "what a start must put an end to"


@pytest.mark.parametrize("cut", range(1, STEPS + 1))
def test_a_start_that_is_cut_off_after_any_step_leaves_nothing_open(world: World, host: Host, cut: int) -> None:
    sloppy(host)
    node = boot(host, cut=cut)
    out, said = node.communicate(timeout=30)
    assert node.returncode == -9 and len(out.splitlines()) == cut and said == "", (out, said)
    services = set() if cut > 1 else {"service4", "service6"}
    assert passes(world, host) <= services, "before the first ruleset forwarding is off, and nobody listens yet"
    wait_until(lambda: len(host.pids()) == 1, within=5, what="every daemon to have died with its agent")


def test_those_are_all_the_steps_of_a_start(host: Host) -> None:
    node = boot(host, cut=0)
    assert node.stdout is not None
    lines = []
    while (line := node.stdout.readline().strip()) != "ready":
        assert line, node.communicate(timeout=10)[1]
        lines.append(line)
    node.terminate()
    assert node.wait(20) == 0 and len(lines) == STEPS
    hang_up(node)
    assert lines[0].endswith("close_forwarding") and lines[1].endswith("load") and lines[-1].endswith("open_forwarding")


def test_a_killed_agents_open_tunnels_are_closed_by_the_next_start(world: World, host: Host) -> None:
    node = boot(host)
    assert node.stdout is not None and node.stdout.readline() == "ready\n"
    with world.connected("alice", node=OTHER) as alice:
        assert alice.ping(ECHO_V4)
        node.kill()
        hang_up(node)
        stale = host.run(["nft", "list", "set", "inet", "tyst", "vp_open4"]).stdout
        assert str(alice.four) in stale, "the kernel still has her address in a set"
        assert passes(world, host) == set()
        again = boot(host, cut=2)
        again.communicate(timeout=20)
        assert str(alice.four) not in host.run(["nft", "list", "set", "inet", "tyst", "vp_open4"]).stdout
        assert passes(world, host) == set() and not alice.ping(ECHO_V4, within=0.5)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_node_with_a_damaged_state_says_so_and_leaves_nothing_open(world: World, host: Host, damage: str) -> None:
    for name in FILES:
        host.run(["sh", "-c", f"rm -rf /run/damaged && cp -a {NODE_STATE} /run/damaged && cd /run/damaged && "
                  + DAMAGE[damage].format(name)])  # fmt: skip
        sloppy(host)
        said = refused(host, "/run/damaged")
        assert "damaged" in said or "no fleet yet" in said, f"{name}: {said}"
        assert not passes(world, host) & {"router4", "router6"}, f"{name} {damage}"


def test_a_node_whose_state_is_on_a_disk_or_that_can_not_find_its_gate_does_not_start(world: World, host: Host) -> None:
    sloppy(host)
    assert "in RAM" in refused(host, "/var/lib/tyst-node")
    names = host.run(["cat", "/run/resolv.conf"]).stdout
    host.run(["sh", "-c", "echo nameserver 127.0.0.1 > /run/resolv.conf"])
    try:
        assert "gate does not answer" in refused(host, NODE_STATE), "or tunnels could reach the gate when it is back"
    finally:
        host.run(["sh", "-c", "cat > /run/resolv.conf"], input=names)
    assert not passes(world, host) & {"router4", "router6"}
