"""Voucher codes on paper and in tables: sheets of A4 with ten vouchers each, and CSV for resellers.

Each voucher's QR code leads to the site's redeem page with the code in the address's fragment: browsers don't send that
part, so no server, proxy or log on the way ever sees it. No numbers, no dates, no batch: one voucher is like another.
Counterpart: `voucher_command.py` issues the codes and writes the files; the redeem page's script reads the fragment.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import segno
from fpdf import FPDF

from tyst.core.product import Product

COLUMNS, ROWS = 2, 5
_WIDTH, _HEIGHT = 105.0, 59.4
"""Millimetres: ten of them are an A4 page."""
_QR, _PAD = 40.0, 7.0
_MADE = datetime(2000, 1, 1, tzinfo=UTC)
"""The file says nothing of when it was made."""

_WORDS = {
    "en": {
        "title": "{days} days of {product}",
        Product.SUBSCRIPTION: "VPN",
        Product.MULTIHOP: "Multihop",
        Product.IPV4: "public IPv4 address",
        "how": "Sign in, then scan this code, or type the voucher at",
        "once": "Whoever has it can use it, once.",
    },
    "sv": {
        "title": "{days} dagar {product}",
        Product.SUBSCRIPTION: "VPN",
        Product.MULTIHOP: "multihop",
        Product.IPV4: "publik IPv4-adress",
        "how": "Logga in och skanna koden, eller skriv värdekoden på",
        "once": "Den som har den kan använda den, en gång.",
    },
    "de": {
        "title": "{days} Tage {product}",
        Product.SUBSCRIPTION: "VPN",
        Product.MULTIHOP: "Multihop",
        Product.IPV4: "öffentliche IPv4-Adresse",
        "how": "Anmelden, dann den Code scannen oder den Gutschein eintippen auf",
        "once": "Wer ihn hat, kann ihn einlösen, ein Mal.",
    },
    "no": {
        "title": "{days} dager {product}",
        Product.SUBSCRIPTION: "VPN",
        Product.MULTIHOP: "multihop",
        Product.IPV4: "offentlig IPv4-adresse",
        "how": "Logg inn og skann koden, eller skriv inn verdikoden på",
        "once": "Den som har den, kan bruke den, én gang.",
    },
}
LANGUAGES = tuple(_WORDS)


@dataclass(frozen=True)
class Batch:
    """Vouchers of one kind. `site`: the site's address, https://…"""

    codes: Sequence[str] = field(repr=False)
    days: int
    product: Product
    site: str
    language: str = "en"

    @property
    def page(self) -> str:
        """Where a voucher is redeemed."""
        return f"{self.site}/{self.language}/account/voucher"

    def link(self, code: str) -> str:
        """The same with the code, where no server sees it."""
        return f"{self.page}#{code}"


def as_csv(batch: Batch) -> str:
    """One line for each voucher under a line of names: code, days, product, link."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("code", "days", "product", "link"))
    rows.writerows((code, batch.days, batch.product.value, batch.link(code)) for code in batch.codes)
    return text.getvalue()


def as_pdf(batch: Batch) -> bytes:
    """The sheets, to be printed at full size and cut along the lines."""
    sheet = FPDF(format="A4")
    sheet.set_margin(0)
    sheet.set_auto_page_break(False)
    sheet.set_producer("Tyst")
    sheet.set_creation_date(_MADE)
    for number, code in enumerate(batch.codes):
        place = number % (COLUMNS * ROWS)
        if place == 0:
            sheet.add_page()
            _cutting_lines(sheet)
        _voucher(sheet, batch, code, place % COLUMNS * _WIDTH, place // COLUMNS * _HEIGHT)
    return bytes(sheet.output())


def _cutting_lines(sheet: FPDF) -> None:
    sheet.set_draw_color(170)
    sheet.set_line_width(0.1)
    for row in range(1, ROWS):
        sheet.line(0, row * _HEIGHT, COLUMNS * _WIDTH, row * _HEIGHT)
    sheet.line(_WIDTH, 0, _WIDTH, ROWS * _HEIGHT)


def _voucher(sheet: FPDF, batch: Batch, code: str, left: float, top: float) -> None:
    words = _WORDS[batch.language]
    _qr(sheet, batch.link(code), left + _PAD, top + (_HEIGHT - _QR) / 2)
    x, width = left + _PAD + _QR + 5, _WIDTH - _QR - 2 * _PAD - 4
    title = words["title"].format(days=batch.days, product=words[batch.product])
    for size, style, y, text in (
        (15, "B", 9.0, "Tyst"),
        (10, "", 16.0, title),
        (8, "", 36.0, f"{words['how']} {batch.page.removeprefix('https://')}\n{words['once']}"),
    ):
        sheet.set_font("Helvetica", style, size)
        sheet.set_xy(x, top + y)
        sheet.multi_cell(width, size * 0.42, text, align="L")
    sheet.set_font("Courier", "B", 11)
    first, second, third, fourth = code.split("-")
    for y, text in ((25.0, f"{first}-{second}-"), (30.0, f"{third}-{fourth}")):
        sheet.set_xy(x, top + y)
        sheet.cell(width, 5, text)


def _qr(sheet: FPDF, text: str, left: float, top: float) -> None:
    """Black runs of modules as rectangles (ISO/IEC 18004): sharp at any size, and no image in the file."""
    matrix = segno.make(text, error="m", micro=False).matrix
    size = _QR / len(matrix)
    sheet.set_fill_color(0)
    for row, modules in enumerate(matrix):
        for start, length in _runs(modules):
            sheet.rect(left + start * size, top + row * size, length * size, size, style="F")


def _runs(modules: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(start, length) of each run of black modules."""
    start = None
    for place, black in enumerate((*modules, 0)):
        if black and start is None:
            start = place
        elif not black and start is not None:
            yield start, place - start
            start = None
