"""An answer to an authority as pages of A4, made from the same body as its JSON, in memory.

Plain pages in English: what was asked, what is answered, what can't be and why. Signatures are put behind them by
`core.signed.stamped` and `pdf_signature.py`. Nothing of this room's clock is in the file but the day that the body
names.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from fpdf import FPDF

from tyst.mail.receipts import latin

_LINE, _LABEL = 6, 52
TITLES = {
    "disclosure": "Answer to an order for account information",
    "preservation": "Answer to a preservation order",
    "search": "Answer to an order that names no account",
}
_CHECK = (
    "PDF readers show this file's signature; its certificate, answers.crt, is on our transparency page. A JSON file"
    " says the same. Both are checked offline, with the keys published there, by:"
    " ./tyst transparency verify FILE --keys keys.json"
)


def pages(body: Mapping[str, Any]) -> bytes:
    """The PDF, unsigned."""
    page = FPDF(format="A4")
    page.set_margin(20)
    page.set_producer("Tyst")
    page.set_creation_date(datetime.combine(date.fromisoformat(body["day"]), time(), UTC))
    page.add_page()
    request = body["request"]
    _text(page, 18, TITLES[request["asked"]], bold=True)
    page.ln(_LINE / 2)
    _pairs(page, _head(body))
    for sentence in body["said"]:
        page.ln(_LINE / 2)
        _text(page, 11, sentence)
    for account in body["accounts"]:
        _heading(page, "The account")
        _pairs(page, [(name, _shown(value)) for name, value in account["fields"].items()])
        _heading(page, "Method of payment")
        _pairs(page, [(name, _shown(value)) for name, value in account["payment"].items()])
    _heading(page, "What cannot be answered, and why")
    for one in body["cannot"]:
        _text(page, 11, f"{one['what'][0].upper()}{one['what'][1:]}", bold=True)
        _text(page, 11, one["why"])
    if not body["accounts"]:
        _heading(page, "What is kept of every account")
        _pairs(page, [(one["field"], one["purpose"]) for one in body["kept of every account"]])
    page.ln(_LINE)
    _text(page, 9, _CHECK)
    return bytes(page.output())


def _head(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    request = body["request"]
    pairs = [
        ("Authority", f"{request['authority']} ({request['by'].upper()})"),
        ("Reference", request["reference"]),
        ("User name", request["username"]),
        ("Mail address", request["email"]),
        ("Day (UTC)", body["day"]),
        ("Approved by", ", ".join(body["approved by"])),
    ]
    return [(name, value) for name, value in pairs if value]


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {'yes' if one else 'no'}" for name, one in value.items()) or "no processor does that"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "-" if value is None else str(value)


def _heading(page: FPDF, text: str) -> None:
    page.ln(_LINE)
    _text(page, 13, text, bold=True)


def _pairs(page: FPDF, pairs: Iterable[tuple[str, str]]) -> None:
    for name, value in pairs:
        page.set_font("Helvetica", "B", 10)
        page.multi_cell(_LABEL, _LINE, latin(name), new_x="RIGHT", new_y="TOP", align="L")
        page.set_font("Helvetica", "", 10)
        page.multi_cell(0, _LINE, latin(value), new_x="LMARGIN", new_y="NEXT", align="L")


def _text(page: FPDF, size: int, text: str, *, bold: bool = False) -> None:
    page.set_font("Helvetica", "B" if bold else "", size)
    page.multi_cell(0, _LINE, latin(text), new_x="LMARGIN", new_y="NEXT", align="L")
