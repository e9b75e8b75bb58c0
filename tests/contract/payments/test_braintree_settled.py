"""Cards from the nonce to the account: Braintree's fake over its wire, our provider, the real settlement and the real
jobs on real tables. Alice's time is what her bank paid for, whoever tells it, and however often.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.contract.payments.shops.braintree import FORM, nonce
from tests.contract.payments.suite import patched
from tests.unit.django_once import emptied
from tests.unit.jobs.cast import START, Clock, Shelf, parts, person
from tyst.core import keyring
from tyst.core.keyring import new_pair
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.lab.shop.braintree import FakeBraintree
from tyst.lab.shop.braintree_vault import GOOD_CARD
from tyst.payments.braintree.provider import build
from tyst.payments.provider import Callback, PaymentError


class Town:
    """One shop with a database, its jobs, and Alice."""

    def __init__(self, state: Path) -> None:
        self.clock, self.shelf = Clock(), Shelf()
        keys, _ = new_pair(lambda count: bytes(range(count)))
        (state / "site.keys").write_bytes(keyring.to_text(keys).encode())
        self.fake = FakeBraintree(self.clock)
        self.provider = build(self.fake.answers(), state, self.clock)
        self.work = parts(state, self.clock, self.shelf, {"braintree": self.provider})
        self.alice = person("alice")
        self._serial = 0

    def order(self, **changes: Any) -> tuple[Order, str]:
        """Alice's next order, and its text."""
        self._serial += 1
        usual: dict[str, Any] = {"months": 1, "days": 0, "total": Money(990, "EUR"), "country": "se", "rate": 2500}
        usual |= {"language": "en", "renews": True} | changes
        serial = f"contract{self._serial:02}".encode()[-8:]
        order = Order("braintree", serial, "alice", self.alice.created_at, product=Product.SUBSCRIPTION, **usual)
        return order, self.work.orders.seal(order)

    def pay(self, order: Order, reference: str) -> str:
        """Alice types a card, and the page settles what comes of it."""
        event = self.provider.pay(order, reference, {"nonce": nonce(self.fake, GOOD_CARD)})
        return str(self.work.settler.take(self.provider, event))

    def ends(self) -> date | None:
        """The last day of her subscription."""
        from tyst.records.models import Account

        found = Account.objects.get(username="alice").subscription
        return found.date() if found else None

    def round(self) -> None:
        """A day's work."""
        from tyst.jobs import loop

        said: list[str] = []
        loop.one_round(self.work, said.append)
        assert said == []


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    emptied()
    one = Town(tmp_path)
    yield one
    one.fake.close()


def test_alices_month_is_hers_once_by_page_webhook_and_sweep(town: Town) -> None:
    order, reference = town.order()
    assert town.pay(order, reference) == "granted"
    ends = town.ends()
    assert town.pay(order, reference) == "again"
    subject = _shown(town)
    told = Callback("", FORM, town.fake.webhook("transaction_disbursed", ("transaction", subject)))
    assert town.work.settler.hear(town.provider, told) == ["again"]
    assert town.work.settler.sweep(town.provider) == {"again": 1}
    assert town.ends() == ends and len(town.fake.vault.transactions) == 1


def _shown(town: Town) -> dict[str, Any]:
    from tyst.lab.shop import braintree_wire

    (one,) = town.fake.vault.transactions.values()
    return braintree_wire.transaction(one)


def test_a_page_that_dies_after_the_charge_is_healed_by_the_jobs(town: Town) -> None:
    order, reference = town.order()
    town.provider.pay(order, reference, {"nonce": nonce(town.fake, GOOD_CARD)})
    assert town.ends() is None
    town.round()
    assert town.ends() is not None
    town.round()
    assert len(town.fake.vault.transactions) == 1


def test_four_months_of_renewals_by_the_jobs_are_one_charge_each(town: Town) -> None:
    town.pay(*town.order())
    for month in range(1, 5):
        ends = town.ends()
        assert ends is not None and len(town.fake.vault.transactions) == month
        town.clock.forward(days=(ends - town.clock.moment.date()).days - 2)
        for _ in range(4):
            town.round()
            town.clock.forward(days=1)
        after = town.ends()
        assert after is not None and 28 <= (after - ends).days <= 31
        assert len(town.fake.vault.transactions) == month + 1


def test_jobs_that_die_between_charge_and_settlement_charge_once(town: Town) -> None:
    town.pay(*town.order())
    before = town.ends()
    assert before is not None
    town.clock.forward(days=(before - town.clock.moment.date()).days - 1)

    def dies(*_: object) -> None:
        raise PaymentError("the process died here")

    with patched(town.work.settler, "take", dies):
        from tyst.jobs import renewals

        assert renewals.renewals(town.work.providers, town.work.till, town.work.today) == {"away": 1}
    assert len(town.fake.vault.transactions) == 2 and town.ends() == before
    for _ in range(3):
        town.round()
    after = town.ends()
    assert len(town.fake.vault.transactions) == 2
    assert after is not None and 28 <= (after - before).days <= 31


def test_a_chargeback_takes_the_time_back_once_and_ends_the_mandate(town: Town) -> None:
    town.pay(*town.order())
    (one,) = town.fake.vault.transactions.values()
    town.fake.vault.settle(one.id)
    town.fake.vault.dispute(one.id)
    for _ in range(2):
        town.round()
    ends = town.ends()
    assert ends is None or ends <= START.date()
    assert town.fake.vault.customers == {} or not any(town.fake.vault.customers.values())
    for _ in range(3):
        town.clock.forward(days=10)
        town.round()
    assert len(town.fake.vault.transactions) == 1
