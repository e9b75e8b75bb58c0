"""What a process may say: a closed list, places of our own code, counts; and nothing of a fault but where it was."""

import gc
import sys
import weakref
from types import SimpleNamespace

import pytest

from tyst.core.events import LINE, Event, Room, Tally, line, place_of, release
from tyst.records.inventory import difference, inventory

SECRET = "alice@198.51.100.77"


class Kept:
    """Something that a frame holds."""


def failing(kept: Kept) -> None:
    held = kept
    raise ValueError(f"{SECRET} {held}")


def fault_of(kept: Kept) -> ValueError:
    try:
        failing(kept)
    except ValueError as error:
        return error
    raise AssertionError


def in_our_code() -> BaseException:
    """A fault that passes a function of the product, and ends in Python's own."""
    from tyst.core.rounding import month_of

    try:
        month_of(SimpleNamespace(tzinfo=1, astimezone=lambda _: int(SECRET)))  # type: ignore[arg-type]
    except ValueError as error:
        return error
    raise AssertionError


def test_every_kind_is_declared_in_the_inventory_and_every_declared_kind_exists() -> None:
    here = {(one.text, str(room)) for one in Event for room in one.rooms}
    assert difference({(one.kind, one.room) for one in inventory().logs}, here) == []
    planted = here - {(Event.FAULT.text, "gate")}
    assert difference({(one.kind, one.room) for one in inventory().logs}, planted)


@pytest.mark.parametrize("event", Event)
def test_every_line_obeys_the_grammar(event: Event) -> None:
    for room in event.rooms:
        place = "tyst.gate.door:_answer" if event.placed else ""
        for count in (0, 3):
            assert LINE.fullmatch(line(room, event, place=place, count=count))


@pytest.mark.parametrize(
    "said",
    [
        "tyst gate: fault at tyst.gate.door:_answer alice",
        "tyst gate: fault at 198.51.100.77:x",
        "tyst gate: alice",
        "tyst gate: fault at tyst.gate.door:_answer (3) 12:04",
        "ready alice",
        "tyst shop: ready",
    ],
)
def test_the_grammar_has_no_place_for_a_value(said: str) -> None:
    assert not LINE.fullmatch(said)


def test_what_is_not_listed_can_not_be_said() -> None:
    for place in (SECRET, "os.path:join", "tyst.gate.door:_answer\nalice", ""):
        with pytest.raises(ValueError, match="no process of ours"):
            line(Room.GATE, Event.FAULT, place=place)
    with pytest.raises(ValueError, match="no process of ours"):
        line(Room.GATE, Event.JOB_FAILED, place="tyst.jobs.work:_sweep")
    with pytest.raises(ValueError, match="no process of ours"):
        line(Room.GATE, Event.READY, place="tyst.gate.door:_answer")


def test_a_faults_place_is_the_innermost_function_of_ours() -> None:
    assert place_of(in_our_code().__traceback__) == "tyst.core.rounding:month_of"
    assert place_of(fault_of(Kept()).__traceback__) == "elsewhere"
    assert place_of(None) == "elsewhere"


def test_a_function_with_a_made_up_name_is_no_place() -> None:
    names: dict[str, object] = {"__name__": "tyst.gate.door"}
    exec(compile("def f(): raise ValueError\n", "door.py", "exec"), names)
    function = names["f"]
    assert callable(function)
    function.__code__ = function.__code__.replace(co_name=SECRET)  # type: ignore[attr-defined]
    try:
        function()
    except ValueError as error:
        assert place_of(error.__traceback__) == "elsewhere"


def test_a_counted_fault_holds_nothing_any_more() -> None:
    kept = Kept()
    gone = weakref.ref(kept)
    error = fault_of(kept)
    del kept
    gc.disable()
    try:
        assert gone() is not None, "the planted fault: a traceback keeps what its frames held"
        tally = Tally(Room.GATE)
        tally.fault(error)
        assert gone() is None and error.__traceback__ is None
    finally:
        gc.enable()
    assert dict(tally.of(Event.FAULT)) == {"elsewhere": 1}


def test_the_faults_behind_a_fault_are_let_go_of_too() -> None:
    first, second = fault_of(Kept()), fault_of(Kept())
    first.__context__, second.__cause__ = second, first  # a ring
    group = ExceptionGroup("several", [first])
    release(group)
    assert all(one.__traceback__ is None for one in (first, second, group))


def test_a_frame_that_still_runs_is_left_alone() -> None:
    held = Kept()
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        release(error)
        assert sys.exc_info()[1] is error
    assert isinstance(held, Kept)


def test_news_are_told_once_and_name_no_value() -> None:
    tally = Tally(Room.JOBS)
    assert list(tally.news()) == []
    tally.fault(in_our_code())
    tally.fault(in_our_code())
    tally.count(Event.JOBS_BUSY)
    said = list(tally.news())
    assert said == [
        "tyst jobs: another process does the jobs, or the state folder can't be written (1)",
        "tyst jobs: fault at tyst.core.rounding:month_of (2)",
    ]
    assert list(tally.news()) == []
    assert SECRET not in "".join(said)


def test_what_requests_bring_about_is_told_in_whole_tens() -> None:
    tally = Tally(Room.SITE)
    for _ in range(9):
        tally.count(Event.LIBRARY)
    assert list(tally.news()) == [] and dict(tally.of(Event.LIBRARY)) == {"": 0}
    for _ in range(16):
        tally.count(Event.LIBRARY)
    assert list(tally.news()) == ["tyst site: a library spoke (20)"]
    for _ in range(5):
        tally.count(Event.LIBRARY)
    assert list(tally.news()) == ["tyst site: a library spoke (10)"], "what was left over counts on"
