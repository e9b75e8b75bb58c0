"""Another user name, on both engines: what is found by the name moves with it, in one transaction, or nothing does."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.records.people import NOW, make
from tyst.records import undone

KEY = b"k" * 32


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> undone.Undone:
    monkeypatch.setattr(undone, "_CURRENT", undone.of_state(tmp_path))
    return undone.current()


def with_an_address(name: str = "alice", handle: bytes = b"a" * 16) -> Any:
    """An account that has a public IPv4 address."""
    from tyst.records import reservations
    from tyst.records.models import Location, Node, NodeAddress, PublicAddress

    account = make(name, handle)
    place = Location(slug="sto", city="Stockholm", country="se")
    place.save(force_insert=True)
    Node(name="se-sto", location=place, ipv4="192.0.2.10", ipv6="2001:db8::1", number=1).save(force_insert=True)
    NodeAddress(address="192.0.2.32", node_id="se-sto", use="public").save(force_insert=True)
    PublicAddress(owner=reservations.owner(KEY, account), address_id="192.0.2.32").save(force_insert=True)
    return account


def test_the_address_moves_and_the_newsletter_ends(journal: undone.Undone) -> None:
    from tyst.records import accounts, renaming, reservations

    account = with_an_address()
    accounts.edit(account.handle, NOW, email="alice@example.org", newsletter=True)
    assert renaming.rename(account.handle, KEY, "alicia", NOW)
    after = accounts.by_username("alicia")
    assert after is not None and after.handle == account.handle and not after.newsletter
    assert after.email == "alice@example.org"
    found = reservations.held_by(KEY, after)
    assert found is not None and found.address == "192.0.2.32"
    assert accounts.by_username("alice") is None
    today = undone.today_of(NOW)
    assert journal.taken(journal.name("ALICE"), today) and not journal.taken(journal.name("alicia"), today)


def test_a_taken_name_changes_nothing(journal: undone.Undone) -> None:
    from tyst.records import accounts, renaming, reservations

    account = with_an_address()
    make("bob", b"b" * 16)
    with pytest.raises(accounts.UsernameTakenError):
        renaming.rename(account.handle, KEY, "BOB", NOW)
    after = accounts.by_username("alice")
    assert after is not None and reservations.held_by(KEY, after) is not None
    assert not journal.taken(journal.name("alice"), undone.today_of(NOW)) or journal.entries() == []


def test_other_capitals_are_the_same_name(journal: undone.Undone) -> None:
    from tyst.records import accounts, renaming, reservations

    account = with_an_address()
    assert renaming.rename(account.handle, KEY, "Alice", NOW)
    after = accounts.by_username("alice")
    assert after is not None and after.username == "Alice" and reservations.held_by(KEY, after) is not None
    assert not journal.taken(journal.name("alice"), undone.today_of(NOW))


def test_who_is_gone_is_not_renamed() -> None:
    from tyst.records import renaming

    assert not renaming.rename(b"x" * 16, KEY, "alicia", NOW)


def test_a_copy_says_the_same_on_both_engines() -> None:
    from tyst.records import person

    account = with_an_address()
    account.refresh_from_db()
    found = person.everything(account, KEY, [person.Source("gate", "devices", lambda _: 3)]).values()
    assert found["account", "username"] == "alice" and found["account", "created_at"] == "2026-03-01 12:00:00"
    assert found["account", "newsletter"] is False and found["account", "subscription"] is None
    assert found["public_address", "address"] == "192.0.2.32" and found["gate", "devices"] == 3
    assert ("account", "handle") not in found


def test_a_source_that_is_away_is_said() -> None:
    from tyst.records import person
    from tyst.records.models import Account

    def away(_: Account) -> bool:
        raise person.AwayError

    found = person.everything(make(), KEY, [person.Source("braintree", "a card", away)])
    assert [(one.where, one.value) for one in found.asked] == [("braintree", None)]
