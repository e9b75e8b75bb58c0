"""The daily batch runs at its time of day, today or tomorrow."""

from datetime import UTC, datetime, time

from tyst.gate.batch import seconds_until


def test_before_its_time_it_waits_for_today() -> None:
    assert seconds_until(time(4), datetime(2026, 11, 24, 3, 0, tzinfo=UTC).timestamp()) == 3600


def test_at_and_after_its_time_it_waits_for_tomorrow() -> None:
    assert seconds_until(time(4), datetime(2026, 11, 24, 4, 0, tzinfo=UTC).timestamp()) == 86400
    assert seconds_until(time(4), datetime(2026, 12, 31, 23, 0, tzinfo=UTC).timestamp()) == 5 * 3600
