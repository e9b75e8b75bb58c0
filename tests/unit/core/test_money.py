"""Amounts: exact, of one currency, rounded once. The worked table stands in docs/algorithms/pricing.md."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.worked import PRICING, Row, money
from tyst.core.money import Money, MoneyError, from_wire

CENT = Decimal("0.01")
amounts = st.integers(-(10**9), 10**9)


@pytest.mark.parametrize("row", PRICING.rows("Amounts", "amount", "part", "whole", "share"))
def test_a_share_is_rounded_half_up_as_the_page_says(row: Row) -> None:
    assert money(row["amount"]).share(int(row["part"]), int(row["whole"])) == money(row["share"])


@given(amounts, st.integers(-1000, 1000), st.integers(1, 100_000))
def test_a_share_is_what_decimal_fractions_say(minor: int, part: int, whole: int) -> None:
    exact = Decimal(minor * part) / Decimal(whole)
    assert Money(minor, "SEK").share(part, whole).minor == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(amounts, amounts)
def test_what_is_taken_and_what_is_left_make_the_whole(one: int, other: int) -> None:
    whole, part = Money(one, "EUR"), Money(other, "EUR")
    assert (whole - part) + part == whole
    back = -whole
    assert -back == whole and whole + back == Money(0, "EUR")
    assert (whole < part, whole <= part, bool(whole)) == (one < other, one <= other, one != 0)


def test_a_share_of_nothing_is_none() -> None:
    for whole in (0, -1):
        with pytest.raises(MoneyError, match="a share is of something"):
            Money(100, "EUR").share(1, whole)
    assert Money(100, "EUR").share(1, 1) == Money(100, "EUR")


def test_euros_and_crowns_do_not_mix() -> None:
    euro, crown = Money(100, "EUR"), Money(100, "SEK")
    for mix in (lambda: euro + crown, lambda: euro - crown, lambda: euro < crown, lambda: euro <= crown):
        with pytest.raises(MoneyError, match="amounts of different currencies don't mix"):
            mix()
    assert euro != crown


def test_a_currency_that_is_not_ours_is_refused() -> None:
    for code in ("NOK", "eur", ""):
        with pytest.raises(MoneyError, match="this currency is not one of ours"):
            Money(1, code)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("59", 5900),
        ("59.0", 5900),
        ("59.00", 5900),
        ("59.5", 5950),
        ("59.05", 5905),
        ("0.01", 1),
        ("-59.95", -5995),
        ("59.0000", 5900),
        ("59.500", 5950),
        ("123456789.99", 12345678999),
        ("007.10", 710),
    ],
)
def test_an_amount_of_a_processor_is_read(text: str, minor: int) -> None:
    assert from_wire(text, "USD") == Money(minor, "USD")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "5.",
        ".5",
        "5,00",
        "1 000",
        "59.001",
        "59.0010",
        "1e3",
        "+5",
        "--5",
        "5.00 ",
        " 5.00",
        "NaN",
        "5\n",
        "1234567890",
        "0x10",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyError, match="this is not an amount") as caught:
        from_wire(text, "EUR")
    assert len(text) < 3 or text not in str(caught.value)


@given(amounts)
def test_what_is_written_is_read_again(minor: int) -> None:
    assert from_wire(Money(minor, "EUR").wire(), "EUR").minor == minor


def test_amounts_are_written_with_a_point_and_two_places() -> None:
    assert [Money(minor, "EUR").wire() for minor in (5900, -5900, 5, -1, 0, 123456)] == [
        "59.00", "-59.00", "0.05", "-0.01", "0.00", "1234.56",
    ]  # fmt: skip


def test_a_sale_can_be_told_from_nothing() -> None:
    assert Money(1, "EUR") and Money(-1, "EUR") and not Money(0, "EUR")
