"""How busy a node says it is: eleven numbers, and no single tunnel in them."""

import itertools
from pathlib import Path

import pytest

from tyst.node.load import Uplink, load_now, load_of, sent_bytes


@pytest.mark.parametrize(
    ("tunnels", "busy", "step"),
    [(0, 0.0, 0), (499, 0.0, 0), (5000, 0.1, 5), (100, 0.72, 7), (9600, 0.0, 10), (99999, 9.9, 10), (0, 0.04, 0)],
)
def test_the_step_is_the_nearer_end(tunnels: int, busy: float, step: int) -> None:
    assert load_of(tunnels, 10_000, busy) == step


def test_one_tunnel_more_changes_it_for_one_in_a_thousand() -> None:
    steps = [load_of(tunnels, 10_000, 0.0) for tunnels in range(10_001)]
    assert sum(a != b for a, b in itertools.pairwise(steps)) == 10
    assert 0 <= load_now(0, 10_000) <= 10


def test_traffic_is_told_in_coarse_steps_and_for_enough_tunnels_only() -> None:
    looks = iter([(0, 0.0), (25_000_000, 10.0), (26_000_000, 20.0), (99_000_000, 30.0), (99_000_001, 40.0), (5, 50.0)])
    now = [0.0]

    def sent() -> int:
        count, now[0] = next(looks)
        return count

    uplink = Uplink(sent, lambda: now[0])
    assert uplink.step(10) is None, "the first look has nothing to compare with"
    assert uplink.step(10) == 2, "25 MB in ten seconds are 20 Mbit/s"
    assert uplink.step(9) is None, "nine tunnels are too few"
    assert uplink.step(500) is None, "and at the beginning of this stretch they were too few, too"
    assert uplink.step(500) == 0
    assert uplink.step(500) is None, "a counter that began anew says nothing"


def test_the_kernels_counter_is_read_by_the_interfaces_name(tmp_path: Path) -> None:
    table = tmp_path / "dev"
    table.write_text(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls\n"
        "    lo:  111 1 0 0 0 0 0 0      222 1 0 0 0 0 0 0\n"
        " eth01:  333 1 0 0 0 0 0 0      444 1 0 0 0 0 0 0\n"
        "  eth0:  555 1 0 0 0 0 0 0      666 1 0 0 0 0 0 0\n"
    )
    assert (sent_bytes("eth0", table), sent_bytes("wlan0", table), sent_bytes("eth0", tmp_path / "no")) == (
        666,
        None,
        None,
    )
    assert sent_bytes("lo") is not None


def test_a_node_that_does_not_say_is_a_node_that_may_hide_somebody() -> None:
    assert Uplink(lambda: None, lambda: 0.0).step(1000) is None
