"""Renewal by card: who agreed is charged once, the day before the end; the processor alone knows who agreed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.cast import START, Clock, Shelf, parts, person
from tests.unit.jobs.test_day import day
from tyst.core.order import Order
from tyst.core.owner import OWNER, owner_of
from tyst.payments.provider import Agreed, Event, PaymentError, What


class Cards:
    """A processor that renews: mandates by owner, and every charge that was made."""

    name = "braintree"
    renews = True

    def __init__(self) -> None:
        self.mandates: dict[str, Agreed] = {}
        self.charges: list[Order] = []
        self.trouble = ""

    def agreed(self, mandate: str) -> Agreed | None:
        if self.trouble == "away":
            raise PaymentError("not reached")
        return self.mandates.get(mandate)

    def renew(self, order: Order, reference: str, mandate: str) -> Event:
        if self.trouble == "declined":
            return Event(What.FAILED, reference)
        self.charges.append(order)
        return Event(What.PAID, reference, order.total, f"pay{len(self.charges)}")

    def sweep(self, now: datetime) -> list[Event]:
        return []

    def tidy(self, living: Iterable[str]) -> int:
        kept = set(living)
        gone = [mandate for mandate in self.mandates if mandate not in kept]
        for mandate in gone:
            del self.mandates[mandate]
        return len(gone)


@pytest.fixture
def cards() -> Cards:
    return Cards()


@pytest.fixture
def work(tmp_path: Path, clock: Clock, shelf: Shelf, cards: Cards) -> Any:
    return parts(tmp_path, clock, shelf, {"braintree": cards})


def agrees(work: Any, cards: Cards, account: Any, months: int = 12) -> None:
    """The account's mandate at the processor, under the owner's hash."""
    since = account.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    cards.mandates[owner_of(work.till.owners, account.username, since).hex()] = Agreed(months, "EUR")


def ends(name: str) -> Any:
    from tyst.records.models import Account

    return Account.objects.get(username=name).subscription.date()


def test_alice_is_charged_once_the_day_before_the_end_and_her_time_goes_on(
    work: Any, cards: Cards, clock: Clock, shelf: Shelf
) -> None:
    agrees(work, cards, person("alice", ends=5))
    person("bob", ends=5)
    charged = {}
    for passed in range(10):
        assert day(work) == []
        if cards.charges:
            charged[passed] = len(cards.charges)
        clock.forward(days=1)
    assert charged == dict.fromkeys(range(4, 10), 1)
    assert str(ends("alice")) == "2027-11-29" and ends("bob") == START.date() + timedelta(days=5)
    assert (cards.charges[0].months, cards.charges[0].country, cards.charges[0].rate) == (12, "se", 2500)
    assert ("receipt", "alice@example.org") in shelf.taken()


def test_who_was_charged_is_not_reminded_that_her_time_is_over(
    work: Any, cards: Cards, clock: Clock, shelf: Shelf
) -> None:
    agrees(work, cards, person("alice", ends=0))
    day(work)
    assert shelf.taken() == [("receipt", "alice@example.org")]


def test_a_declined_card_changes_nothing_and_the_reminder_comes(
    work: Any, cards: Cards, clock: Clock, shelf: Shelf
) -> None:
    agrees(work, cards, person("alice", ends=0))
    cards.trouble = "declined"
    assert day(work) == []
    assert ends("alice") == START.date() and shelf.taken() == [("renewal_today", "alice@example.org")]


def test_a_processor_that_is_away_is_asked_again_on_the_last_day(
    work: Any, cards: Cards, clock: Clock, shelf: Shelf
) -> None:
    agrees(work, cards, person("alice", ends=1))
    cards.trouble = "away"
    assert day(work) == [] and cards.charges == []
    clock.forward(days=1)
    cards.trouble = ""
    day(work)
    assert len(cards.charges) == 1 and str(ends("alice")) == "2027-11-25"


def test_a_name_that_was_taken_again_inherits_no_mandate(work: Any, cards: Cards, clock: Clock) -> None:
    from tyst.records.models import Account

    agrees(work, cards, person("alice", ends=0, made=START - timedelta(days=300)))
    Account.objects.all().delete()
    person("alice", ends=0)
    day(work)
    assert cards.charges == []


def test_a_term_that_is_no_longer_sold_is_not_charged(work: Any, cards: Cards) -> None:
    agrees(work, cards, person("alice", ends=0), months=7)
    assert day(work) == [] and cards.charges == []


def test_the_key_of_owners_is_the_sites(work: Any) -> None:
    from tyst.core.keyring import new_pair

    assert work.till.owners == new_pair(lambda count: bytes(range(count)))[0].secrets[OWNER]


def test_the_mandate_of_an_account_that_is_gone_ends_in_the_night(work: Any, cards: Cards) -> None:
    alice, bob = person("alice", ends=300), person("bob", ends=300)
    agrees(work, cards, alice)
    agrees(work, cards, bob)
    bob.delete()
    assert day(work) == []
    assert len(cards.mandates) == 1
    assert day(work) == [] and len(cards.mandates) == 1
