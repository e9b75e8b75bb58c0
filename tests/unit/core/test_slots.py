"""The slot table: four devices and never five, and a count that is right again after whatever happened."""

import pytest

from tyst.core.slots import DROP_MEMORY, GRACE, MAX_SLOTS, RENEWAL, TTL, Renewal, SlotTable, Taken, account_key

LATER = GRACE + 1.0
ALICE, BOB = account_key(b"a" * 16, b"k" * 32), account_key(b"b" * 16, b"k" * 32)


@pytest.fixture
def table() -> SlotTable:
    return SlotTable(started=0)


def fill(table: SlotTable, now: float = LATER, count: int = MAX_SLOTS) -> list[bytes]:
    ids = [bytes([n]) * 8 for n in range(1, count + 1)]
    assert all(table.take(ALICE, slot, now) == Taken() for slot in ids)
    return ids


def test_alices_fifth_device_is_refused_and_bobs_first_is_not(table: SlotTable) -> None:
    fill(table)
    assert table.full(ALICE, LATER) and table.take(ALICE, b"fifth---", LATER) is None
    assert table.take(BOB, b"bobs----", LATER) == Taken()
    assert (table.count(ALICE, LATER), table.count(BOB, LATER)) == (4, 1)


def test_a_quiet_slot_yields_and_its_id_is_told(table: SlotTable) -> None:
    ids = fill(table)
    assert table.renew(ALICE, ids[1], True, LATER) is Renewal.KEPT
    assert not table.full(ALICE, LATER)
    assert table.take(ALICE, b"fifth---", LATER) == Taken(ids[1])
    assert table.renew(ALICE, ids[1], True, LATER) is Renewal.FULL
    assert table.count(ALICE, LATER) == 4


def test_a_slot_that_wakes_up_is_not_quiet_any_more(table: SlotTable) -> None:
    ids = fill(table)
    table.renew(ALICE, ids[1], True, LATER)
    table.renew(ALICE, ids[1], False, LATER)
    assert table.take(ALICE, b"fifth---", LATER) is None


def test_a_slot_lapses_after_its_time_and_not_before(table: SlotTable) -> None:
    fill(table, count=1)
    assert table.count(ALICE, LATER + TTL - 0.01) == 1
    assert table.count(ALICE, LATER + TTL) == 0


def test_a_renewal_keeps_a_slot_for_another_term(table: SlotTable) -> None:
    (slot,) = fill(table, count=1)
    for step in range(1, 20):
        assert table.renew(ALICE, slot, False, LATER + step * RENEWAL) is Renewal.KEPT
    assert table.count(ALICE, LATER + 19 * RENEWAL) == 1


def test_a_released_slot_is_free_at_once_and_releasing_it_twice_frees_nothing_else(table: SlotTable) -> None:
    ids = fill(table)
    assert table.release(ALICE, ids[0]) and not table.release(ALICE, ids[0])
    assert table.count(ALICE, LATER) == 3


def test_a_lease_whose_slot_lapsed_in_a_partition_takes_it_again(table: SlotTable) -> None:
    (slot,) = fill(table, count=1)
    assert table.renew(ALICE, slot, False, LATER + 10 * TTL) is Renewal.REBUILT
    assert table.count(ALICE, LATER + 10 * TTL) == 1


def test_a_lease_that_comes_back_finds_its_place_taken(table: SlotTable) -> None:
    fill(table)
    assert table.renew(ALICE, b"returned", False, LATER) is Renewal.FULL


def test_a_lease_that_comes_back_awake_takes_the_place_of_a_quiet_one(table: SlotTable) -> None:
    ids = fill(table)
    table.renew(ALICE, ids[3], True, LATER)
    assert table.renew(ALICE, b"sleeping", True, LATER) is Renewal.FULL
    assert table.renew(ALICE, b"returned", False, LATER) is Renewal.REBUILT
    assert table.renew(ALICE, ids[3], True, LATER) is Renewal.FULL


def test_after_a_restart_the_newest_beyond_four_is_ended(table: SlotTable) -> None:
    assert table.take(ALICE, b"newer---", 1) == Taken() and table.take(ALICE, b"newest--", 2) == Taken()
    for slot in (b"old-one-", b"old-two-", b"old-3---"):
        assert table.renew(ALICE, slot, False, 3) is Renewal.REBUILT
    assert table.count(ALICE, 3) == 4
    assert table.renew(ALICE, b"newest--", False, 4) is Renewal.FULL
    assert table.renew(ALICE, b"newer---", False, 4) is Renewal.KEPT


def test_once_the_grace_is_over_an_admission_is_as_good_as_any(table: SlotTable) -> None:
    table.take(ALICE, b"newer---", 1)
    for slot in (b"old-one-", b"old-two-", b"old-3---"):
        table.renew(ALICE, slot, False, 2)
    assert table.renew(ALICE, b"too-late", False, GRACE) is Renewal.FULL
    assert table.renew(ALICE, b"newer---", False, GRACE) is Renewal.KEPT


def test_disconnect_all_ends_what_is_here_and_what_was_away(table: SlotTable) -> None:
    ids = fill(table, count=2)
    assert table.drop(ALICE, LATER) == 2
    assert table.count(ALICE, LATER) == 0
    assert [table.renew(ALICE, slot, False, LATER + 1) for slot in (*ids, b"was-away")] == [Renewal.DROPPED] * 3
    assert table.take(ALICE, b"new-one-", LATER + 2) == Taken()
    assert table.renew(ALICE, b"new-one-", False, LATER + 3) is Renewal.KEPT


def test_a_drop_is_forgotten_when_no_older_lease_can_live(table: SlotTable) -> None:
    table.drop(ALICE, LATER)
    table.lapse(LATER + DROP_MEMORY)
    assert table.keys() == []


def test_a_table_that_nobody_uses_any_more_is_empty(table: SlotTable) -> None:
    fill(table)
    table.take(BOB, b"bobs----", LATER + 1)
    table.lapse(LATER + TTL)
    assert table.keys() == [BOB]


def test_an_accounts_key_says_nothing_without_the_secret() -> None:
    assert account_key(b"a" * 16, b"1" * 32) != account_key(b"a" * 16, b"2" * 32)
    assert len(account_key(b"a" * 16, b"1" * 32)) == 16
