"""Whom a letter is for: accounts with an address whose subscription ends on a day, that were made on a day and never
connected, or that want the newsletter.

The one place that walks over accounts, for the jobs alone; a page can't name a day or a list. What it yields is used up
at once: nothing is written about who was written to. An account without an address is never among them, but where a
card is to be charged. Counterpart: `accounts.py`, which finds one account by its name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q

from tyst.core.rounding import end_of_day
from tyst.records.models import Account

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Reader:
    """What a letter needs of an account."""

    email: str = field(repr=False)
    username: str = field(repr=False)
    language: str
    since: datetime = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ending:
    """An account whose subscription ends: what a renewal by card needs of it."""

    username: str = field(repr=False)
    since: datetime = field(repr=False)
    country: str
    language: str


def ending_on(day: date) -> Iterator[Reader]:
    """Accounts with an address whose subscription ends with this UTC day."""
    return _readers(Q(subscription=end_of_day(day)))


def silent_since(day: date) -> Iterator[Reader]:
    """Accounts with an address that were made on this UTC day and never connected."""
    first = datetime.combine(day, time(), UTC)
    return _readers(Q(created_at__gte=first, created_at__lt=first + timedelta(days=1), has_connected=False))


def subscribers() -> Iterator[Reader]:
    """Accounts with an address that want the newsletter."""
    return _readers(Q(newsletter=True))


def endings(day: date) -> Iterator[Ending]:
    """Accounts whose subscription ends with this UTC day, with or without an address."""
    rows = Account.objects.filter(subscription=end_of_day(day))
    for name, since, country, language in rows.values_list("username", "created_at", "country", "language"):
        yield Ending(name, since, country, language)


def everybody() -> Iterator[tuple[str, datetime]]:
    """Every account's name and the hour in which it was made: whose mandates may live."""
    yield from Account.objects.values_list("username", "created_at").iterator(chunk_size=_CHUNK)


def is_read(email: str) -> bool:
    """Whether any account has this address still: asked just before a letter leaves. Tells nobody whose."""
    return Account.objects.filter(email__iexact=email).exists()


def _readers(which: Q) -> Iterator[Reader]:
    rows = Account.objects.filter(which, email__isnull=False).exclude(email="")
    wanted = rows.values_list("email", "username", "language", "created_at")
    for email, username, language, since in wanted.iterator(chunk_size=_CHUNK):
        yield Reader(str(email), username, language, since)
