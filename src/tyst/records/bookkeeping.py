"""The journal for the tax office: sums by day, kind, country, rate, currency, method and product. Nobody is in it.

`sold` and `returned` add to a row, once for each serial, in a transaction of their own: no row of it shares one with an
account's. Rows that stand for so few sales that they could name a buyer lose their day (`merge`, nightly), and when the
month is over and they are still few, method and product too. Counterparts: `settlement.py` (the time), `jobs` (calls
`merge`), `payments.journal_command` (what the accountant gets).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from django.db import connection, transaction

from tyst.core.money import Money
from tyst.core.vat import split
from tyst.records.models import Journal
from tyst.records.settlement import spend

SALE, RETURN = "sale", "return"
FEW = 5
"""Fewer than so many in a row name a buyer too easily (k-anonymity with k = 5)."""
ANY = "any"
"""Method and product of a row that would otherwise say too much."""
_BOOKED, _BOOKED_BACK = b"journal", b"journal of return"
_KEY = ("period", "kind", "country", "rate", "currency", "method", "product")
_ADD = """
INSERT INTO journal (period, kind, country, rate, currency, method, product, count, net, vat)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (period, kind, country, rate, currency, method, product) DO UPDATE SET
count = journal.count + excluded.count, net = journal.net + excluded.net, vat = journal.vat + excluded.vat
"""


class Taxed(Protocol):
    """What an order and a refund code both say of where VAT is due."""

    @property
    def serial(self) -> bytes: ...
    @property
    def method(self) -> str: ...
    @property
    def product(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def rate(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the journal. `period`: a day, or a month for what was merged. Returns have negative sums."""

    period: str
    kind: str
    country: str
    rate: int
    currency: str
    method: str
    product: str
    count: int = field(repr=False)
    net: Money = field(repr=False)
    vat: Money = field(repr=False)

    @property
    def gross(self) -> Money:
        return self.net + self.vat


def sold(order: Taxed, paid: Money, today: date) -> None:
    """Transaction 2 of a payment: adds it, unless its serial was added before or its money went back meanwhile."""
    with transaction.atomic():
        if spend(order.serial, _BOOKED):
            _add(str(today), SALE, order, paid)


def returned(order: Taxed, money: Money, today: date) -> None:
    """Transaction 2 of a return: a negative row. Nothing when the sale itself was never added, and never will be."""
    with transaction.atomic():
        if spend(order.serial, _BOOKED_BACK) and not spend(order.serial, _BOOKED):
            _add(str(today), RETURN, order, -money)


def merge(today: date) -> int:
    """Takes away from small rows what could name a buyer: how many rows were merged. Today's rows wait."""
    month = f"{today:%Y-%m}"
    with transaction.atomic():
        few = Journal.objects.filter(count__lt=FEW)
        days = [row for row in few if len(row.period) == 10 and row.period < str(today)]
        for row in days:
            _merge(row, period=row.period[:7])
        months = [row for row in few.all() if len(row.period) == 7 and row.period < month and row.method != ANY]
        for row in months:
            _merge(row, method=ANY, product=ANY)
    return len(days) + len(months)


def rows_of(month: str) -> Sequence[Row]:
    """The rows of a month (`2026-11`), in a fixed order."""
    return [_row(one) for one in Journal.objects.filter(period__startswith=month).order_by(*_KEY)]


def _add(period: str, kind: str, order: Taxed, money: Money) -> None:
    net, vat = split(money, order.rate)
    key = (period, kind, order.country, order.rate, money.currency, order.method, str(order.product))
    _write((*key, 1, net.minor, vat.minor))


def _write(values: Sequence[str | int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)


def _merge(row: Journal, **coarser: str) -> None:
    """Adds a row to a coarser one, and deletes it."""
    key = {name: getattr(row, name) for name in _KEY}
    _write((*(key | coarser).values(), row.count, row.net, row.vat))
    Journal.objects.filter(**key).delete()


def _row(one: Journal) -> Row:
    key = {name: getattr(one, name) for name in _KEY}
    return Row(**key, count=one.count, net=Money(one.net, one.currency), vat=Money(one.vat, one.currency))
