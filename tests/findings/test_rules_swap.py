"""The whole ruleset is swapped while packets come: not one passes that the rules would not have let pass, or unrewritten.

A change of the fleet, an operator's block and an agent that takes over all load the ruleset anew, in one transaction.
Two transactions, however quick, leave a moment without rules while the host forwards: that fault is planted first.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, forget_flows, rules_of
from tyst.core.firewall import Ruleset
from tyst.core.wireguard.addresses import ALL_TUNNELS4
from tyst.lab.environment import PROJECT
from tyst.lab.packets import Packet
from tyst.lab.topology import ECHO_V4
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

ALLOWED, FORBIDDEN = 40091, 853
TIMES, PLANTED = 200, 40


@contextmanager
def flood(device: Device) -> Iterator[None]:
    """New flows out of a tunnel, one allowed, one forbidden, as fast as they go."""
    over = threading.Event()

    def run() -> None:
        number = 0
        while not over.wait(0.0005):
            number += 1
            source = 10000 + number % 20000
            for port in (ALLOWED, FORBIDDEN):
                device.send(packets.udp(device.four, ECHO_V4, source, port, b"swap"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)


def reload(world: World, times: int, how: str) -> None:
    """Loads the node's ruleset so often."""
    words = [sys.executable, "-m", "tests.findings.rules_reloader", str(times), how]
    out = world.node.run(words, env={"PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}, timeout=90).stdout
    assert out.strip() == str(times), "the kernel refused a ruleset"


def outside_policy(seen: list[Packet]) -> list[Packet]:
    """Packets that no ruleset lets through: to a forbidden port, or with a tunnel's inner address on them."""
    return [packet for packet in seen if packet.dport == FORBIDDEN or packet.src in ALL_TUNNELS4]


def test_no_packet_slips_through_while_the_rules_are_swapped_two_hundred_times(world: World) -> None:
    before = rules_of(world.node)
    with world.connected("mallory") as mallory:
        assert mallory.ping(ECHO_V4)
        wanted = f"udp and (dst port {ALLOWED} or dst port {FORBIDDEN})"
        with Watch(world.lab["web"], "eth0", wanted, leaving=False) as heard, flood(mallory):
            reload(world, PLANTED, "halves")
            heard.wait_for(lambda packet: bool(outside_policy([packet])), what="what slips through two transactions")
        forget_flows(world.node)
        with Watch(world.lab["web"], "eth0", wanted, leaving=False) as heard, flood(mallory):
            reload(world, TIMES, "whole")
            heard.wait_for(lambda packet: packet.dport == ALLOWED, what="what is allowed")
            passed = heard.stop()
        print(f"{len(passed)} allowed packets passed during {TIMES} swaps")
        assert outside_policy(passed) == [] and len(passed) > TIMES / 2
        assert mallory.ping(ECHO_V4)
    assert rules_of(world.node) == before


def test_the_product_s_ruleset_is_one_transaction_that_replaces_the_table() -> None:
    text = Ruleset("eth0").text({}, seed=1)
    assert text.startswith("table inet tyst\ndelete table inet tyst\ntable inet tyst {\n")
    assert text.count("\ntable inet tyst") + 1 == 2 and "flush" not in text
