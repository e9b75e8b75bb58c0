"""The edges of settlement and journal that mutants showed to be held by no test. On both databases."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.unit.records.people import NOW, make
from tests.unit.records.test_bookkeeping import sell
from tests.unit.records.test_settlement import ORDER, TODAY, whole
from tyst.core.product import Product
from tyst.core.rounding import end_of_day, nearest_hour

GOLDEN = [
    "2cf1614f7b0af842",
    "0f2cbc644a61f08a",
    "dd7fcd8c015a94dc",
    "1fb6349b55e1704f",
    "54548a706dfa496e",
]
"""Of `serial01`: paid, returned, first, journal, journal of return."""


def test_a_serials_hashes_are_the_same_in_every_version() -> None:
    """With other hashes everything that was ever spent could be spent again."""
    from tyst.records import bookkeeping, settlement

    uses = settlement.PAID, settlement.RETURNED, settlement.FIRST, bookkeeping._BOOKED, bookkeeping._BOOKED_BACK
    assert [settlement.mark(b"serial01", use).hex()[:16] for use in uses] == GOLDEN


def test_amounts_and_people_can_not_be_printed() -> None:
    from tyst.records.bookkeeping import Row
    from tyst.records.settlement import Granted

    assert [one.name for one in fields(Granted) if one.repr] == ["first"]
    assert not {"count", "net", "vat"} & {one.name for one in fields(Row) if one.repr}


@pytest.mark.parametrize("column", list(Product))
def test_whoever_had_time_of_any_kind_buys_nothing_first(column: Product) -> None:
    from tyst.records import settlement
    from tyst.records.models import Account

    make()
    Account.objects.update(**{column: end_of_day(date(2025, 1, 1))})
    assert not settlement.grant(ORDER, whole(), NOW).first  # type: ignore[arg-type]
    assert not settlement.is_spent(ORDER.serial, settlement.FIRST)


def test_one_payment_buys_ten_years_at_most_and_a_single_day_at_least() -> None:
    from tyst.records import settlement

    make()
    for number, (part, days) in enumerate(((10**6, 3660), (1, 1), (61, 61))):
        before = end_of_day(TODAY)
        bought = replace(ORDER, serial=f"edge{number:04}".encode(), product=list(Product)[number])
        granted = settlement.grant(bought, settlement.Share(part, 30), NOW)
        assert granted.until == before + timedelta(days=days)


def test_the_hour_of_the_edit_is_the_returned_accounts_too() -> None:
    from tyst.records import accounts, settlement

    make()
    later = NOW + timedelta(days=3)
    granted = settlement.grant(ORDER, whole(), later)  # type: ignore[arg-type]
    alice = accounts.by_username("alice")
    assert alice is not None and granted.account.updated_at == alice.updated_at == nearest_hour(later)


def test_of_what_was_never_given_or_is_gone_nothing_is_taken_back() -> None:
    from tyst.records import settlement
    from tyst.records.models import Account

    make()
    orders = [replace(ORDER, serial=f"gone{number:04}".encode()) for number in range(3)]
    assert settlement.take_back(orders[0], settlement.Share(1, 1), NOW) is False
    settlement.grant(orders[1], whole(), NOW)  # type: ignore[arg-type]
    Account.objects.update(subscription=None)
    assert settlement.take_back(orders[1], settlement.Share(1, 1), NOW) is False
    settlement.grant(orders[2], whole(), NOW)  # type: ignore[arg-type]
    Account.objects.all().delete()
    assert settlement.take_back(orders[2], settlement.Share(1, 1), NOW) is False


@pytest.mark.parametrize(("part", "left"), [(1, 20), (2, 10), (3, 0), (4, 0)])
def test_a_part_that_went_back_takes_a_part_of_the_days(part: int, left: int) -> None:
    from tyst.records import accounts, settlement

    make()
    settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    assert settlement.take_back(ORDER, settlement.Share(part, 3), NOW) is True
    alice = accounts.by_username("alice")
    assert alice is not None and alice.subscription == end_of_day(TODAY + timedelta(days=left))


@pytest.mark.parametrize(
    ("expiry", "months", "without"),
    [("2026-12-01", 1, "2026-11-01"), ("2026-12-01", 12, "2025-12-01"), ("2027-01-01", 6, "2026-07-01")],
)
def test_months_go_back_to_the_first_of_a_month(expiry: str, months: int, without: str) -> None:
    from tyst.records import accounts, settlement
    from tyst.records.models import Account

    make()
    bought = replace(ORDER, months=months, days=0)
    settlement.grant(bought, whole(), NOW)  # type: ignore[arg-type]
    Account.objects.update(subscription=end_of_day(date.fromisoformat(expiry)))
    settlement.take_back(bought, settlement.Share(1, 1), NOW)
    alice = accounts.by_username("alice")
    assert alice is not None and alice.subscription == datetime.fromisoformat(f"{without} 23:59:59").replace(tzinfo=UTC)


def test_the_accounts_row_is_locked_where_the_database_locks_rows() -> None:
    """On PostgreSQL two orders of one account may be settled at once; SQLite's transactions begin by locking all."""
    from tyst.records import settlement

    make()
    with CaptureQueriesContext(connection) as asked:
        settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    (found,) = (one["sql"] for one in asked.captured_queries if "FROM account" in one["sql"])
    assert found.rstrip().endswith(" FOR UPDATE") == (connection.vendor == "postgresql")


def test_small_rows_of_a_past_month_lose_method_and_product() -> None:
    from tyst.records import bookkeeping

    sell(1, day=date(2026, 2, 3))
    sell(1, day=date(2026, 2, 4), first=1, product=Product.IPV4, method="monero")
    bookkeeping.merge(TODAY)
    (row,) = bookkeeping.rows_of("2026-02")
    assert (row.period, row.method, row.product, row.count) == ("2026-02", "any", "any", 2)


def test_a_month_has_its_own_rows_only() -> None:
    from tyst.records import bookkeeping

    sell(1, day=date(2026, 2, 3))
    sell(1, first=1)
    assert [row.period for row in bookkeeping.rows_of("2026-02")] == ["2026-02-03"]


def test_a_restore_will_hear_of_a_payment_and_of_its_return(tmp_path: Path) -> None:
    from tyst.records import settlement, undone
    from tyst.records.undone import Kind

    make()
    undone.use(tmp_path)
    try:
        settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
        assert {Kind.GRANTED} < {one.kind for one in undone.current().entries()}
        settlement.take_back(ORDER, whole(), NOW)  # type: ignore[arg-type]
        assert {Kind.RETURNED} < {one.kind for one in undone.current().entries()}
    finally:
        undone.leave()
