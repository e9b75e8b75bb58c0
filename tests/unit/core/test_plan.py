"""The catalogue: what is shipped, what an operator may write, and what she is told when a line is wrong."""

import copy
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.unit.core.worked import PRICING
from tyst.core.account import CURRENCIES
from tyst.core.money import Money
from tyst.core.plan import MONTHS, Catalogue, CatalogueError, Promotion, Term, catalogue_of
from tyst.core.pricing import price
from tyst.core.product import Product
from tyst.payments.catalogue import SHIPPED, load

BOOK: dict[str, Any] = tomllib.loads(PRICING.code("Promotions"))


def changed(*path: Any, to: Any = None, **also: Any) -> dict[str, Any]:
    """The page's catalogue with one entry set (or taken out: None)."""
    tables: Any = copy.deepcopy(BOOK)
    place = tables
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return {**tables, **also}


def test_everything_that_can_be_had_is_on_the_shelf_in_every_currency() -> None:
    shipped = load(Path("/nowhere"))
    assert shipped.currencies == CURRENCIES
    assert [(term.product, term.months) for term in shipped.terms] == [(one, n) for one in Product for n in MONTHS]
    assert shipped.promotions == () and shipped.least is not None
    assert {code: money.wire() for code, money in shipped.least.items()} == {
        "EUR": "1.00", "SEK": "10.00", "USD": "1.00",
    }  # fmt: skip


@pytest.mark.parametrize("product", Product)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_longer_term_costs_more_and_less_by_the_month(product: Product, currency: str) -> None:
    costs = [(term.months, term.prices[currency].minor) for term in load(Path("/nowhere")).of(product)]
    for (few, little), (many, much) in pairwise(costs):
        assert little < much and much * few < little * many


def test_the_operators_prices_replace_the_shipped_ones(tmp_path: Path) -> None:
    assert load(tmp_path) == load(SHIPPED.parent)
    (tmp_path / "prices.toml").write_text('[subscription]\n1 = { SEK = "60.00" }\n')
    assert [(term.package, term.prices) for term in load(tmp_path).terms] == [
        ("subscription-1", {"SEK": Money(6000, "SEK")})
    ]
    assert load(tmp_path).currencies == ("SEK",)


@pytest.mark.parametrize("text", ["[subscription\n", '[subscription]\n1 = { EUR = "x" }\n', "\xff"])
def test_a_file_with_a_slip_is_named_and_its_line_too(tmp_path: Path, text: str) -> None:
    (tmp_path / "prices.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(CatalogueError, match=r"prices\.toml: "):
        load(tmp_path)


def test_a_term_is_found_by_its_id_and_by_its_months() -> None:
    shelf = catalogue_of(BOOK)
    year = shelf.term(Product.SUBSCRIPTION, 12)
    assert year is not None and shelf.package("subscription-12") is year and year.package == "subscription-12"
    assert shelf.term(Product.SUBSCRIPTION, 6) is None and shelf.term(Product.IPV4, 1) is None
    assert shelf.package("subscription-6") is None and shelf.package("") is None
    assert shelf.of(Product.MULTIHOP) == () and [term.months for term in shelf.of(Product.SUBSCRIPTION)] == [1, 12]
    assert shelf.currencies == ("EUR", "SEK") and Catalogue(()).terms == ()


def test_a_currency_counts_when_everything_has_a_price_in_it() -> None:
    both, one = {"EUR": Money(1, "EUR"), "SEK": Money(1, "SEK")}, {"EUR": Money(1, "EUR")}
    assert Catalogue((Term(Product.IPV4, 1, both), Term(Product.IPV4, 6, one))).currencies == ("EUR",)


def test_promotions_are_read_with_their_days() -> None:
    summer, midsummer, _ = catalogue_of(BOOK).promotions
    assert summer == Promotion("summer", Product.SUBSCRIPTION, 12, date(2027, 6, 1), date(2027, 8, 31), 25)
    assert midsummer.prices == {"EUR": Money(6000, "EUR"), "SEK": Money(66000, "SEK")} and midsummer.percent == 0


@pytest.mark.parametrize("percent", [1, 99])
def test_a_promotion_may_take_from_one_to_ninety_nine_per_cent(percent: int) -> None:
    shelf = catalogue_of(changed("promotion", 0, "percent", to=percent))
    assert price(shelf, Product.SUBSCRIPTION, 12, "SEK", date(2027, 6, 1)).minor == 1099 * (100 - percent)


def test_a_promotion_may_last_one_day() -> None:
    assert catalogue_of(changed("promotion", 0, "through", to=date(2027, 6, 1))).promotions[0].last == date(2027, 6, 1)


PROMOTION = "[[promotion]] number 1"
TERM = "[subscription] 12"
WRONG: list[tuple[Any, str]] = [
    ({}, "[subscription] needs a price for 1 month: what longer terms save is reckoned from it"),
    (changed("subscription", "1"), "[subscription] needs a price for 1 month: what longer terms save is"),
    ({**BOOK, "ipv4": {"12": {"EUR": "1.00", "SEK": "10.00"}}}, "[ipv4] needs a price for 1 month"),
    ({**BOOK, "wireguard": {}}, "[wireguard] is no product: there are subscription, multihop, ipv4"),
    (changed("subscription", "3", to={"EUR": "1.00"}), "[subscription] 3: there are terms of 1, 6, 12, 24, 36 months"),
    (changed("subscription", to=[]), "[subscription] is a table"),
    (changed("subscription", "12", to="99.99"), f"{TERM} is a table"),
    (changed("subscription", "12", to={}), f"{TERM}: there is no price"),
    (changed("subscription", "12", "EUR"), f"{TERM}: every term needs a price in the same currencies"),
    (changed("subscription", "12", "EUR", to=99.99), f'{TERM}: a price is written as EUR = "9.90" (EUR, SEK, USD)'),
    (changed("subscription", "12", "EUR", to="99,99"), f'{TERM}: a price is written as EUR = "9.90"'),
    (changed("subscription", "12", "EUR", to="0.00"), f'{TERM}: a price is written as EUR = "9.90"'),
    (changed("subscription", "12", "EUR", to="-1.00"), f'{TERM}: a price is written as EUR = "9.90"'),
    (changed("subscription", "12", "NOK", to="9.90"), f'{TERM}: a price is written as EUR = "9.90"'),
    ({**BOOK, "least": {"EUR": "0"}}, '[least]: a price is written as EUR = "9.90"'),
    ({**BOOK, "least": 1}, "[least] is a table"),
    (changed("promotion", to={"name": "x"}), "promotions are written as [[promotion]], one table each"),
    (changed("promotion", 0, to=1), f"{PROMOTION} is a table"),
    (changed("promotion", 0, "name"), f"{PROMOTION}: name is missing"),
    (changed("promotion", 0, to={"name": "x", "months": 1, "from": 1}), f"{PROMOTION}: product, through is missing"),
    (changed("promotion", 0, "code", to="X"), f"{PROMOTION}: code has no meaning"),
    (changed("promotion", 0, to={**BOOK["promotion"][0], "code": 1, "also": 2}), f"{PROMOTION}: also, code has no"),
    (changed("promotion", 0, "months", to=6), f"{PROMOTION}: the term that it is for is not sold"),
    (changed("promotion", 0, "product", to="ipv4"), f"{PROMOTION}: the term that it is for is not sold"),
    (changed("promotion", 0, "through", to=date(2027, 5, 31)), f"{PROMOTION}: from and through are days (2026-11-24)"),
    (changed("promotion", 0, "from", to="2027-06-01"), f"{PROMOTION}: from and through are days (2026-11-24)"),
    (changed("promotion", 0, "through", to="2027-09-01"), f"{PROMOTION}: from and through are days (2026-11-24)"),
    (changed("promotion", 0, "percent"), f"{PROMOTION}: it has either percent or price"),
    (changed("promotion", 0, "price", to={"EUR": "1.00"}), f"{PROMOTION}: it has either percent or price"),
    (changed("promotion", 0, "percent", to=100), f"{PROMOTION}: percent is a whole number from 1 to 99"),
    (changed("promotion", 0, "percent", to=0), f"{PROMOTION}: percent is a whole number from 1 to 99"),
    (changed("promotion", 0, "percent", to=True), f"{PROMOTION}: percent is a whole number from 1 to 99"),
    (changed("promotion", 0, "percent", to=25.5), f"{PROMOTION}: percent is a whole number from 1 to 99"),
    (changed("promotion", 0, "percent", to=-1), f"{PROMOTION}: percent is a whole number from 1 to 99"),
    (
        changed("promotion", 1, "price", "SEK"),
        "[[promotion]] number 2: its price has the term's currencies, and is lower",
    ),
    (
        changed("promotion", 1, "price", "EUR", to="99.99"),
        "[[promotion]] number 2: its price has the term's currencies",
    ),
    (changed("promotion", 1, "price", "EUR", to="0.01"), ""),
]


@pytest.mark.parametrize(("tables", "sentence"), WRONG)
def test_a_wrong_line_is_named_with_what_should_stand_there(tables: dict[str, Any], sentence: str) -> None:
    if not sentence:
        assert catalogue_of(tables).promotions[1].prices
        return
    with pytest.raises(CatalogueError) as caught:
        catalogue_of(tables)
    assert str(caught.value).startswith(sentence)
