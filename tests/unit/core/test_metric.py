"""The figures: every definition is clean and declared, people's are rounded and withheld, and the linter bites."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tyst.core.events import Room
from tyst.core.metric import (
    EVENTS,
    FAULTS,
    GATE_ANSWERS,
    GATE_TUNNELS,
    JOBS,
    METRICS,
    NODE_GATE,
    NODE_MBIT,
    PLACES,
    About,
    Kind,
    Metric,
    faults,
    shown,
    text,
)
from tyst.records.inventory import difference, inventory


def test_the_linter_finds_nothing_in_our_own() -> None:
    assert faults(METRICS) == []


def test_every_figure_is_declared_in_the_inventory_with_its_precision() -> None:
    here = {(one.name, str(room), one.precision) for one in METRICS for room in one.rooms}
    declared = {(one.name, one.room, one.precision) for one in inventory().metrics}
    assert difference(declared, here) == []
    finer = {(name, room, "exact, at once") for name, room, _ in here}
    assert difference(declared, finer)


GOOD = Metric("tyst_gate_things", Kind.GAUGE, About.PEOPLE, (Room.GATE,), "things", group=10)


@pytest.mark.parametrize(
    ("planted", "why"),
    [
        (replace(GOOD, labels={"account": ("a",)}), "about a person"),
        (replace(GOOD, labels={"peer": ("a",)}), "about a person"),
        (replace(GOOD, labels={"country": ("se", "de")}), "about a person"),
        (replace(GOOD, labels={"ip": PLACES}), "about a person"),
        (replace(GOOD, labels={"kind": "anything"}), "no closed list"),
        (replace(GOOD, labels={"kind": PLACES}), "no closed list"),
        (replace(GOOD, labels={"place": PLACES}), "no places"),
        (replace(GOOD, labels={"kind": ()}), "no proper list"),
        (replace(GOOD, labels={"kind": ("a", "a")}), "no proper list"),
        (replace(GOOD, labels={"kind": ("198.51.100.7",)}), "no proper list"),
        (replace(GOOD, labels={"Kind_2": ("a",)}), "no plain word"),
        (replace(GOOD, labels={"kind": tuple("abcdefghijk"), "end": tuple("abcdefghijk")}), "100 series"),
        (replace(GOOD, name="tyst_node_peer_bytes"), "about a person"),
        (replace(GOOD, name="tyst_node_bytes"), "about a person"),
        (replace(GOOD, name="tyst_site_sessions"), "about a person"),
        (replace(GOOD, name="gate_things"), "a name is tyst_"),
        (replace(GOOD, name="tyst_gate_things_total"), "_total"),
        (replace(GOOD, name="tyst_gate_wait_seconds"), "no times"),
        (replace(GOOD, name="tyst_gate_wait_bucket"), "no times"),
        (replace(GOOD, kind=Kind.COUNTER), "_total"),
        (replace(GOOD, group=1), "groups of 10"),
        (replace(GOOD, group=9), "groups of 10"),
        (replace(GOOD, about=About.MACHINERY), "exact"),
        (replace(GOOD, what=""), "one line"),
        (replace(GOOD, what="two\nlines"), "one line"),
        (replace(GOOD, rooms=()), "rooms"),
        (replace(GOOD, rooms=(Room.MAIL,)), "rooms"),
    ],
)
def test_the_linter_bites(planted: Metric, why: str) -> None:
    assert faults([GOOD]) == []
    found = faults([GOOD, replace(planted, name=planted.name if planted.name != GOOD.name else "tyst_gate_others" + (
        "_total" if planted.name.endswith("_total") else ""))])  # fmt: skip
    assert any(why in one for one in found), found


def test_a_figure_defined_twice_is_found() -> None:
    assert any("twice" in one for one in faults([GOOD, GOOD]))


@given(st.integers(0, 10**9))
def test_a_persons_coming_and_going_shows_only_at_whole_tens(count: int) -> None:
    seen = shown(GATE_TUNNELS, count)
    assert (seen is None) == (count < 10)
    assert seen is None or (seen % 10 == 0 and seen <= count < seen + 10)


def test_nobody_and_nine_look_alike() -> None:
    pages = {text({GATE_TUNNELS: {(): count}}) for count in range(10)}
    assert len(pages) == 1
    assert text({NODE_MBIT: {(): 0}}) == text({NODE_MBIT: {}}), "no traffic, and traffic of too few"
    exact = replace(GATE_TUNNELS, about=About.MACHINERY)
    assert len({text({exact: {(): count}}) for count in range(10)}) == 10, "the planted fault: not rounded"


def test_the_text_is_what_prometheus_reads() -> None:
    page = text(
        {
            EVENTS: {("ready",): 1, ("a library spoke",): 20},
            FAULTS: {("tyst.gate.door:_answer",): 2},
            GATE_ANSWERS: {("done",): 1234, ("failed",): 7},
            NODE_GATE: {(): 0},
        }
    )
    read = {
        one.name: {tuple(s.labels.values()): s.value for s in one.samples}
        for one in text_string_to_metric_families(page)
    }
    assert read == {
        "tyst_events": {("ready",): 1.0, ("a library spoke",): 20.0},
        "tyst_faults": {("tyst.gate.door:_answer",): 2.0},
        "tyst_gate_answers": {("done",): 1230.0},
        "tyst_node_gate": {(): 0.0},
    }


@pytest.mark.parametrize("value", ["alice", "198.51.100.77", 'a"} 1\nother{x="', ""])
def test_a_label_takes_no_value_that_is_not_listed(value: str) -> None:
    for metric in (EVENTS, FAULTS, GATE_ANSWERS):
        with pytest.raises(ValueError, match="label"):
            text({metric: {(value,): 1}})
    with pytest.raises(ValueError, match="labels"):
        text({NODE_GATE: {(value,): 1}})


def test_jobs_and_ends_of_letters_are_those_that_exist() -> None:
    from tests.unit.django_once import database_path

    database_path()
    from tyst.cli import STAFF
    from tyst.core.metric import ENDS, STAFF_ACTIONS
    from tyst.jobs import work
    from tyst.mail import outbox

    assert set(JOBS) == set(work.JOBS)
    assert set(ENDS) == {outbox.TAKEN, outbox.REFUSED, outbox.DROPPED, outbox.NOBODY}
    assert set(STAFF_ACTIONS) == STAFF
