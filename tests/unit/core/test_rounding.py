"""Time is made coarse before anything is written."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tyst.core.rounding import end_of_day, extended, is_end_of_day, is_hour, month_of, nearest_hour


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "hour"),
    [
        ("2026-11-24 10:29:59.999999", "2026-11-24 10:00:00"),
        ("2026-11-24 10:30:00", "2026-11-24 11:00:00"),
        ("2026-12-31 23:30:00", "2027-01-01 00:00:00"),
        ("2026-11-24 10:00:00", "2026-11-24 10:00:00"),
    ],
)
def test_created_at_is_the_nearest_hour_half_up(moment: str, hour: str) -> None:
    assert nearest_hour(at(moment)) == at(hour)
    assert is_hour(at(hour)) and is_hour(at(moment)) == (moment == hour)


def test_a_moment_in_another_zone_is_rounded_in_utc() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    assert nearest_hour(datetime(2026, 1, 1, 12, 0, tzinfo=india)) == at("2026-01-01 07:00:00")


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        nearest_hour(datetime(2026, 1, 1))


def test_alice_never_loses_hours_she_paid_for() -> None:
    today = date(2026, 11, 24)
    assert extended(None, days=30, today=today) == end_of_day(date(2026, 12, 24))
    assert extended(end_of_day(date(2026, 12, 24)), days=30, today=today) == end_of_day(date(2027, 1, 23))
    assert extended(end_of_day(date(2026, 1, 1)), days=1, today=today) == end_of_day(date(2026, 11, 25))
    with pytest.raises(ValueError, match="positive"):
        extended(None, days=0, today=today)


def test_an_expiry_is_the_last_second_of_a_day() -> None:
    assert is_end_of_day(at("2026-11-24 23:59:59"))
    assert not is_end_of_day(at("2026-11-24 23:59:58"))


def test_a_key_record_ends_with_its_24th_month() -> None:
    assert month_of(at("2026-11-24 12:00:00"), plus=24) == 202811
    assert month_of(at("2026-12-31 23:59:59"), plus=1) == 202701
