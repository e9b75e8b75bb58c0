"""Accounts: made, edited, re-keyed, erased."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.records.engines import on_sqlite
from tests.unit.records.people import NOW, PHC, make

LATER = NOW + timedelta(days=3, minutes=1)


def test_a_new_account_is_its_handle_and_the_policys_defaults() -> None:
    from tyst.records import accounts

    make()
    alice = accounts.by_username("ALICE")
    assert alice is not None and alice.handle == b"a" * 16 and alice.username == "alice"
    assert alice.created_at == alice.updated_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (alice.newsletter, alice.has_authenticated, alice.has_connected, alice.streaming) == (False,) * 4
    assert alice.has_ipv6 is True and alice.email is alice.subscription is alice.campaign is None


def test_times_are_rounded_half_up_before_they_are_written() -> None:
    make("alice", b"a" * 16, now=datetime(2026, 3, 1, 12, 29, 59, tzinfo=UTC))
    bob = make("bob", b"b" * 16, now=datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    assert bob.created_at == datetime(2026, 3, 1, 13, tzinfo=UTC)


def test_mallory_cannot_take_alices_name_in_capitals() -> None:
    from tyst.records.accounts import UsernameTakenError

    make()
    with pytest.raises(UsernameTakenError):
        make("ALICE", b"m" * 16)


def test_a_malformed_name_finds_nobody() -> None:
    from tyst.records import accounts

    make()
    assert accounts.by_username("alice' OR 1=1 --") is None


def test_an_edit_moves_updated_at_to_its_hour() -> None:
    from tyst.records import accounts

    make()
    assert accounts.edit(b"a" * 16, LATER, streaming=True, email="alice@example.test", newsletter=True)
    alice = accounts.by_handle(b"a" * 16)
    assert alice is not None and alice.streaming and alice.updated_at == datetime(2026, 3, 4, 13, tzinfo=UTC)
    assert alice.created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_without_an_address_there_is_no_newsletter() -> None:
    from tyst.records import accounts

    make()
    accounts.edit(b"a" * 16, LATER, email="alice@example.test", newsletter=True)
    accounts.edit(b"a" * 16, LATER, email=None)
    alice = accounts.by_handle(b"a" * 16)
    assert alice is not None and alice.email is None and not alice.newsletter


@pytest.mark.parametrize("column", ["username", "handle", "subscription", "created_at", "has_connected"])
def test_what_is_not_the_customers_to_edit_is_refused(column: str) -> None:
    from tyst.records import accounts

    make()
    with pytest.raises(ValueError, match="not the customer's"):
        accounts.edit(b"a" * 16, LATER, **{column: "x"})


def test_rekeying_gives_a_new_handle_and_keeps_the_rest() -> None:
    from tyst.records import accounts, erase

    make()
    assert erase.rekey(b"a" * 16, b"n" * 16, LATER, password=PHC + "new")
    assert accounts.by_handle(b"a" * 16) is None
    alice = accounts.by_handle(b"n" * 16)
    assert alice is not None and alice.username == "alice" and alice.password == PHC + "new"
    assert not erase.rekey(b"a" * 16, b"m" * 16, LATER), "the old handle opens nothing"


@on_sqlite
def test_a_deleted_account_was_never_here() -> None:
    from tests.unit.django_once import database_path
    from tyst.records import accounts, erase

    make("alice-of-the-marked-name")
    path = database_path()
    assert b"alice-of-the-marked-name" in path.read_bytes()
    words = (b"a" * 16, b"k" * 32, NOW)
    assert erase.delete_account(*words) and not erase.delete_account(*words)
    assert accounts.by_username("alice-of-the-marked-name") is None
    assert b"alice-of-the-marked-name" not in path.read_bytes(), "secure_delete leaves no page with her name"
    journal = path.with_name(path.name + "-journal")
    assert not journal.exists()
    make("alice-of-the-marked-name", b"z" * 16)


@on_sqlite
def test_the_database_is_opened_as_engine_says() -> None:
    from django.db import connection

    wanted = {"secure_delete": 1, "journal_mode": "persist", "synchronous": 2, "foreign_keys": 1, "temp_store": 2}
    with connection.cursor() as cursor:
        for name, value in wanted.items():
            assert cursor.execute(f"PRAGMA {name}").fetchone()[0] == value, name
