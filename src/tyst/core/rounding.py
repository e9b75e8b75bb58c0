"""Time made coarse before anything is written: the hour for account edits, the end of a UTC day for expiries.

Two classes of time exist (docs/threat-model.md): account time, coarse and allowed, and use time, never stored. These
functions take the door's clock as a value; none of them reads a clock.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

HOUR = timedelta(hours=1)


def nearest_hour(moment: datetime) -> datetime:
    """Rounds an aware moment to the nearest full hour, half up: 10:29:59 → 10:00, 10:30:00 → 11:00."""
    utc = _aware(moment).astimezone(UTC)
    return (utc + HOUR / 2).replace(minute=0, second=0, microsecond=0)


def is_hour(moment: datetime) -> bool:
    """Whether an aware moment lies exactly on a full UTC hour."""
    return _aware(moment).astimezone(UTC) == _aware(moment).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def end_of_day(day: date) -> datetime:
    """The last second of a UTC day: how expiries are stored, so that nobody loses hours they paid for."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)


def is_end_of_day(moment: datetime) -> bool:
    """Whether an aware moment is exactly the last second of a UTC day."""
    utc = _aware(moment).astimezone(UTC)
    return utc == end_of_day(utc.date())


def extended(expiry: datetime | None, *, days: int, today: date) -> datetime:
    """A new expiry: `days` further from max(today, expiry), at the end of that UTC day."""
    if days <= 0:
        raise ValueError("time can only be added: days must be positive")
    start = today if expiry is None else max(today, expiry.astimezone(UTC).date())
    return end_of_day(start + timedelta(days=days))


def extended_months(expiry: datetime | None, *, months: int, today: date) -> datetime:
    """A new expiry: `months` calendar months further from max(today, expiry), at the end of that UTC day. Where the
    month has no such day it is its last: 31 January and a month is 28 February, or the 29th.
    """
    if months <= 0:
        raise ValueError("time can only be added: months must be positive")
    start = today if expiry is None else max(today, expiry.astimezone(UTC).date())
    index = start.year * 12 + start.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return end_of_day(date(year, month, min(start.day, monthrange(year, month)[1])))


def month_of(moment: datetime, *, plus: int = 0) -> int:
    """A calendar month as YYYYMM, `plus` months later: how key records say when they end."""
    utc = _aware(moment).astimezone(UTC)
    index = utc.year * 12 + utc.month - 1 + plus
    return index // 12 * 100 + index % 12 + 1


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone can't be rounded: use aware UTC datetimes")
    return moment
