"""From a processor's socket to the account's row: each provider with the real settler and the real records.

Findings rows 29 (forged callbacks) and 30 (twice, reordered, replayed). 'Nothing changed' is said of the whole database,
table by table, not of one column.
"""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.payments.suite import BACK, PATIENCE, SINCE, Button, Door, Shop, within
from tests.unit.django_once import database_path, emptied
from tyst.core.keyring import new_pair
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.rounding import extended_months
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Callback, Event, PaymentError, What

if TYPE_CHECKING:
    from tyst.payments.settling import Paid

_PHC = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
SERIALS = (f"sale{number:04}".encode() for number in itertools.count())


class Counter:
    """The settler, its records and what it told."""

    def __init__(self, shop: Shop, keys: OrderKeys) -> None:
        from tyst.payments.settling import Settler

        self.shop, self.keys = shop, keys
        self.told: list[Paid] = []
        site = new_pair(lambda count: b"s" * count)[0]
        providers = {shop.name: shop.provider}
        self.settler: Settler = Settler(keys, site, shop.now, self.told.append, providers)

    def account(self, name: str) -> None:
        """A customer who never bought anything."""
        from tyst.records.models import Account

        row = {"username": name, "password": _PHC, "created_at": SINCE, "updated_at": SINCE, "language": "en"}
        Account(handle=name.ljust(16).encode(), currency=self.shop.currency, country=self.shop.country, **row).save(
            force_insert=True
        )

    def until(self, name: str) -> date | None:
        """The last day of a customer's subscription."""
        from tyst.records.models import Account

        ends: datetime | None = Account.objects.get(username=name).subscription
        return None if ends is None else ends.astimezone(UTC).date()

    def year(self) -> date:
        """Where a year from today ends."""
        today = self.shop.now().astimezone(UTC).date()
        return extended_months(None, months=12, today=today).date()

    def hear(self, callback: Callback) -> None:
        """As the site's callback page does."""
        self.settler.hear(self.shop.provider, callback)


@pytest.fixture
def counter(shop: Shop, keys: OrderKeys) -> Iterator[Counter]:
    emptied()
    made = Counter(shop, keys)
    made.account("alice")
    made.account("mallory")
    yield made
    emptied()


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    connection = sqlite3.connect(f"file:{Path(database_path())}?mode=ro", uri=True)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}
    finally:
        connection.close()


def opened(counter: Counter, door: Door, **changes: object) -> tuple[Order, str]:
    """An open payment: its order and the sealed text."""
    order = counter.shop.order(next(SERIALS), **changes)
    reference = counter.keys.seal(order)
    shop = counter.shop
    checkout = shop.provider.begin(order, reference, back=BACK, callback=door.address(shop.name))
    door.heard.clear()
    shop.checkouts[reference] = checkout
    return order, reference


def paid(counter: Counter, door: Door, order: Order, reference: str) -> list[Callback]:
    """Alice pays; what the processor posted of it."""
    shop = counter.shop
    for event in shop.press(Button.PAY, order, reference, shop.checkouts[reference]):
        counter.settler.take(shop.provider, event)
    assert not shop.calls_back or within(PATIENCE, lambda: bool(door.heard))
    return list(door.heard)


def test_forged_callbacks_change_no_row_and_the_true_one_gives_a_year(counter: Counter, door: Door) -> None:
    if not counter.shop.calls_back:
        return
    _, mallorys = opened(counter, door, username="mallory")
    order, reference = opened(counter, door)
    true = paid(counter, door, order, reference)
    before = everything()
    for name, forged in counter.shop.forgeries(true[-1], mallorys).items():
        with suppress(PaymentError):
            counter.hear(forged)
        assert everything() == before, name
    for callback in true:
        counter.hear(callback)
    assert (counter.until("alice"), counter.until("mallory")) == (counter.year(), None)


def test_without_our_check_mallory_would_have_his_year(counter: Counter, door: Door) -> None:
    if not counter.shop.calls_back:
        return
    _, mallorys = opened(counter, door, username="mallory")
    order, reference = opened(counter, door)
    true = paid(counter, door, order, reference)
    with counter.shop.unguarded():
        for forged in counter.shop.forgeries(true[-1], mallorys).values():
            try:
                counter.hear(forged)
            except (PaymentError, ValueError):
                continue
    assert counter.until("mallory") == counter.year()


def test_callbacks_twice_in_every_order_with_return_page_and_sweep_give_one_year(counter: Counter, door: Door) -> None:
    order, reference = opened(counter, door)
    said = paid(counter, door, order, reference)
    tellings = [*said, *said]
    for callback in itertools.chain(reversed(tellings), tellings):
        counter.hear(callback)
    shop = counter.shop
    for _ in range(2):
        event = shop.provider.look(order, reference)
        assert event is not None
        counter.settler.take(shop.provider, event)
        counter.settler.sweep(shop.provider)
    assert counter.until("alice") == counter.year()
    assert len(counter.told) == 1
    assert [(row[7], sum(map(int, map(str, row[8:10])))) for row in everything()["journal"]] == [(1, order.total.minor)]
    settled = everything()
    for callback in tellings:
        counter.hear(callback)
    assert everything() == settled


def test_nothing_of_the_payer_or_the_payment_is_in_any_row(counter: Counter, door: Door) -> None:
    order, reference = opened(counter, door)
    for callback in paid(counter, door, order, reference):
        counter.hear(callback)
    shop = counter.shop
    event = shop.provider.look(order, reference)
    assert event is not None
    counter.settler.take(shop.provider, event)
    rows = repr(everything())
    for marker in (*shop.markers(), reference, event.payment or "none", repr(order.serial)[2:-1]):
        assert marker not in rows
    assert "alice" in rows


def test_a_payment_for_an_account_that_is_gone_changes_no_row(counter: Counter, door: Door) -> None:
    from tyst.records.models import Account

    order, reference = opened(counter, door)
    said = paid(counter, door, order, reference) if counter.shop.calls_back and not counter.shop.provider.renews else []
    if not said:
        return
    Account.objects.filter(username="alice").delete()
    before = everything()
    for callback in said:
        counter.hear(callback)
    assert everything() == before
    assert not counter.told
    if counter.shop.returns:
        assert counter.shop.given_back(order, reference) == [order.total]


def test_a_payment_of_nothing_is_not_taken_for_all_of_it(counter: Counter, door: Door) -> None:
    _, reference = opened(counter, door)
    before = everything()
    counter.settler.take(counter.shop.provider, Event(What.PAID, reference, Money(0, counter.shop.currency)))
    assert everything() == before and not counter.told
