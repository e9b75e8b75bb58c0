"""A city's month: figures against brute force, and nothing where too few are in it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tyst.core.openness.traffic import (
    MIN_SLOTS,
    Figures,
    Heap,
    figures,
    heaps,
    month_body,
    one_slot,
    read_month,
    shown,
)
from tyst.core.signed import SignedError

SLOTS = st.lists(st.integers(0, 5000), min_size=MIN_SLOTS, max_size=600)


def heaped(steps: list[int]) -> Heap:
    """Slots put on a heap one by one."""
    heap = Heap()
    for step in steps:
        heap += one_slot(True, step)
    return heap


@settings(max_examples=12, deadline=None)
@given(SLOTS)
def test_peak_mean_and_percentile_are_those_of_the_sorted_list(steps: list[int]) -> None:
    found, rank = figures(heaped(steps)), math.ceil(95 * len(steps) / 100)
    assert (found.uptime, found.peak, found.most) == (10_000, max(steps) * 10, sorted(steps)[rank - 1] * 10)
    assert found.mean is not None and abs(found.mean - 10 * sum(steps) / len(steps)) <= 0.5


@settings(max_examples=12, deadline=None)
@given(SLOTS)
def test_a_heap_says_nothing_of_the_order_of_its_slots(steps: list[int]) -> None:
    assert heaped(steps) == heaped(sorted(steps))


def test_a_worked_month() -> None:
    """100 slots of 0 to 99, three times over, and one hour down."""
    heap = heaped(list(range(100)) * 3) + Heap(12)
    assert figures(heap) == Figures(uptime=300 * 10_000 // 312, peak=990, mean=495, most=940)


def test_too_few_slots_or_too_many_withheld_show_no_traffic_but_uptime() -> None:
    few = heaped([7] * (MIN_SLOTS - 1))
    lonely = heaped([7] * 400) + Heap(401, 401, 401)
    for heap in (few, lonely):
        assert figures(heap) == Figures(10_000) and figures(shown(heap)) == Figures(10_000)
        assert shown(heap).steps == {}, "what is withheld isn't published either"
    enough = heaped([7] * MIN_SLOTS)
    assert figures(enough).peak == 70 and shown(enough) == enough
    assert figures(Heap()) == Figures(None)


def test_a_month_reads_back_and_a_false_one_does_not() -> None:
    cities = {"sto": heaped([1, 2] * 200), "fra": Heap(3)}
    body = month_body("2026-11", cities)
    assert read_month(body) == ("2026-11", cities)
    for wrong in ({**body, "month": "2026-13"}, {**body, "more": 1}, {"month": "2026-11", "cities": [1]}):
        with pytest.raises(SignedError):
            read_month(wrong)
    for slots in (1, "1", -1, True):
        with pytest.raises(SignedError):
            heaps({"sto": {"slots": slots, "up": 2, "withheld": 0, "steps": {"1": 2}}})
