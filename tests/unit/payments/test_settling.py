"""What an event comes to: each row of the table in docs/algorithms/settlement.md, and refunds by code."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.django_once import emptied
from tests.unit.records.people import NOW, make
from tyst.core.keyring import new_pair
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.core.rounding import nearest_hour
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Callback, Event, ForgedError, PaymentError, What

PRICE = Money(9900, "SEK")
ORDER = Order("swish", b"serial01", "alice", nearest_hour(NOW), Product.SUBSCRIPTION, 1, 0, PRICE, "se", 2500, "sv")


class Processor:
    """What one processor answers; remembers what it was asked to give back."""

    renews = False

    def __init__(self, name: str, answer: bool | None = True) -> None:
        self.name, self.answer, self.asked = name, answer, list[Any]()
        self.events: list[Event] = []

    def refund(self, refund: Any) -> bool:
        self.asked.append(refund)
        if self.answer is None:
            raise PaymentError("it can't be reached")
        return self.answer

    def hear(self, callback: Callback) -> list[Event]:
        if not callback.body:
            raise ForgedError("nobody sent this")
        return self.events

    def sweep(self, now: datetime) -> Iterator[Event]:
        yield from self.events


class Till:
    """A settler with a clock that can be moved."""

    def __init__(self, state: Path) -> None:
        from tyst.payments.settling import Paid, Settler

        self.now, self.told = NOW, list[Paid]()
        self.swish, self.cards, self.coins = Processor("swish"), Processor("braintree"), Processor("monero", False)
        self.orders = OrderKeys(state, lambda: int(self.now.timestamp()))
        providers: Any = {one.name: one for one in (self.swish, self.cards, self.coins)}
        self.settler = Settler(self.orders, new_pair(_bytes)[0], lambda: self.now, self.told.append, providers)

    def event(self, order: Order = ORDER, what: What = What.PAID, paid: Money | None = PRICE) -> Event:
        return Event(what, self.orders.seal(order), paid, "P" * 32)

    def take(self, event: Event, by: Processor | None = None) -> str:
        return self.settler.take(by or self.swish, event)  # type: ignore[arg-type]

    def refund(self, code: str) -> str:
        return self.settler.refund(code, alice())


def _bytes(count: int) -> bytes:
    return bytes(range(count))


def alice() -> Any:
    from tyst.records import accounts

    return accounts.by_username("alice")


def journal() -> list[tuple[str, int]]:
    from tyst.records import bookkeeping

    return [(row.kind, row.gross.minor) for row in bookkeeping.rows_of("20")]


@pytest.fixture
def till(tmp_path: Path) -> Till:
    emptied()
    make()
    return Till(tmp_path)


def test_alices_payment_is_granted_and_told_once(till: Till) -> None:
    event = till.event()
    assert [till.take(event) for _ in range(3)] == ["granted", "again", "again"]
    (paid,) = till.told
    assert paid.first and paid.account.username == "alice" and paid.until == alice().subscription
    assert paid.receipt.refund == paid.refund != "" and paid.receipt.total == PRICE
    assert journal() == [("sale", 9900)] and till.settler.spent(ORDER)


def test_what_only_may_come_changes_nothing(till: Till) -> None:
    assert [till.take(till.event(what=what)) for what in (What.SEEN, What.FAILED)] == ["seen", "failed"]
    assert till.told == [] and journal() == [] and alice().subscription is None


def test_a_deleted_accounts_payment_goes_back(till: Till) -> None:
    from tyst.records.models import Account

    event = till.event()
    Account.objects.all().delete()
    assert till.take(event) == "gone"
    (asked,) = till.swish.asked
    assert asked.payment == "P" * 32 and asked.total == PRICE and journal() == []
    make()
    assert alice().subscription is None


def test_a_deleted_accounts_settled_payment_does_not_go_back(till: Till) -> None:
    from tyst.records.models import Account

    event = till.event()
    till.take(event)
    Account.objects.all().delete()
    assert till.take(event) == "again" and till.swish.asked == []


def test_a_refund_that_fails_now_is_tried_at_the_next_telling(till: Till) -> None:
    till.swish.answer = None
    event = till.event(replace(ORDER, username="charlie"))
    assert [till.take(event), till.take(event)] == ["gone", "gone"] and len(till.swish.asked) == 2


def test_another_currency_buys_nothing_and_goes_back(till: Till) -> None:
    assert till.take(till.event(paid=Money(9900, "USD"))) == "refused"
    assert till.swish.asked[0].total == Money(9900, "USD") and alice().subscription is None


def test_another_processors_word_changes_nothing_and_gives_back_nothing_that_was_settled(till: Till) -> None:
    event = till.event()
    assert till.take(event, till.cards) == "refused" and len(till.cards.asked) == 1 and alice().subscription is None
    till.take(event)
    assert till.take(event, till.cards) == "refused" and len(till.cards.asked) == 1
    assert till.take(till.event(what=What.RETURNED), till.cards) == "refused"
    assert alice().subscription is not None and journal() == [("sale", 9900)]


@pytest.mark.parametrize("fault", ["", "nothing", "A" * 151])
def test_what_does_not_open_is_refused_and_nobody_is_asked(till: Till, fault: str) -> None:
    assert till.take(Event(What.PAID, fault, PRICE, "P" * 32)) == "refused" and till.swish.asked == []


def test_mallory_cannot_change_an_order(till: Till) -> None:
    event = till.event()
    for place in range(0, 151, 10):
        other = "A" if event.reference[place] != "A" else "B"
        text = event.reference[:place] + other + event.reference[place + 1 :]
        assert till.take(replace(event, reference=text)) == "refused"
    assert alice().subscription is None


def test_an_order_older_than_its_seal_is_refused_and_not_given_back(till: Till) -> None:
    event = till.event()
    till.now += timedelta(days=29)
    assert till.take(event) == "granted", "late is not too late"
    till.now += timedelta(days=3)
    assert till.take(event) == "refused" and till.swish.asked == []


@pytest.mark.parametrize(("paid", "outcome"), [(9899, "short"), (9900, "granted"), (9901, "granted")])
def test_swish_and_cards_are_all_or_nothing(till: Till, paid: int, outcome: str) -> None:
    assert till.take(till.event(paid=Money(paid, "SEK"))) == outcome
    assert len(till.swish.asked) == (outcome == "short")


def test_a_coins_part_is_a_part_and_its_receipt_says_what_came(till: Till) -> None:
    coin = replace(ORDER, method="monero", days=30, months=0)
    assert till.take(till.event(coin, paid=Money(4950, "SEK")), till.coins) == "granted"
    assert (alice().subscription.date() - NOW.date()).days == 15
    assert till.told[0].receipt.total == Money(4950, "SEK") and till.told[0].refund == ""
    assert journal() == [("sale", 4950)]
    tiny = replace(coin, serial=b"serial02")
    assert till.take(till.event(tiny, paid=Money(10, "SEK")), till.coins) == "short" and till.coins.asked == []


def test_a_chargeback_takes_the_time_and_the_sum_back_once(till: Till) -> None:
    till.take(till.event())
    back = till.event(what=What.RETURNED)
    assert [till.take(back), till.take(back)] == ["returned", "again"]
    assert alice().subscription.date() == NOW.date() and sum(sum for _, sum in journal()) == 0
    assert till.take(till.event()) == "again"


def test_a_callback_and_a_sweep_say_what_came_of_all_they_told(till: Till) -> None:
    till.swish.events = [till.event(), till.event(), till.event(what=What.SEEN)]
    heard = till.settler.hear(till.swish, Callback("", {}, b"x"))  # type: ignore[arg-type]
    assert heard == ["granted", "again", "seen"]
    assert till.settler.sweep(till.swish) == {"again": 2, "seen": 1}  # type: ignore[arg-type]
    with pytest.raises(ForgedError):
        till.settler.hear(till.swish, Callback("", {}, b""))  # type: ignore[arg-type]


def test_alice_gives_her_first_purchase_back_once(till: Till) -> None:
    till.take(till.event())
    code = till.told[0].refund
    assert [till.refund(f" {code}\n"), till.refund(code)] == ["returned", "again"]
    assert alice().subscription.date() == NOW.date() and len(till.swish.asked) == 1
    assert sum(sum for _, sum in journal()) == 0
    assert till.take(till.event(what=What.RETURNED)) == "again", "what the processor tells of it later is known"


def test_only_a_first_purchase_has_a_code(till: Till) -> None:
    till.take(till.event())
    till.take(till.event(replace(ORDER, serial=b"serial02")))
    assert till.told[1].refund == "" and not till.told[1].first


def test_a_code_ends_after_ten_days(till: Till) -> None:
    till.take(till.event())
    till.now += timedelta(days=10)
    assert till.refund(till.told[0].refund) == "returned"
    till.now += timedelta(days=2)
    assert till.refund(till.told[0].refund) == "refused"


def test_bob_cannot_use_alices_code_nor_can_whoever_takes_her_name(till: Till) -> None:
    from tyst.records.models import Account

    till.take(till.event())
    bob = make("bob", b"b" * 16)
    assert till.settler.refund(till.told[0].refund, bob) == "refused"
    Account.objects.all().delete()
    make(now=NOW + timedelta(hours=5))
    assert till.refund(till.told[0].refund) == "refused" and till.swish.asked == []
    assert till.refund("not a code") == "refused"


@pytest.mark.parametrize(("answer", "outcome"), [(None, "failed"), (False, "refused")])
def test_a_processor_that_does_not_give_back_leaves_the_time(till: Till, answer: bool | None, outcome: str) -> None:
    till.take(till.event())
    till.swish.answer = answer
    before = alice().subscription
    assert till.refund(till.told[0].refund) == outcome
    assert alice().subscription == before and journal() == [("sale", 9900)]
    till.swish.answer = True
    assert till.refund(till.told[0].refund) == "returned"


def test_a_crash_after_the_processor_gave_back_is_completed_by_its_word(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tyst.records import settlement

    till.take(till.event())

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(settlement, "take_back", crash)
        till.refund(till.told[0].refund)
    assert len(till.swish.asked) == 1 and alice().subscription.date() > NOW.date()
    assert till.take(till.event(what=What.RETURNED)) == "returned"
    assert alice().subscription.date() == NOW.date() and sum(sum for _, sum in journal()) == 0


def test_the_page_shows_the_receipt_again_while_it_is_fresh(till: Till) -> None:
    event = till.event()
    assert till.settler.receipt(event.reference, event, alice()) is None, "not settled yet"
    till.take(event)
    again = till.settler.receipt(event.reference, event, alice())
    assert again is not None and again.number == till.told[0].receipt.number and again.refund
    assert till.settler.receipt(event.reference, event, make("bob", b"b" * 16)) is None
    till.now += timedelta(days=4)
    assert till.settler.receipt(event.reference, event, alice()) is None


def test_nothing_of_a_payment_is_in_its_text(till: Till) -> None:
    till.take(till.event())
    text = repr(till.told[0]) + repr(till.settler)
    for secret in ("alice", "PPP", "9900", "99.00", till.told[0].refund):
        assert secret not in text
