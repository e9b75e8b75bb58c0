"""What `make bench` says is what was measured, and a missed target cannot pass for a reached one."""

import json
import os
import random

import pytest

from tests.bench.figures import Figure, figure, median_interval
from tests.bench.machine import compare, compared, cpu_seconds, rate
from tests.bench.report import run


def reached() -> list[Figure]:
    return [figure("alice is fast", 4.0, "ms", 2.0, reaches="5 ms", holds=True)]


def missed() -> list[Figure]:
    return [figure("bob is fast", 9.0, "ms", 2.0, reaches="5 ms", holds=False)]


def broken() -> list[Figure]:
    raise RuntimeError("mallory pulled the plug")


def test_a_reached_target_exits_with_zero_and_prints_the_five_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"one": reached}, []) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == [
        {"name": "alice is fast", "value": 4.0, "unit": "ms", "yardstick": 2.0, "ratio": 2.0}
    ]
    assert "missed" not in said.err


def test_a_missed_target_exits_with_one_and_names_the_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"one": reached, "two": missed}, []) == 1
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 2
    assert "missed: bob is fast" in said.err and "5 ms" in said.err
    assert "missed: alice" not in said.err


def test_a_bench_that_breaks_counts_as_missed_and_hides_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"one": broken, "two": reached}, []) == 1
    said = capsys.readouterr()
    assert [entry["name"] for entry in json.loads(said.out)] == ["alice is fast"]
    assert "missed: one: the bench itself broke" in said.err


def test_only_the_benches_that_are_named_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"one": reached, "two": missed}, ["one"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_a_name_that_there_is_not_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"one": reached}, ["three"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "there are one" in said.err


def test_a_figure_without_a_yardstick_has_no_ratio_instead_of_a_division_by_zero() -> None:
    assert figure("bytes", 0, "bytes", 0).ratio == 0.0


def test_the_median_of_pairs_lies_inside_its_interval_whatever_their_order() -> None:
    ratios = [0.9, 1.1, 1.0, 0.95, 1.05, 0.97, 1.2, 0.8, 1.01, 0.99, 1.0, 1.03, 0.98, 1.02, 1.0]
    median, low, high = median_interval(ratios)
    assert median == 1.0 and 0.8 <= low < median < high <= 1.2
    assert median_interval(sorted(ratios)) == median_interval(ratios)


def test_an_interval_of_few_pairs_is_all_of_them() -> None:
    assert median_interval([2.0, 1.0, 3.0]) == (2.0, 1.0, 3.0)
    assert median_interval([1.5]) == (1.5, 1.5, 1.5)


@pytest.mark.parametrize("count", [15, 16, 40, 60])
def test_the_interval_holds_the_true_median_in_at_least_ninety_five_of_a_hundred(count: int) -> None:
    chance = random.Random(count)
    runs = [median_interval([chance.lognormvariate(0, 0.3) for _ in range(count)]) for _ in range(1500)]
    hits = sum(low <= 1.0 <= high for _, low, high in runs)
    assert hits >= 0.94 * len(runs)


def test_one_slow_pair_moves_the_mean_but_not_the_median() -> None:
    steady = [(1.0, 1.0)] * 20
    assert compared([*steady, (1.0, 100.0)]).ratio == 1.0


def test_value_and_yardstick_are_measured_in_alternating_order() -> None:
    turns: list[str] = []

    def measured(name: str, speed: float) -> float:
        turns.append(name)
        return speed

    result = compare(lambda: measured("value", 3.0), lambda: measured("yardstick", 2.0), rounds=3)
    assert (result.value, result.yardstick, result.ratio) == (3.0, 2.0, 1.5)
    assert turns[2:] == ["value", "yardstick", "yardstick", "value", "value", "yardstick"]


def test_a_rate_counts_the_work_and_this_process_s_time_alone() -> None:
    before = cpu_seconds(os.getpid())
    speed = rate(lambda: sum(range(1000)) and 1, 0.05)
    assert speed > 100
    assert cpu_seconds(os.getpid()) - before >= 0.05
