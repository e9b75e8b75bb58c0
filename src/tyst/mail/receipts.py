"""A receipt as text and as PDF, in the buyer's language: made from `core.receipt.Receipt`, shown or mailed, then gone.

The PDF uses the built-in Helvetica, which has the letters of Western Europe; others lose their accents (decision 0034).
It carries no date of making and no name of a program. Nothing is written to a disk.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from fpdf import FPDF
from fpdf.enums import WrapMode

from tyst.core.receipt import Receipt
from tyst.mail.words import amount_in, country_in, day_in, rate_in, words, wrapped

_REPLACED = str.maketrans({"–": "-", "—": "-", "“": '"', "”": '"', "„": '"', "’": "'", "·": "-", "\u2212": "-"})
_LINE = 6
_LABEL_WIDTH = 62


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who sells: as it stands on the receipt. `vat_id` may be empty."""

    name: str
    address: Sequence[str]
    vat_id: str = ""


def lines(receipt: Receipt, issuer: Issuer) -> list[tuple[str, str]]:
    """The receipt as pairs of label and value, in order."""
    language, label = receipt.language, words(receipt.language)["label"]
    found = [
        (label["number"], receipt.number),
        (label["day"], day_in(language, receipt.day)),
        (label["seller"], ", ".join([issuer.name, *issuer.address])),
        (label["vat_id"], issuer.vat_id),
        (label["buyer"], receipt.username),
        (label["buyer_vat_id"], receipt.vat_id),
        (label["country"], country_in(language, receipt.country)),
        (label["what"], what(receipt)),
        (label["until"], f"{day_in(language, receipt.until.date())} (UTC)"),
        (label["method"], words(language)["method"][receipt.method]),
        (label["net"], amount_in(language, receipt.net)),
        (label["vat"].format(rate=rate_in(language, receipt.rate)), amount_in(language, receipt.vat)),
        (label["total"], amount_in(language, receipt.total)),
    ]
    return [(name, value) for name, value in found if value]


def what(receipt: Receipt) -> str:
    """What was bought: Subscription, 12 months."""
    text = words(receipt.language)
    count, unit = (receipt.months, "months") if receipt.months else (receipt.days, "days")
    phrase = text["phrase"][f"{unit}_one" if count == 1 else unit].format(count=count)
    return f"{text['product'][receipt.product]}, {phrase}"


def notes(receipt: Receipt, refund_page: str) -> list[str]:
    """What stands below: reverse charge, and how the money comes back."""
    phrase = words(receipt.language)["phrase"]
    found = [phrase["reversed"]] if receipt.reversed else []
    if receipt.refund:
        found.append(phrase["refund"].format(link=refund_page))
    return found


def as_text(receipt: Receipt, issuer: Issuer, refund_page: str) -> str:
    """The receipt for a letter."""
    pairs = lines(receipt, issuer)
    widest = max(len(name) for name, _ in pairs)
    rows = [f"{name.ljust(widest)}  {value}" for name, value in pairs]
    parts = [
        words(receipt.language)["label"]["title"].upper(),
        "\n".join(rows),
        *map(wrapped, notes(receipt, refund_page)),
    ]
    if receipt.refund:
        parts.append(f"{words(receipt.language)['label']['refund']}:\n{receipt.refund}")
    return "\n\n".join(parts)


def as_pdf(receipt: Receipt, issuer: Issuer, refund_page: str) -> bytes:
    """The receipt as a page of A4."""
    page = FPDF(format="A4")
    page.set_margin(20)
    page.set_producer("Tyst")
    page.set_creation_date(_midnight(receipt))
    page.add_page()
    _write(page, 18, words(receipt.language)["label"]["title"], bold=True)
    page.ln(_LINE)
    for name, value in lines(receipt, issuer):
        page.set_font("Helvetica", size=11)
        page.cell(_LABEL_WIDTH, _LINE, latin(name))
        page.multi_cell(0, _LINE, latin(value), new_x="LMARGIN", new_y="NEXT")
    page.ln(_LINE)
    for note in notes(receipt, refund_page):
        _write(page, 10, note)
    if receipt.refund:
        page.set_font("Courier", size=9)
        page.multi_cell(0, _LINE - 1, receipt.refund, wrapmode=WrapMode.CHAR, new_x="LMARGIN", new_y="NEXT")
    return bytes(page.output())


def _midnight(receipt: Receipt) -> datetime:
    return datetime.combine(receipt.day, time(), UTC)


def _write(page: FPDF, size: int, text: str, *, bold: bool = False) -> None:
    page.set_font("Helvetica", "B" if bold else "", size)
    page.multi_cell(0, _LINE, latin(text), new_x="LMARGIN", new_y="NEXT", align="L")


def latin(text: str) -> str:
    """The text in the letters that the built-in fonts have; others lose their accents, or become question marks."""
    shown = []
    for letter in text.translate(_REPLACED):
        if letter.encode("latin-1", "ignore"):
            shown.append(letter)
        else:
            plain = unicodedata.normalize("NFKD", letter).encode("latin-1", "ignore").decode("latin-1")
            shown.append(plain or "?")
    return re.sub(r"\s+", " ", "".join(shown))
