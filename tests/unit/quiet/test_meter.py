"""A process's figures: made at marks, the same between them however often they are read, rounded, and of this room alone."""

import pytest

from tyst.core import metric
from tyst.core.events import Event, Room, Tally
from tyst.core.metric import MARK_SECONDS
from tyst.quiet.meter import Meter


class Wall:
    """The wall clock, turned by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def gate(wall: Wall) -> Meter:
    return Meter(Room.GATE, Tally(Room.GATE), wall)


def test_whoever_reads_every_second_sees_only_marks(gate: Meter, wall: Wall) -> None:
    open_now = 10
    gate.ask(metric.GATE_TUNNELS, lambda: {(): open_now})
    gate.tick()
    before = gate.page()
    assert "tyst_gate_tunnels 10" in before
    open_now = 20
    for _ in range(MARK_SECONDS - 1):
        wall.now += 1
        assert gate.page() == before, "nobody learns in which second it changed"
    wall.now += 1
    assert "tyst_gate_tunnels 20" in gate.page()


def test_the_first_page_is_made_when_the_process_serves(gate: Meter) -> None:
    assert "\ntyst_gate_nodes" not in gate.page()
    gate.ask(metric.GATE_NODES, lambda: {(): 2})
    assert "\ntyst_gate_nodes" not in gate.page()
    gate.begin()
    assert "\ntyst_gate_nodes 2\n" in gate.page()


def test_marks_are_made_though_nobody_reads(gate: Meter, wall: Wall) -> None:
    asked = []
    gate.ask(metric.GATE_TUNNELS, lambda: asked.append(1) or {(): 30})  # type: ignore[func-returns-value]
    for _ in range(3 * MARK_SECONDS):
        wall.now += 1
        assert 0 < gate.tick() <= MARK_SECONDS
    assert len(asked) == 4


def test_counters_of_people_are_shown_in_tens(gate: Meter, wall: Wall) -> None:
    for _ in range(9):
        gate.count(metric.GATE_ANSWERS, "done")
    assert "done" not in gate.page()
    for _ in range(5):
        gate.count(metric.GATE_ANSWERS, "done")
    wall.now += MARK_SECONDS
    assert 'tyst_gate_answers_total{answer="done"} 10' in gate.page()


def test_a_part_that_is_away_has_no_figure_and_harms_nobody(gate: Meter) -> None:
    def away() -> dict[tuple[str, ...], int]:
        raise RuntimeError("alice")

    gate.ask(metric.GATE_NODES, away)
    page = gate.page()
    assert "tyst_gate_nodes" not in page and "alice" not in page and "tyst_events_total" in page


def test_a_value_that_is_not_listed_is_never_on_the_page(gate: Meter) -> None:
    gate.count(metric.GATE_ANSWERS, "alice")
    gate.ask(metric.GATE_NODES, lambda: {("198.51.100.77",): 1})
    gate.ask(metric.GATE_TUNNELS, lambda: {(): 50})
    page = gate.page()
    assert "alice" not in page and "198.51" not in page and "tyst_gate_tunnels 50" in page


def test_a_room_shows_its_own_figures_alone(gate: Meter) -> None:
    assert "tyst_site" not in gate.page() and "tyst_node" not in gate.page()
    with pytest.raises(ValueError, match="no such thing"):
        gate.count(metric.SITE_ANSWERS, "2xx")
    with pytest.raises(ValueError, match="no such thing"):
        gate.ask(metric.NODE_TUNNELS, dict)


def test_faults_are_shown_by_place_and_libraries_in_tens(wall: Wall) -> None:
    tally = Tally(Room.SITE)
    tally.count(Event.FAULT, "tyst.site.pages.join:join")
    for _ in range(9):
        tally.count(Event.LIBRARY)
    page = Meter(Room.SITE, tally, wall).page()
    assert 'tyst_faults_total{place="tyst.site.pages.join:join"} 1' in page
    assert 'tyst_events_total{kind="a library spoke"} 0' in page
