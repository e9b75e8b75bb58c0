"""What a day brings, by a clock that is turned: each letter once, missed days made up, nobody written down."""

import json
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.cast import START, Clock, Shelf, parts, person
from tyst.jobs.book import MADE_UP, Book, BusyError


def day(work: Any) -> list[str]:
    """One round; what failed."""
    from tyst.jobs import loop

    said: list[str] = []
    loop.one_round(work, said.append)
    return said


def test_alice_is_reminded_fourteen_three_and_no_days_before_the_end_and_never_else(
    work: Any, clock: Clock, shelf: Shelf
) -> None:
    person("alice", ends=20, has_connected=True)
    person("bob", ends=20, email=False)
    person("charlie", has_connected=True)
    got = {}
    for passed in range(25):
        assert day(work) == []
        if letters := shelf.taken():
            got[passed] = letters
        clock.forward(days=1)
    alice = "alice@example.org"
    assert got == {6: [("renewal", alice)], 17: [("renewal", alice)], 20: [("renewal_today", alice)]}


def test_a_second_round_on_the_same_day_sends_nothing(work: Any, clock: Clock, shelf: Shelf, tmp_path: Path) -> None:
    person("alice", ends=3)
    day(work)
    assert len(shelf.taken()) == 1
    for _ in range(3):
        clock.forward(minutes=10)
        day(work)
    day(parts(tmp_path, clock, shelf))
    assert shelf.taken() == [], "nor after a restart"


def test_nothing_of_the_day_is_done_before_its_hour(work: Any, clock: Clock, shelf: Shelf) -> None:
    person("alice", ends=3)
    clock.moment = START.replace(hour=8, minute=59)
    day(work)
    assert shelf.taken() == []
    clock.forward(minutes=1)
    day(work)
    assert len(shelf.taken()) == 1


def test_a_missed_day_is_made_up_and_the_letter_says_the_true_day(work: Any, clock: Clock, shelf: Shelf) -> None:
    person("alice", ends=5)
    day(work)
    clock.forward(days=4)
    day(work)
    [letter] = shelf.letters
    assert letter.kind == "renewal" and "29 November 2026" in letter.subject
    shelf.taken()
    clock.forward(days=1)
    day(work)
    assert shelf.taken() == [("renewal_today", "alice@example.org")]


def test_nobody_is_reminded_of_an_end_that_is_past_and_nobody_twice_in_one_go(
    work: Any, clock: Clock, shelf: Shelf
) -> None:
    day(work)
    person("alice", ends=2)
    person("bob", ends=6)
    clock.forward(days=6)
    day(work)
    assert shelf.taken() == [("renewal_today", "bob@example.org")]


def test_after_long_silence_only_a_week_is_made_up(tmp_path: Path) -> None:
    book = Book(tmp_path)
    today = date(2026, 11, 24)
    assert book.begin("hints", today) == (today,)
    assert book.begin("hints", today) == ()
    later = today + timedelta(days=100)
    made = book.begin("hints", later)
    assert len(made) == MADE_UP + 1 and made[-1] == later
    assert book.begin("hints", later - timedelta(days=3)) == (), "a clock that went back does nothing again"


def test_the_hint_goes_once_to_who_never_connected_a_week_after_the_account_was_made(
    work: Any, clock: Clock, shelf: Shelf
) -> None:
    person("alice")
    person("bob", has_connected=True)
    person("charlie", email=False)
    person("dora", made=START - timedelta(days=1))
    got: dict[int, list[tuple[str, str]]] = {}
    for passed in range(20):
        day(work)
        if letters := shelf.taken():
            got[passed] = letters
        clock.forward(days=1)
    assert got == {6: [("hint", "dora@example.org")], 7: [("hint", "alice@example.org")]}


@pytest.mark.parametrize("gaps", [(3, 2, 5), (7, 1, 1)])
def test_whatever_days_are_missed_nobody_gets_two_hints(
    gaps: tuple[int, ...], work: Any, clock: Clock, shelf: Shelf
) -> None:
    names = [f"person{number}" for number in range(6)]
    for number, name in enumerate(names):
        person(name, made=START + timedelta(hours=20 * number))
    got: list[str] = []
    for turn in range(9):
        day(work)
        got += [to for _, to in shelf.taken()]
        clock.forward(days=gaps[turn % len(gaps)])
    assert sorted(got) == sorted(f"{name}@example.org" for name in names)


def test_the_book_holds_days_and_nothing_else(work: Any, tmp_path: Path) -> None:
    person("alice", ends=3)
    day(work)
    text = (tmp_path / "jobs.days").read_text()
    assert json.loads(text) == dict.fromkeys(("day", "hints", "reminders"), "2026-11-24")
    assert (tmp_path / "jobs.days").stat().st_mode & 0o777 == 0o600


def test_a_job_that_dies_in_the_middle_is_not_begun_again_that_day(
    work: Any, clock: Clock, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("alice", ends=3)
    person("bob", ends=3)
    posted = shelf.post

    def dying(letter: Any) -> None:
        posted(letter)
        raise OSError("the host goes down")

    monkeypatch.setattr(shelf, "post", dying)
    assert day(work) == ["reminders"]
    monkeypatch.setattr(shelf, "post", posted)
    day(work)
    assert len(shelf.taken()) == 1, "one letter is missing, none is doubled"


def test_a_job_that_fails_stops_no_other_and_says_nothing_of_why(
    work: Any, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tyst.jobs import work as jobs

    def broken(parts: Any) -> str:
        raise OSError("alice@example.org")

    monkeypatch.setitem(jobs.JOBS, "journal", broken)
    person("alice", ends=3)
    assert day(work) == ["journal"]
    assert len(shelf.taken()) == 1


def test_two_processes_do_not_do_the_same_work(tmp_path: Path, work: Any) -> None:
    from tyst.jobs import loop

    said: list[str] = []
    stop = threading.Event()

    def say(sentence: str) -> None:
        said.append(sentence)
        stop.set()

    with Book(tmp_path).held():
        with pytest.raises(BusyError), Book(tmp_path).held():
            pass
        loop.rounds(work, stop, say, pause=0.01)
    assert said == [loop.BUSY]


def test_order_keys_are_made_and_lapsed_records_removed(work: Any, clock: Clock, tmp_path: Path) -> None:
    from tyst.records import keys
    from tyst.records.models import KeyRecord

    keys.add(b"a" * 16, b"x" * 20, 202610)
    keys.add(b"b" * 16, b"x" * 20, 202611)
    day(work)
    assert (tmp_path / "order.keys").exists()
    assert [bytes(one.tag) for one in KeyRecord.objects.all()] == [b"b" * 16]


def test_without_mail_no_letter_is_written_and_no_day_is_used_up(work: Any, shelf: Shelf, tmp_path: Path) -> None:
    person("alice", ends=3)
    shelf.open = False
    day(work)
    assert shelf.taken() == [] and "reminders" not in (tmp_path / "jobs.days").read_text()
