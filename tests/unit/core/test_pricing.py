"""What things cost, against the worked tables of docs/algorithms/pricing.md, and what must hold for any catalogue."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.worked import PRICING, Row, day, expiry, money
from tyst.core.account import CURRENCIES
from tyst.core.money import Money
from tyst.core.plan import MONTHS, Catalogue, Term, catalogue_of
from tyst.core.pricing import (
    Charge,
    PricingError,
    aligned_days,
    charged,
    listed,
    minutes_missed,
    offers,
    price,
    promotion,
    prorated,
    refund_until,
    refundable,
    saving,
    uptime_credit,
)
from tyst.core.product import Product
from tyst.core.vat import Duty, Treatment
from tyst.payments.catalogue import load

SHIPPED = load(Path("/nowhere"))
BOOK = catalogue_of(tomllib.loads(PRICING.code("Promotions")))
DAY = date(2026, 11, 24)
MAIN = Product.SUBSCRIPTION


@pytest.mark.parametrize("row", PRICING.rows("Prices and savings", "currency", "months", "price", "monthly", "saving"))
def test_prices_and_savings_are_those_of_the_page(row: Row) -> None:
    currency, months = row["currency"], int(row["months"])
    (offer,) = (one for one in offers(SHIPPED, MAIN, currency, DAY) if one.months == months)
    assert offer.price == offer.listed == price(SHIPPED, MAIN, months, currency, DAY) == money(row["price"], currency)
    assert offer.monthly == money(row["monthly"], currency)
    assert offer.saving == saving(SHIPPED, MAIN, months, currency, DAY) == money(row["saving"], currency)
    assert offer.promotion is None and SHIPPED.package(offer.package) == SHIPPED.term(offer.product, months)


def test_the_banner_says_144_euros() -> None:
    assert saving(SHIPPED, MAIN, 12, "EUR", DAY).wire() == "144.00"


@pytest.mark.parametrize("row", PRICING.rows("Promotions", "day", "months", "currency", "price", "saving", "promotion"))
def test_promotions_count_as_the_page_says(row: Row) -> None:
    currency, months, today = row["currency"], int(row["months"]), day(row["day"])
    running = promotion(BOOK, MAIN, months, today)
    assert (running.name if running else "none") == row["promotion"]
    assert price(BOOK, MAIN, months, currency, today) == money(row["price"], currency)
    assert saving(BOOK, MAIN, months, currency, today) == money(row["saving"], currency)
    (offer,) = (one for one in offers(BOOK, MAIN, currency, today) if one.months == months)
    assert (offer.price, offer.promotion) == (money(row["price"], currency), running)
    assert offer.listed == listed(BOOK, MAIN, months, currency)


def test_what_is_not_on_the_shelf_has_no_price() -> None:
    for product, months, currency in ((MAIN, 6, "EUR"), (MAIN, 12, "USD"), (Product.IPV4, 1, "EUR")):
        with pytest.raises(PricingError, match="this is not on the shelf"):
            price(BOOK, product, months, currency, DAY)
    with pytest.raises(PricingError, match="this is not on the shelf"):
        prorated(BOOK, Product.IPV4, 5, "EUR", DAY)
    assert offers(BOOK, Product.IPV4, "EUR", DAY) == ()


def test_a_term_that_is_dearer_than_its_months_saves_nothing_rather_than_less() -> None:
    prices = {1: Money(100, "EUR"), 6: Money(700, "EUR")}
    shelf = Catalogue(tuple(Term(MAIN, months, {"EUR": cost}) for months, cost in prices.items()))
    assert saving(shelf, MAIN, 6, "EUR", DAY) == Money(0, "EUR")


def test_under_reverse_charge_the_net_is_charged_and_else_what_is_shown() -> None:
    shown = money("58.80")
    assert charged(shown, Treatment(Duty.BUYER, "de", 0, 1900)) == Charge(money("49.41"), money("49.41"), money("0"))
    assert charged(shown, Treatment(Duty.SELLER, "de", 1900, 1900)) == Charge(shown, money("49.41"), money("9.39"))
    assert charged(shown, Treatment(Duty.NOBODY, "us", 0, 0)) == Charge(shown, shown, money("0"))
    crowns = charged(Money(1, "SEK"), Treatment(Duty.BUYER, "de", 0, 1900))
    assert crowns.vat == Money(0, "SEK")


ALIGNED = PRICING.rows("Add-ons that end with the subscription", "today", "subscription", "add-on", "days")


@pytest.mark.parametrize("row", ALIGNED)
def test_days_of_an_addon_are_counted_as_the_page_says(row: Row) -> None:
    days = aligned_days(expiry(row["subscription"]), expiry(row["add-on"]), day(row["today"]))
    assert days == int(row["days"])


@pytest.mark.parametrize("row", PRICING.rows("Add-ons that end with the subscription", "days", "price", "why"))
def test_days_of_an_addon_cost_what_the_page_says(row: Row) -> None:
    assert prorated(SHIPPED, Product.MULTIHOP, int(row["days"]), "EUR", DAY) == money(row["price"])


@st.composite
def shelves(draw: st.DrawFn) -> Catalogue:
    """Any catalogue of an add-on."""
    months = draw(st.sets(st.sampled_from(MONTHS), min_size=1).map(sorted))
    least = draw(st.none() | st.integers(1, 500).map(lambda minor: {"SEK": Money(minor, "SEK")}))
    prices = [Term(Product.IPV4, one, {"SEK": Money(draw(st.integers(1, 10**6)), "SEK")}) for one in months]
    return Catalogue(tuple(prices), least=least)


@given(shelves(), st.integers(1, 1500), st.integers(1, 400))
def test_more_days_never_cost_less_and_none_is_free(shelf: Catalogue, days: int, more: int) -> None:
    cost = prorated(shelf, Product.IPV4, days, "SEK", DAY)
    least = (shelf.least or {}).get("SEK", Money(1, "SEK"))
    assert least <= cost <= prorated(shelf, Product.IPV4, days + more, "SEK", DAY)
    for term in shelf.terms[1:]:
        if days * 12 < term.months * 365:
            assert cost <= max(term.prices["SEK"], least), "a longer term is never cheaper than these days"


def test_a_promotion_of_an_addon_lowers_its_days_too() -> None:
    days = [prorated(BOOK, MAIN, 300, "EUR", one) for one in (date(2027, 5, 31), date(2027, 9, 1))]
    assert days == [money("98.63"), money("60.00")]


def test_no_day_is_sold_for_nothing() -> None:
    assert prorated(BOOK, MAIN, 1, "EUR", DAY) == money("0.33")
    tiny = Catalogue((Term(MAIN, 1, {"EUR": Money(10, "EUR")}),))
    assert prorated(tiny, MAIN, 1, "EUR", DAY) == money("0.01")
    for days in (0, -1):
        with pytest.raises(PricingError, match="time is sold by whole days"):
            prorated(BOOK, MAIN, days, "EUR", DAY)


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("product", [Product.MULTIHOP, Product.IPV4])
def test_shipped_days_never_reach_the_next_term(product: Product, currency: str) -> None:
    whole = price(SHIPPED, product, 12, currency, DAY)
    assert prorated(SHIPPED, product, 364, currency, DAY) <= whole == prorated(SHIPPED, product, 365, currency, DAY)


@pytest.mark.parametrize("row", PRICING.rows("Refund", "bought", "now", "first", "refundable"))
def test_a_first_purchase_can_be_given_back_for_ten_days(row: Row) -> None:
    now = datetime.fromisoformat(row["now"]).replace(tzinfo=UTC)
    assert refundable(row["first"] == "yes", day(row["bought"]), now) == (row["refundable"] == "yes")


def test_the_refund_ends_with_the_tenth_day() -> None:
    assert refund_until(DAY) == datetime(2026, 12, 4, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("row", PRICING.rows("Uptime credit", "minutes of the month", "down", "missed", "days"))
def test_missed_minutes_are_given_back_twice(row: Row) -> None:
    missed = minutes_missed(int(row["down"]), int(row["minutes of the month"]))
    assert (missed, uptime_credit(missed)) == (int(row["missed"]), int(row["days"]))


@given(st.integers(0, 50_000))
def test_a_credit_is_never_less_than_twice_what_was_missed_nor_a_day_more(missed: int) -> None:
    credit = timedelta(days=uptime_credit(missed)) - timedelta(minutes=2 * missed)
    assert timedelta(0) <= credit < timedelta(days=1)
