"""The journal of what was undone: what it says, for how long, and what nobody can see in it."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from tyst.records import undone
from tyst.records.slots_file import BLOCK, SLOT, SLOTS
from tyst.records.undone import Kind, Row, Undone, UndoneError

TODAY = date(2026, 11, 24)
KEY = bytes(range(32))
ALICE, BOB = b"alice's handle..", b"bob's handle...."


@pytest.fixture(autouse=True)
def where() -> None:
    """No database here."""


@pytest.fixture(autouse=True)
def tables() -> None:
    """None at all."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Undone]:
    yield Undone(tmp_path / "undone.journal", KEY)


def _path(journal: Undone) -> Path:
    return journal._file.path


def _kinds(journal: Undone) -> list[str]:
    return sorted(one.kind.name for one in journal.entries())


def test_a_name_is_taken_for_90_days_whatever_its_capitals_and_is_not_stored(journal: Undone) -> None:
    journal.erased(ALICE, journal.name("Alice"), TODAY)
    assert journal.taken(journal.name("aLICE"), TODAY)
    assert not journal.taken(journal.name("bob"), TODAY)
    journal.forget(TODAY + timedelta(days=89))
    assert journal.taken(journal.name("alice"), TODAY + timedelta(days=89))
    assert not journal.taken(journal.name("alice"), TODAY + timedelta(days=90))
    journal.forget(TODAY + timedelta(days=90))
    assert journal.entries() == []
    raw = _path(journal).read_bytes().lower()
    assert not any(word in raw for word in (b"alice", ALICE, journal.name("alice"), journal.who(ALICE)))


def test_everything_else_is_kept_for_30_days(journal: Undone) -> None:
    journal.erased(ALICE, journal.name("alice"), TODAY)
    journal.replaced(BOB, TODAY, b"x" * 16)
    journal.unlisted(BOB, "email", TODAY)
    journal.forget(TODAY + timedelta(days=29))
    assert _kinds(journal) == ["ERASED", "NAME", "REPLACED", "UNLISTED"]
    assert journal.forget(TODAY + timedelta(days=30)) == 3
    assert _kinds(journal) == ["NAME"]


def test_the_file_says_the_day_and_nothing_finer(journal: Undone) -> None:
    journal.erased(ALICE, journal.name("alice"), TODAY)
    assert _path(journal).stat().st_mtime % 86400 == 0
    assert {one.day for one in journal.entries()} == {TODAY}


def test_payments_and_vouchers_are_nobodys_and_have_no_day_of_their_own(journal: Undone) -> None:
    row = Row(ALICE, "subscription", TODAY)
    journal.granted(row, b"m" * 32, TODAY)
    journal.redeemed(row, b"v" * 32, TODAY)
    journal.returned(None, (b"m" * 32, b"r" * 32), TODAY)
    for one in journal.entries():
        if one.kind is Kind.EXPIRY:
            assert (one.who, one.day) == (journal.who(ALICE), TODAY), "what the row says by itself"
        else:
            assert one.who == undone.NOBODY and one.day.toordinal() % undone.GRAIN == 0 and one.day >= TODAY
    assert len(journal.entries()) == 4


def test_an_empty_slot_looks_like_a_full_one_and_the_size_tells_blocks_alone(journal: Undone) -> None:
    journal.begin()
    assert _path(journal).stat().st_size == BLOCK
    for number in range(SLOTS - 1):
        journal.spent(bytes([number]) * 32, TODAY)
        assert _path(journal).stat().st_size == BLOCK
    journal.spent(b"\xff" * 32, TODAY)
    assert _path(journal).stat().st_size == 2 * BLOCK
    assert len(journal.entries()) == SLOTS
    raw = _path(journal).read_bytes()
    assert len({raw[at : at + SLOT] for at in range(0, len(raw), SLOT)}) == 2 * SLOTS
    assert all(raw.count(bytes([byte])) < len(raw) // 100 for byte in range(256)), "no byte stands out"


def _places(path: Path, count: int) -> list[int]:
    """In which slots entries landed, in the order of writing."""
    journal, places, before = Undone(path, KEY), list[int](), b""
    journal.begin()
    before = path.read_bytes()
    for number in range(count):
        journal.spent(bytes([number]) * 32, TODAY)
        after = path.read_bytes()
        places += [at for at in range(SLOT, len(after), SLOT) if after[at : at + SLOT] != before[at : at + SLOT]]
        before = after
    return places


def test_the_order_of_slots_is_not_the_order_of_writing(tmp_path: Path) -> None:
    places = _places(tmp_path / "one", 20)
    assert places != sorted(places)
    journal = Undone(tmp_path / "one", KEY)
    before = [one.value for one in journal.entries()]
    journal.forget(TODAY)
    assert sorted(one.value for one in journal.entries()) == sorted(before)
    assert [one.value for one in journal.entries()] != before, "each night all of it lies elsewhere"


def test_a_deletion_takes_away_whose_the_other_entries_were(journal: Undone) -> None:
    journal.granted(Row(ALICE, "subscription", TODAY), b"m" * 32, TODAY)
    journal.password(ALICE, "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", TODAY)
    journal.erased(ALICE, journal.name("alice"), TODAY)
    assert _kinds(journal) == ["ERASED", "GRANTED", "NAME"]
    assert [one.kind for one in journal.entries() if one.who == journal.who(ALICE)] == [Kind.ERASED]


def test_an_account_has_one_expiry_for_each_product_the_last(journal: Undone) -> None:
    for days in range(5):
        journal.granted(Row(ALICE, "subscription", TODAY + timedelta(days=days)), b"m" * 32, TODAY)
        journal.redeemed(Row(ALICE, "ipv4", None), b"v" * 32, TODAY)
    found = [undone.unpack_expiry(one.value) for one in journal.entries() if one.kind is Kind.EXPIRY]
    assert sorted(found) == [("ipv4", None), ("subscription", TODAY + timedelta(days=4))]


def test_a_password_comes_back_as_it_was_and_one_of_another_form_not_at_all() -> None:
    from argon2 import PasswordHasher

    phc = PasswordHasher(time_cost=1, memory_cost=64).hash("alice's password")
    assert undone.unpacked(undone.packed(phc)) == phc and len(undone.packed(phc)) <= 80
    for other in ("", "plain", "$argon2i$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=64$c2FsdA"):
        assert undone.packed(other) == b"" and undone.unpacked(b"") is None


def test_damage_a_cut_and_another_key_are_told(journal: Undone) -> None:
    for number in range(SLOTS + 3):
        journal.spent(bytes([number]) * 32, TODAY)
    raw = _path(journal).read_bytes()
    with pytest.raises(UndoneError, match="another key"):
        Undone(_path(journal), b"k" * 32).entries()
    _path(journal).write_bytes(raw[:BLOCK])
    with pytest.raises(UndoneError, match="cut short"):
        Undone(_path(journal), KEY).entries()
    _path(journal).write_bytes(raw[: SLOT * 3])
    with pytest.raises(UndoneError, match="cut short"):
        Undone(_path(journal), KEY).entries()
    _path(journal).write_bytes(raw[:900] + bytes([raw[900] ^ 1]) + raw[901:])
    with pytest.raises(UndoneError, match="damaged"):
        Undone(_path(journal), KEY).entries()


def test_a_stop_while_the_file_grows_loses_nothing(journal: Undone) -> None:
    """Another block was begun, and the first slot doesn't tell of it yet: the next writer goes on from there."""
    journal.spent(b"a" * 32, TODAY)
    with _path(journal).open("ab") as file:
        file.write(os.urandom(BLOCK // 2))
    for number in range(SLOTS + 3):
        journal.spent(bytes([number]) * 32, TODAY)
    assert len(Undone(_path(journal), KEY).entries()) == SLOTS + 4


def _write_many(path: str, first: int) -> None:
    journal = Undone(Path(path), KEY)
    for number in range(first, first + 40):
        journal.spent(bytes([number]) * 32, TODAY)


def test_two_processes_lose_nothing_of_each_other(journal: Undone) -> None:
    context = get_context("fork")
    others = [context.Process(target=_write_many, args=(str(_path(journal)), first)) for first in (0, 100)]
    for one in others:
        one.start()
    for one in others:
        one.join(60)
        assert one.exitcode == 0
    assert len(journal.entries()) == 80


def test_the_key_is_made_once_whoever_asks_first(tmp_path: Path) -> None:
    undone.of_state(tmp_path).erased(ALICE, undone.of_state(tmp_path).name("alice"), TODAY)
    other = undone.of_state(tmp_path)
    assert other.taken(other.name("alice"), TODAY)
    assert (tmp_path / "undone.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "undone.journal").stat().st_mode & 0o077 == 0
