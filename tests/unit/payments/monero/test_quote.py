"""What an order costs in XMR: whole piconero, six decimals, and a price that nobody can wait for."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from tyst.core.money import Money
from tyst.payments.monero.quote import FIXED, GRACE, PICONERO, Payment, from_label, is_enough, quote, worth, xmr

NOW = datetime(2026, 11, 24, 12, 3, 17, tzinfo=UTC)
RATE = Fraction("150.25") * 100
REFERENCE = "A" * 151
TOTAL = Money(5900, "EUR")
ALICES = quote(REFERENCE, TOTAL, RATE, NOW)


def paid(piconero: int, after: timedelta | None = timedelta()) -> Payment:
    """A payment so long after the fixed time's end; None: it is in no block yet."""
    return Payment(piconero, 10, None if after is None else ALICES.until + after)


def test_the_amount_is_rounded_up_to_six_decimals() -> None:
    assert ALICES.asked == 392_679 * 10**6
    assert 0 <= ALICES.asked - Fraction(5900 * PICONERO) / RATE < 10**6
    assert quote(REFERENCE, Money(100, "EUR"), Fraction(10_000), NOW).asked == PICONERO // 100


def test_the_end_is_at_least_half_an_hour_away_and_says_no_minute() -> None:
    assert ALICES.until == datetime(2026, 11, 24, 12, 40, tzinfo=UTC)
    for second in range(0, 3600, 61):
        now = NOW + timedelta(seconds=second)
        until = quote(REFERENCE, TOTAL, RATE, now).until
        assert FIXED <= until - now < FIXED + timedelta(minutes=10) and until.minute % 10 == 0


def test_a_label_is_the_quote() -> None:
    assert from_label(ALICES.label()) == ALICES
    assert len(ALICES.label()) < 200


@pytest.mark.parametrize(
    "text",
    [
        *("", "Primary account", "a.b.c.d", "å.5900EUR.1.1", f"{REFERENCE}.5900EUR.1", f"{REFERENCE}.5900XXX.1.1"),
        *(f"{REFERENCE}.{rest}" for rest in ("0EUR.1.1", "5900EUR.0.1", "5900EUR.1.9999999999", "5900EUR.1.1.1")),
    ],
)
def test_other_labels_are_no_quote(text: str) -> None:
    assert from_label(text) is None


def test_all_of_it_is_exactly_the_price() -> None:
    assert worth(ALICES, [paid(ALICES.asked)], None) == TOTAL
    assert worth(ALICES, [paid(ALICES.asked // 2), paid(ALICES.asked - ALICES.asked // 2)], None) == TOTAL
    assert worth(ALICES, [paid(ALICES.asked, None)], None) == TOTAL


def test_more_is_more_and_less_is_less() -> None:
    assert worth(ALICES, [paid(2 * ALICES.asked)], None) == Money(11800, "EUR")
    assert worth(ALICES, [paid(ALICES.asked // 4)], None) == Money(1475, "EUR")
    assert worth(ALICES, [], None) == Money(0, "EUR")


@pytest.mark.parametrize(("minor", "enough"), [(5870, False), (5871, True), (5900, True), (9000, True), (0, False)])
def test_enough_is_what_settlement_counts_as_all(minor: int, enough: bool) -> None:
    assert is_enough(ALICES, Money(minor, "EUR")) is enough


def test_what_comes_late_is_worth_todays_rate() -> None:
    second = timedelta(seconds=1)
    assert worth(ALICES, [paid(PICONERO, GRACE)], None) is not None
    assert worth(ALICES, [paid(PICONERO, GRACE + second)], None) is None
    assert worth(ALICES, [paid(PICONERO, GRACE + second)], Fraction(7500)) == Money(7500, "EUR")
    both = [paid(ALICES.asked), paid(PICONERO, GRACE + second)]
    assert worth(ALICES, both, Fraction(7500)) == Money(5900 + 7500, "EUR")


def test_amounts_are_written_as_wallets_write_them() -> None:
    assert xmr(392_679 * 10**6) == "0.392679"
    assert xmr(12 * PICONERO) == "12.000000"
    assert xmr(PICONERO + 1) == "1.000000000001"


def test_nothing_of_an_order_is_in_a_repr() -> None:
    said = repr(ALICES) + repr(paid(ALICES.asked))
    assert REFERENCE not in said and "5900" not in said and str(ALICES.asked) not in said
