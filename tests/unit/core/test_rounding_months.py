"""Calendar months, against the worked table of docs/algorithms/pricing.md."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.worked import PRICING, Row, day, expiry
from tyst.core.rounding import end_of_day, extended_months, is_end_of_day


@pytest.mark.parametrize("row", PRICING.rows("Terms in months", "today", "expiry", "months", "new expiry"))
def test_months_are_added_as_the_page_says(row: Row) -> None:
    got = extended_months(expiry(row["expiry"]), months=int(row["months"]), today=day(row["today"]))
    assert got == expiry(row["new expiry"])


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(-800, 800), st.integers(1, 60))
def test_alice_always_gains_her_months(today: date, left: int, months: int) -> None:
    before = end_of_day(today + timedelta(days=left))
    after = extended_months(before, months=months, today=today)
    start = max(today, before.date())
    assert is_end_of_day(after) and 28 * months <= (after.date() - start).days <= 31 * months
    assert (after.year * 12 + after.month) - (start.year * 12 + start.month) == months
    assert after.day == start.day or (after + timedelta(days=1)).day == 1


def test_an_expiry_counts_by_its_day_in_utc() -> None:
    east = datetime(2027, 1, 1, 4, 59, 59, tzinfo=timezone(timedelta(hours=5)))
    assert extended_months(east, months=1, today=date(2026, 1, 1)) == datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)


def test_time_is_never_taken() -> None:
    for months in (0, -1):
        with pytest.raises(ValueError, match="time can only be added: months must be positive"):
            extended_months(None, months=months, today=date(2026, 1, 1))
