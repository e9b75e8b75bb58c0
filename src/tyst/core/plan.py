"""The catalogue: which terms are sold of which product, at which prices, and which promotions run when.

A frozen value, built from plain tables (`catalogue_of`), which a file or a form may hold; nothing here reads one.
Prices are what a consumer pays, VAT included. What a term costs on a given day, what it saves and what part of it costs
is `core.pricing`; where the tables come from is `payments.catalogue`. Rules in prose: docs/algorithms/pricing.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tyst.core.account import CURRENCIES
from tyst.core.money import Money, MoneyError, from_wire
from tyst.core.product import PRODUCTS, Product

MONTHS = (1, 6, 12, 24, 36)
"""The terms that exist. A catalogue may sell fewer, never others: pages and receipts have words for these."""
_PROMOTION = {"name", "product", "months", "from", "through"}


class CatalogueError(ValueError):
    """The tables are no catalogue. Says which line is wrong and what should stand there."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing on the shelf: a product for some months, with its price in every currency of the catalogue."""

    product: Product
    months: int
    prices: Mapping[str, Money]

    @property
    def package(self) -> str:
        """Its id in addresses and forms: `subscription-12`."""
        return f"{self.product}-{self.months}"


@dataclass(frozen=True, slots=True)
class Promotion:
    """A lower price for one term, from the first through the last day (UTC). Either `percent` off or fixed `prices`."""

    name: str
    product: Product
    months: int
    first: date
    last: date
    percent: int = 0
    prices: Mapping[str, Money] | None = None

    def runs(self, product: Product, months: int, day: date) -> bool:
        """Whether it is for this term on this day."""
        return (product, months) == (self.product, self.months) and self.first <= day <= self.last

    def price(self, listed: Money) -> Money:
        """What the term costs while it runs."""
        if self.prices is not None:
            return self.prices[listed.currency]
        return listed.share(100 - self.percent, 100)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is sold. `least`: the smallest amount that is charged, by currency (processors take no smaller ones)."""

    terms: tuple[Term, ...]
    promotions: tuple[Promotion, ...] = ()
    least: Mapping[str, Money] | None = None

    def of(self, product: Product) -> tuple[Term, ...]:
        """The product's terms, shortest first."""
        return tuple(term for term in self.terms if term.product == product)

    def term(self, product: Product, months: int) -> Term | None:
        """The term, or None when it isn't sold."""
        return next((term for term in self.of(product) if term.months == months), None)

    def package(self, name: str) -> Term | None:
        """The term with this package id (`subscription-12`), or None."""
        return next((term for term in self.terms if term.package == name), None)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those that everything on the shelf has a price in."""
        return tuple(code for code in CURRENCIES if all(code in term.prices for term in self.terms))


def catalogue_of(tables: Mapping[str, Any]) -> Catalogue:
    """The catalogue in tables as TOML gives them (src/tyst/payments/prices.toml is one), or CatalogueError."""
    for name in tables:
        if name not in (*PRODUCTS, "promotion", "least"):
            raise CatalogueError(f"[{name}] is no product: there are {', '.join(PRODUCTS)}")
    terms = tuple(term for name in PRODUCTS for term in _terms(Product(name), tables.get(name, {})))
    least = {code: _money(code, text, "[least]") for code, text in _table(tables.get("least", {}), "[least]").items()}
    shelf = Catalogue(terms)
    _check(shelf)
    listed = tables.get("promotion", [])
    if not isinstance(listed, list):
        raise CatalogueError("promotions are written as [[promotion]], one table each")
    return Catalogue(terms, tuple(_promotion(shelf, number, one) for number, one in enumerate(listed, 1)), least)


def _check(shelf: Catalogue) -> None:
    """Every term has the same currencies, the subscription exists, and every product is sold by the month."""
    for product in Product:
        if (shelf.of(product) or product == Product.SUBSCRIPTION) and shelf.term(product, 1) is None:
            raise CatalogueError(f"[{product}] needs a price for 1 month: what longer terms save is reckoned from it")
    for term in shelf.terms:
        if set(term.prices) != set(shelf.terms[0].prices):
            raise CatalogueError(f"[{term.product}] {term.months}: every term needs a price in the same currencies")


def _terms(product: Product, table: object) -> Iterator[Term]:
    where = f"[{product}]"
    rows = _table(table, where)
    for text in rows:
        if text not in {str(months) for months in MONTHS}:
            raise CatalogueError(f"{where} {text}: there are terms of {', '.join(map(str, MONTHS))} months")
    for months in MONTHS:
        if (row := rows.get(str(months))) is not None:
            yield Term(product, months, _prices(row, f"{where} {months}"))


def _prices(row: object, where: str) -> dict[str, Money]:
    prices = {code: _money(code, text, where) for code, text in _table(row, where).items()}
    if not prices:
        raise CatalogueError(f"{where}: there is no price")
    return prices


def _promotion(shelf: Catalogue, number: int, row: object) -> Promotion:
    where = f"[[promotion]] number {number}"
    table = _table(row, where)
    if missing := _PROMOTION - table.keys():
        raise CatalogueError(f"{where}: {', '.join(sorted(missing))} is missing")
    if unknown := table.keys() - _PROMOTION - {"percent", "price"}:
        raise CatalogueError(f"{where}: {', '.join(sorted(unknown))} has no meaning")
    term = next((term for term in shelf.terms if (str(term.product), term.months) == _key(table)), None)
    if term is None:
        raise CatalogueError(f"{where}: the term that it is for is not sold")
    first, last = table["from"], table["through"]
    if type(first) is not date or type(last) is not date or last < first:
        raise CatalogueError(f"{where}: from and through are days (2026-11-24), and through is not before from")
    return Promotion(str(table["name"]), term.product, term.months, first, last, **_lower(term, table, where))


def _key(table: Mapping[str, Any]) -> tuple[object, object]:
    return table["product"], table["months"]


def _lower(term: Term, table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Per cent or fixed prices, one of them, and lower than what is listed."""
    if ("percent" in table) == ("price" in table):
        raise CatalogueError(f"{where}: it has either percent or price")
    if "percent" in table:
        percent = table["percent"]
        if type(percent) is not int or not 1 <= percent <= 99:
            raise CatalogueError(f"{where}: percent is a whole number from 1 to 99")
        return {"percent": percent}
    prices = _prices(table["price"], where)
    if prices.keys() != term.prices.keys() or any(term.prices[code] <= price for code, price in prices.items()):
        raise CatalogueError(f"{where}: its price has the term's currencies, and is lower than what is listed")
    return {"prices": prices}


def _money(code: str, text: object, where: str) -> Money:
    """A price above nothing. Written as text ("9.90"): a number of TOML would be a float."""
    try:
        money = from_wire(text, code) if isinstance(text, str) else None
    except MoneyError:
        money = None
    if money is None or money.minor <= 0:
        raise CatalogueError(f'{where}: a price is written as {CURRENCIES[0]} = "9.90" ({", ".join(CURRENCIES)})')
    return money


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise CatalogueError(f"{where} is a table")
    return value
