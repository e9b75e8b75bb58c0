"""What XMR is worth: only where the operator says, only when it is fresh, and never a float."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from tyst.payments.monero.rates import Rates
from tyst.payments.provider import PaymentError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path) -> Callable[[str], Rates]:
    def written(text: str) -> Rates:
        (tmp_path / "rates.json").write_text(text)
        return Rates(str(tmp_path / "rates.json"), lambda: NOW)

    return written


def at(moment: datetime, **rates: object) -> str:
    return json.dumps({"time": moment.isoformat(), **(rates or {"EUR": "150.25"})})


def test_a_rate_is_exact(source: Callable[[str], Rates]) -> None:
    assert source(at(NOW, EUR="150.25", SEK="1650.107")).rate("SEK") == Fraction("165010.7")
    assert source('{"time": "2026-11-24T12:00:00Z", "USD": 171.3}').rate("USD") == Fraction(17130)


def test_the_form_of_public_price_services_is_understood(source: Callable[[str], Rates]) -> None:
    seconds = int(NOW.timestamp()) - 60
    assert source(json.dumps({"monero": {"eur": 150.25, "last_updated_at": seconds}})).rate("EUR") == Fraction(15025)


def test_a_rate_older_than_an_hour_is_refused(source: Callable[[str], Rates]) -> None:
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    assert source(at(NOW - hour)).rate("EUR")
    for moment in (NOW - hour - second, NOW + timedelta(minutes=6)):
        with pytest.raises(PaymentError, match="older"):
            source(at(moment)).rate("EUR")
    with pytest.raises(PaymentError, match="older"):
        source('{"EUR": "150.25", "SEK": "1650.10"}').rate("EUR")


@pytest.mark.parametrize("value", ["0", "-5", "NaN", "Infinity", "1e30", "", "abc", None, [], {}, True])
def test_what_is_no_rate_is_refused(source: Callable[[str], Rates], value: object) -> None:
    with pytest.raises(PaymentError):
        source(at(NOW, EUR=value)).rate("EUR")


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{", "[" * 10_000, '{"a": 1}', '{"time": [], "EUR": "1"}'])
def test_what_is_no_table_is_refused(source: Callable[[str], Rates], text: str) -> None:
    with pytest.raises(PaymentError):
        source(text).rate("EUR")


def test_another_currency_and_a_file_that_is_gone_are_refused(source: Callable[[str], Rates], tmp_path: Path) -> None:
    for currency in ("SEK", "XMR", "TIME"):
        with pytest.raises(PaymentError):
            source(at(NOW)).rate(currency)
    with pytest.raises(PaymentError):
        Rates(str(tmp_path / "gone"), lambda: NOW).rate("EUR")
