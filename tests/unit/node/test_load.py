"""How busy a node says it is: eleven numbers, and no single tunnel in them."""

import itertools

import pytest

from tyst.node.load import load_now, load_of


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
