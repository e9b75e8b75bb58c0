"""A payment's time: given once, taken back once, to the account it was for and to no other. On both databases."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import transaction

from tests.unit.records.people import NOW, make
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.core.rounding import end_of_day, nearest_hour

PAGE = Path(__file__).resolve().parents[3] / "docs" / "algorithms" / "settlement.md"
TODAY = date(2026, 3, 1)
ORDER = Order(
    "swish", b"serial01", "alice", nearest_hour(NOW), Product.SUBSCRIPTION, 0, 30, Money(9900, "SEK"), "se", 2500, "sv"
)


def whole() -> object:
    from tyst.records.settlement import Share

    return Share(1, 1)


def rows(title: str) -> list[list[str]]:
    """The rows of the table whose first column has this name."""
    lines = PAGE.read_text().split(f"| {title} |", 1)[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in _until_blank(lines)]


def _until_blank(lines: list[str]) -> list[str]:
    return lines[: next((place for place, line in enumerate(lines) if not line.startswith("|")), len(lines))]


def test_alice_gets_her_days_once() -> None:
    from tyst.records import accounts, settlement

    make()
    granted = settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    assert granted.first and granted.until == datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    with pytest.raises(settlement.SpentError):
        settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    alice = accounts.by_username("alice")
    assert alice is not None and alice.subscription == granted.until and alice.updated_at == nearest_hour(NOW)


def test_her_second_purchase_is_no_first_one() -> None:
    from tyst.records import settlement

    make()
    settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    other = replace(ORDER, serial=b"serial02", product=Product.IPV4)
    assert not settlement.grant(other, whole(), NOW).first  # type: ignore[arg-type]
    assert settlement.is_spent(ORDER.serial, settlement.FIRST)
    assert not settlement.is_spent(other.serial, settlement.FIRST)


def test_a_name_that_is_taken_again_inherits_no_payment() -> None:
    from tyst.records import accounts, settlement

    make(now=NOW.replace(hour=15))
    with pytest.raises(settlement.GoneError):
        settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    assert not settlement.is_spent(ORDER.serial, settlement.PAID), "nothing changed"
    alice = accounts.by_username("alice")
    assert alice is not None and alice.subscription is None


def test_a_rekey_loses_no_payment() -> None:
    from tyst.records import accounts, erase, settlement

    make()
    erase.rekey(b"a" * 16, b"n" * 16, NOW)
    settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    alice = accounts.by_handle(b"n" * 16)
    assert alice is not None and alice.subscription is not None


def test_parts_of_a_price_buy_what_the_page_says() -> None:
    from tyst.records import settlement

    table = rows("coins sent, of the price")
    assert len(table) == 8
    from tyst.payments.settling import share_of

    make()
    for number, (sent, days) in enumerate(table):
        coin = replace(ORDER, serial=f"coin{number:04}".encode(), method="monero", total=Money(10000, "EUR"))
        paid = Money(round(float(sent.rstrip(" %")) * 100), "EUR")
        if days.startswith("none"):
            with pytest.raises(settlement.ShortError):
                settlement.grant(coin, share_of(coin, paid), NOW)
            continue
        before = _expiry()
        until = settlement.grant(coin, share_of(coin, paid), NOW).until
        assert (until.date() - (before or TODAY)).days == int(days), sent


def _expiry() -> date | None:
    from tyst.records import accounts

    alice = accounts.by_username("alice")
    assert alice is not None
    return alice.subscription.date() if alice.subscription else None


def test_what_goes_back_is_what_the_page_says() -> None:
    from tyst.records import settlement
    from tyst.records.models import Account

    table = rows("expiry")
    assert len(table) == 5
    make()
    for number, (expiry, bought, left) in enumerate(table):
        count, unit = re.fullmatch(r"(\d+) (month|day)s?", bought).groups()  # type: ignore[union-attr]
        term = {"months": int(count), "days": 0} if unit == "month" else {"months": 0, "days": int(count)}
        one = replace(ORDER, serial=f"back{number:04}".encode(), **term)  # type: ignore[arg-type]
        Account.objects.update(subscription=end_of_day(date.fromisoformat(expiry)))
        with transaction.atomic():
            settlement.spend(one.serial, settlement.PAID)
        assert settlement.take_back(one, whole(), NOW)  # type: ignore[arg-type]
        assert str(_expiry()) == left, (expiry, bought)
        with pytest.raises(settlement.SpentError):
            settlement.take_back(one, whole(), NOW)  # type: ignore[arg-type]


def test_a_return_never_takes_more_than_was_given() -> None:
    from datetime import timedelta

    from tyst.core.rounding import extended_months
    from tyst.records.settlement import _months_before

    for offset in range(0, 1461, 3):
        start = date(2026, 1, 1) + timedelta(days=offset)
        for months in (1, 6, 12, 36):
            ends = extended_months(None, months=months, today=start).date()
            back = _months_before(ends, months)
            assert start <= back <= start + timedelta(days=3)
            assert extended_months(None, months=months, today=back).date() == ends


def test_what_was_returned_first_is_never_granted() -> None:
    from tyst.records import settlement

    make()
    assert not settlement.take_back(ORDER, whole(), NOW)  # type: ignore[arg-type]
    with pytest.raises(settlement.SpentError):
        settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    assert _expiry() is None


def test_a_part_that_went_back_takes_a_part() -> None:
    from tyst.records import settlement

    make()
    settlement.grant(ORDER, whole(), NOW)  # type: ignore[arg-type]
    settlement.take_back(ORDER, settlement.Share(1, 3), NOW)
    assert _expiry() == date(2026, 3, 21)


def test_somebody_who_sends_a_fortune_gets_ten_years() -> None:
    from tyst.records import settlement

    make()
    until = settlement.grant(ORDER, settlement.Share(10**9, 1), NOW).until
    assert (until.date() - TODAY).days == settlement.MOST_DAYS


def test_hashes_of_one_serial_for_two_uses_have_nothing_in_common() -> None:
    from tyst.records.settlement import FIRST, PAID, RETURNED, mark

    found = {mark(b"serial01", use) for use in (PAID, FIRST, RETURNED)}
    assert len(found) == 3 and {len(one) for one in found} == {32}
    assert mark(b"serial02", PAID) not in found
