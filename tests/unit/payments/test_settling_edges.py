"""The edges of settling that mutants showed to be held by no test: boundaries, what is missing, what may be printed."""

from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.django_once import emptied
from tests.unit.payments.test_settling import ORDER, Processor, Till, alice
from tests.unit.records.people import make
from tyst.core.keyring import new_pair
from tyst.core.money import Money
from tyst.core.product import Product
from tyst.payments.provider import Event, What


@pytest.fixture
def till(tmp_path: Path) -> Till:
    emptied()
    make()
    return Till(tmp_path)


@pytest.mark.parametrize("method", ["coinpayments", "monero"])
@pytest.mark.parametrize(
    ("sent", "days"), [(9940, 29), (9949, 29), (9950, 30), (9995, 30), (10000, 30), (10300, 30), (11000, 33)]
)
def test_coins_count_as_all_from_995_thousandths_on(till: Till, method: str, sent: int, days: int) -> None:
    order = replace(ORDER, method=method, months=0, days=30, total=Money(10000, "SEK"))
    assert till.take(till.event(order, paid=Money(sent, "SEK")), Processor(method)) == "granted"
    assert (alice().subscription.date() - till.now.date()).days == days


def test_of_a_settled_purchase_nothing_can_be_printed() -> None:
    from tyst.payments.settling import Paid

    assert [one.name for one in fields(Paid) if one.repr] == ["first"]


def test_a_processor_that_does_not_say_how_much_was_paid_all(till: Till) -> None:
    assert till.take(till.event(paid=None)) == "granted" and till.told[0].receipt.total == ORDER.total


def test_a_settler_without_processors_gives_nothing_back(till: Till) -> None:
    from tyst.payments.settling import Settler

    till.take(till.event())
    alone = Settler(till.orders, new_pair(lambda count: bytes(range(count)))[0], lambda: till.now, till.told.append)
    assert alone.refund(till.told[0].refund, alice()) == "refused"


def test_the_return_page_has_the_receipt_while_the_order_is_two_days_old(till: Till) -> None:
    event = till.event()
    till.take(event)
    shown = []
    for later in (timedelta(), timedelta(days=2), timedelta(days=3)):
        till.now += later
        shown.append(till.settler.receipt(event.reference, event, alice()) is not None)
        till.now -= later
    assert shown == [True, True, False]
    assert till.settler.receipt("no order", event, alice()) is None
    for what in (What.RETURNED, What.SEEN, What.FAILED):
        assert till.settler.receipt(event.reference, replace(event, what=what), alice()) is None
    assert till.settler.receipt(event.reference, Event(What.PAID, event.reference), alice()) is not None


def test_the_receipt_shown_again_has_the_present_expiry_and_a_code_for_the_first_purchase_only(till: Till) -> None:
    first, second = till.event(), till.event(replace(ORDER, serial=b"serial02"))
    till.take(first), till.take(second)
    again = [till.settler.receipt(one.reference, one, alice()) for one in (first, second)]
    assert [bool(one and one.refund) for one in again] == [True, False]
    assert again[1] is not None and again[1].refund == "" and again[1].until == alice().subscription
    without = alice()
    without.subscription = None
    shown = till.settler.receipt(second.reference, second, without)
    assert shown is not None and shown.until == till.now


def test_a_little_too_much_of_a_long_term_gives_its_day(till: Till) -> None:
    order = replace(ORDER, method="monero", months=0, days=1100, total=Money(10000, "SEK"))
    assert till.take(till.event(order, paid=Money(10010, "SEK")), Processor("monero")) == "granted"
    assert (alice().subscription.date() - till.now.date()).days == 1101


def test_a_return_in_another_currency_asks_for_nothing_back(till: Till) -> None:
    assert till.take(till.event(what=What.RETURNED, paid=Money(9900, "USD"))) == "refused" and till.swish.asked == []


@pytest.mark.parametrize(("payment", "known"), [("", False), ("P" * 64, True), ("P" * 65, False)])
def test_a_payment_whose_id_no_code_could_hold_has_none_and_is_not_asked_back(
    till: Till, payment: str, known: bool
) -> None:
    till.take(replace(till.event(), payment=payment))
    assert bool(till.told[0].refund) == known
    nobody = replace(ORDER, serial=b"serial02", username="charlie")
    assert till.take(replace(till.event(nobody), payment=payment)) == "gone"
    assert [one.payment for one in till.swish.asked] == [payment] * known


def test_an_addon_that_was_bought_first_goes_back_as_that_addon(till: Till) -> None:
    till.take(till.event(replace(ORDER, product=Product.IPV4)))
    assert alice().ipv4 is not None and till.refund(till.told[0].refund) == "returned"
    assert alice().ipv4.date() == till.now.date() and alice().subscription is None
