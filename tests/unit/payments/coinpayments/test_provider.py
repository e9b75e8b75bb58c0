"""What an invoice of CoinPayments means, without a network."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.money import Money
from tyst.payments.coinpayments import provider
from tyst.payments.coinpayments.client import Client
from tyst.payments.coinpayments.provider import CoinPayments, number_of
from tyst.payments.provider import PaymentError, What

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REFERENCE = "r" * 151


def coins() -> CoinPayments:
    return CoinPayments(Client("https://localhost", "id", b"secret", lambda: NOW, None), "", lambda: NOW)


def invoice(
    status: str = "completed", actual: object = "100", expected: object = "100", **changes: Any
) -> dict[str, Any]:
    payment = {"expectedAmount": {"value": expected}, "actualAmount": {"value": actual}}
    known: dict[str, Any] = {"id": "abc", "status": status, "customData": {"order": REFERENCE}}
    known |= {"amount": {"total": "59.00"}, "currency": {"symbol": "EUR"}, "payments": [payment]}
    return known | changes


@pytest.mark.parametrize(
    ("actual", "expected", "minor"),
    [
        ("100", "100", 5900),
        ("50", "100", 2950),
        ("250", "100", 5900),
        ("995", "1000", 5871),
        ("1", "3", 1967),
        ("123456789012345678", "123456789012345678", 5900),
    ],
)
def test_what_arrived_is_told_as_a_part_and_never_more_than_all(actual: str, expected: str, minor: int) -> None:
    event = coins()._told(REFERENCE, invoice(actual=actual, expected=expected))
    assert event is not None and event.paid == Money(minor, "EUR")


def test_nothing_accepted_by_hand_is_no_payment() -> None:
    event = coins()._told(REFERENCE, invoice(actual="0"))
    assert event is not None and event.what is What.FAILED


def test_several_payments_add_up() -> None:
    half = {"expectedAmount": {"value": "100"}, "actualAmount": {"value": "25"}}
    event = coins()._told(REFERENCE, invoice(payments=[half, half, half]))
    assert event is not None and event.paid == Money(4425, "EUR")


def test_without_any_payment_shown_paid_means_all() -> None:
    event = coins()._told(REFERENCE, invoice(payments=[]))
    assert event is not None and event.paid == Money(5900, "EUR")


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "", None, "1e999999999", "x", "0x10"])
def test_amounts_that_are_none_are_an_error(value: object) -> None:
    with pytest.raises(PaymentError):
        coins()._told(REFERENCE, invoice(actual=value))
    with pytest.raises(PaymentError):
        coins()._told(REFERENCE, invoice(expected=value))


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"total": "59.001"}},
        {"amount": "59.00"},
        {"currency": {"symbol": "GBP"}},
        {"customData": {"order": "another"}},
        {"customData": None},
        {"status": "invented"},
    ],
)
def test_an_invoice_that_makes_no_sense_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(PaymentError):
        coins()._told(REFERENCE, invoice(**changes))


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ("unpaid", None),
        ("Pending", What.SEEN),
        ("paid", What.PAID),
        ("Completed", What.PAID),
        ("cancelled", What.FAILED),
        ("timedOut", What.FAILED),
    ],
)
def test_each_state_means_one_thing(status: str, what: What | None) -> None:
    event = coins()._told(REFERENCE, invoice(status))
    assert (event and event.what) == what


@given(st.text(max_size=200))
def test_an_invoices_number_says_nothing_and_is_always_the_same(reference: str) -> None:
    number = number_of(reference)
    assert number == number_of(reference) and len(number) == 24 and number.isalnum()
    assert number not in reference


def test_one_bad_invoice_hides_no_other_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    one = coins()
    bad, good = (
        {"id": "bad", "status": "paid", "notes": "b" * 151},
        {"id": "good", "status": "paid", "notes": REFERENCE},
    )
    monkeypatch.setattr(one._client, "invoices", lambda number="": iter([bad, good]))
    monkeypatch.setattr(one._client, "invoice", lambda identity: invoice())
    found = []
    with pytest.raises(PaymentError):
        for event in one.sweep(NOW):
            found.append(event.reference)
    assert found == [REFERENCE]


def test_the_sweep_ends_where_the_last_days_end(monkeypatch: pytest.MonkeyPatch) -> None:
    one = coins()
    line = {"id": "x", "status": "paid", "notes": REFERENCE}
    lines = [
        line | {"created": "2026-11-20T00:00:00+00:00"},
        line | {"created": "2026-11-01T00:00:00"},
        {"status": "?"},
    ]
    monkeypatch.setattr(one._client, "invoices", lambda number="": iter(lines))
    monkeypatch.setattr(one._client, "invoice", lambda identity: invoice())
    assert len(list(one.sweep(NOW))) == 1
    assert provider.SWEPT.days == 8
