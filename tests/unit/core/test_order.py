"""Orders and refund codes: what is packed comes out again, in one length, and nothing else does."""

import struct
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.account import CURRENCIES, LANGUAGES
from tyst.core.money import Money
from tyst.core.order import METHODS, Order, OrderError
from tyst.core.product import Product
from tyst.core.refund import Refund

SINCE = datetime(2026, 11, 1, 5, tzinfo=UTC)
ALICE = Order(
    "swish", b"12345678", "Alice.B-1_", SINCE, Product.SUBSCRIPTION, 12, 0, Money(5999, "SEK"), "se", 2500, "sv"
)


@given(
    st.sampled_from(METHODS),
    st.binary(min_size=8, max_size=8),
    st.from_regex(r"[a-u][A-Za-z0-9._-]{2,31}", fullmatch=True),
    st.sampled_from(Product),
    st.integers(1, 2**31 - 1),
    st.sampled_from(CURRENCIES),
    st.sampled_from(LANGUAGES),
    st.booleans(),
)
def test_every_order_comes_out_as_it_went_in_and_all_are_of_one_length(
    method: str, serial: bytes, name: str, product: Product, minor: int, currency: str, language: str, renews: bool
) -> None:
    one = replace(ALICE, method=method, serial=serial, username=name, product=product, total=Money(minor, currency))
    one = replace(one, language=language, renews=renews, vat_id="DE123456789", months=0, days=17)
    assert Order.unpack(one.pack()) == one
    assert len(one.pack()) == len(ALICE.pack()) == 74
    code = Refund(method, "x" * 36, serial, name, Money(minor, currency), "se", 2500)
    assert Refund.unpack(code.pack()) == code and len(code.pack()) == 122


@given(st.binary(max_size=120))
def test_mallorys_bytes_are_no_order_and_no_refund(raw: bytes) -> None:
    for form in (Order, Refund):
        try:
            form.unpack(raw)  # type: ignore[attr-defined]
        except (struct.error, ValueError, IndexError):
            continue


def test_an_order_without_a_price_a_time_or_a_buyer_is_none() -> None:
    for fault in ({"months": 0}, {"days": 3}, {"total": Money(0, "EUR")}, {"serial": b""}, {"username": "a b"}):
        with pytest.raises(OrderError):
            replace(ALICE, **fault)  # type: ignore[arg-type]


def test_nothing_of_a_person_is_in_its_text() -> None:
    assert "Alice" not in repr(ALICE) and "12345678" not in repr(ALICE)
