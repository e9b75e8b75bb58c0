"""What the columns refuse: an unrounded time, a third flag, a fourth currency. In Django, and in the database itself."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.postgres import sql
from tests.unit.records.people import NOW, make
from tyst.records.errors import ConflictError
from tyst.records.where import Where

HOUR = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY_END = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)


def update(**words: Any) -> None:
    from tyst.records.models import Account

    assert Account.objects.filter(handle=b"a" * 16).update(**words) == 1


GOOD: list[dict[str, Any]] = [
    {"created_at": HOUR},
    {"updated_at": HOUR.astimezone(timezone(timedelta(hours=2)))},
    {"subscription": DAY_END},
    {"subscription": None},
    {"newsletter": True},
    {"language": "no"},
    {"currency": "USD"},
    {"country": "no"},
    {"campaign": None},
    {"client_version": "1.2"},
    {"client_version": None},
]
BAD: list[dict[str, Any]] = [
    {"created_at": HOUR.replace(second=1)},
    {"created_at": HOUR.replace(microsecond=1)},
    {"updated_at": NOW},
    {"updated_at": HOUR.replace(tzinfo=None)},
    {"subscription": HOUR},
    {"ipv4": DAY_END.replace(second=58)},
    {"multihop": DAY_END.replace(tzinfo=None)},
    {"newsletter": 2},
    {"has_connected": None},
    {"has_ipv6": "yes"},
    {"language": "nb"},
    {"language": None},
    {"currency": "NOK"},
    {"country": "SE"},
    {"country": "zz"},
    {"campaign": "click-12345"},
    {"client_version": "1.2.5.2213"},
    {"extension_version": "x"},
    {"password": "in the clear"},
    {"username": "vpn-alice"},
    {"handle": b"short"},
]


@pytest.mark.parametrize("words", GOOD)
def test_columns_take_what_they_are_for(words: dict[str, Any]) -> None:
    make()
    update(**words)


@pytest.mark.parametrize("words", BAD)
def test_columns_refuse_the_rest_without_repeating_it(words: dict[str, Any]) -> None:
    from tyst.records.columns import RefusedByColumn

    make()
    with pytest.raises(RefusedByColumn) as refusal:
        update(**words)
    value = str(next(iter(words.values())))
    assert len(value) < 6 or value not in str(refusal.value)


@pytest.mark.parametrize(
    "setting",
    [
        "created_at = '2026-03-01 12:10:00'",
        "updated_at = '2026-03-01 12:00:00.5'",
        "subscription = '2026-03-01 12:00:00'",
        "streaming = 2",
        "handle = '0'",
        "password = 'in the clear'",
    ],
)
def test_the_database_refuses_it_too_whoever_writes(setting: str, where: Where) -> None:
    make()
    with pytest.raises((sqlite3.IntegrityError, ConflictError)):
        sql(where, f"UPDATE account SET {setting}")


def test_no_account_shows_itself_in_a_message() -> None:
    account = make()
    assert "alice" not in repr(account) and "alice" not in str(account)
