"""A month of the journal as the accountant gets it: a table (CSV) and pages to print (PDF).

Made from `records.bookkeeping`'s rows and from nothing else: sums, countries, rates. Amounts are written as processors
write them (`59.00`). The PDF's date of making is the month's first day, so that the same month makes the same file;
built-in fonts (decision 0034). Counterpart: `journal_command.py`, the operator's command.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from fpdf import FPDF

from tyst.core.money import Money
from tyst.payments.seller import Seller
from tyst.records.bookkeeping import Row

COLUMNS = ("period", "kind", "country", "rate", "currency", "method", "product", "count", "gross", "net", "vat")
_WIDTHS = (24, 16, 18, 16, 20, 30, 28, 18, 32, 32, 32)
_TOTAL = (("country", "rate", "currency", "count", "gross", "net", "vat"), (26, 22, 26, 22, 40, 40, 40))
_RIGHT = frozenset({"rate", "count", "gross", "net", "vat"})


def per_cent(rate: int) -> str:
    """2500 is `25`, 2550 is `25.5`."""
    return f"{rate / 100:g}"


def table(rows: Sequence[Row]) -> str:
    """CSV (RFC 4180): a line of names, then a line for each row; returns are negative."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows)
    return out.getvalue()


def pages(rows: Sequence[Row], month: str, seller: Seller | None) -> bytes:
    """PDF, A4 across: sums by country, rate and currency (what the tax office asks for), then every row."""
    pdf = FPDF(orientation="L", format="A4")
    pdf.set_creation_date(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC))
    pdf.set_producer("Tyst")
    pdf.set_auto_page_break(True, margin=15)
    pdf.add_page()
    _line(pdf, f"Sales and VAT, {month}", 16, "B")
    for text in (seller.name, *seller.address, seller.vat_id) if seller else ():
        _line(pdf, text, 10)
    _line(pdf, "Sums by country, rate and currency; returns taken off", 11, "B")
    _grid(pdf, *_TOTAL, [_total_cells(key, found) for key, found in sorted(totals(rows).items())])
    _line(pdf, "Every row of the journal", 11, "B")
    _grid(pdf, COLUMNS, _WIDTHS, [_cells(row) for row in rows])
    return bytes(pdf.output())


def totals(rows: Iterable[Row]) -> dict[tuple[str, int, str], tuple[int, Money, Money]]:
    """(sales less returns, net, VAT) by country, rate and currency."""
    found: dict[tuple[str, int, str], tuple[int, Money, Money]] = {}
    for row in rows:
        nothing = Money(0, row.currency)
        count, net, vat = found.get(key := (row.country, row.rate, row.currency), (0, nothing, nothing))
        sign = 1 if row.kind == "sale" else -1
        found[key] = (count + sign * row.count, net + row.net, vat + row.vat)
    return found


def _cells(row: Row) -> tuple[str, ...]:
    what = (row.period, row.kind, row.country.upper(), per_cent(row.rate), row.currency, row.method, row.product)
    return (*what, str(row.count), row.gross.wire(), row.net.wire(), row.vat.wire())


def _total_cells(key: tuple[str, int, str], found: tuple[int, Money, Money]) -> tuple[str, ...]:
    (country, rate, currency), (count, net, vat) = key, found
    return (country.upper(), per_cent(rate), currency, str(count), (net + vat).wire(), net.wire(), vat.wire())


def _line(pdf: FPDF, text: str, size: int, style: str = "") -> None:
    pdf.set_font("helvetica", style, size)
    latin = text.encode("latin-1", "replace").decode("latin-1")
    pdf.cell(0, size * 0.6, latin, new_x="LMARGIN", new_y="NEXT")


def _grid(pdf: FPDF, names: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[str]]) -> None:
    for style, cells in (("B", names), *(("", row) for row in rows)):
        pdf.set_font("helvetica", style, 9)
        for name, width, text in zip(names, widths, cells, strict=True):
            pdf.cell(width, 6, text, align="R" if name in _RIGHT else "L")
        pdf.ln()
    pdf.ln(3)
