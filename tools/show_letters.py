"""Writes docs/use/letters.md: every letter of ours in every language, as customers get it.

usage: python tools/show_letters.py            writes the page
       python tools/show_letters.py --check    says whether it is in step; a test does the same
"""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from tyst.core.money import Money
from tyst.core.product import Product
from tyst.core.receipt import Receipt
from tyst.mail.letter import Letter
from tyst.mail.letters import Reader, Writer
from tyst.mail.receipts import Issuer

PAGE = Path(__file__).resolve().parents[1] / "docs/use/letters.md"
SITE = "https://tyst.example"
LANGUAGES = {"en": "English", "sv": "Svenska", "de": "Deutsch", "no": "Norsk"}
NEWS = {
    "en": ("Two new cities", "We have servers in Oslo and Malmö now."),
    "sv": ("Två nya städer", "Nu har vi servrar i Oslo och Malmö."),
    "de": ("Zwei neue Städte", "Wir haben jetzt Server in Oslo und Malmö."),
    "no": ("To nye byer", "Nå har vi servere i Oslo og Malmö."),
}
HEAD = """# Our letters

Made by `tools/show_letters.py` from the texts in `src/tyst/mail/texts`; a test keeps it in step. Letters go only to
accounts with an e-mail address, in the account's language. They are plain text: no picture, no tracking, no link that
says who follows it to anybody but us. `…` stands for a sealed token. The receipt comes with the same as a PDF. What
each is for: [mail](mail.md).
"""


def letters(language: str) -> Iterator[Letter]:
    """One of each kind for Alice, and a newsletter of an operator's."""
    writer, reader, end = Writer(SITE), Reader("alice@example.org", "alice", language), date(2026, 12, 8)
    until = datetime(2027, 12, 8, 23, 59, 59, tzinfo=UTC)
    bought = ("8kx4 tq2m", date(2026, 11, 24), "braintree", "alice", Product.SUBSCRIPTION, 12, 0, Money(9900, "EUR"))
    receipt = Receipt(*bought, rate=2500, country="se", vat_id="", until=until, language=language, refund="(the code)")
    yield writer.receipt(reader.to, receipt, Issuer("Tyst AB", ("Storgatan 1", "111 11 Stockholm"), "SE556016068001"))
    yield writer.renewal(reader, end, date(2026, 11, 24))
    yield writer.renewal(reader, end, end)
    yield writer.reset(reader, "…")
    yield writer.confirm_address(reader, "…")
    yield writer.address_changed(reader)
    yield writer.confirm_newsletter(reader, "…")
    yield writer.newsletter(reader, *NEWS[language], "…")
    yield writer.hint(reader)


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for language, name in LANGUAGES.items():
        parts.append(f"## {name}\n")
        for letter in letters(language):
            text = "\n".join(line.rstrip() for line in letter.text.strip().splitlines())
            parts.append(f"**{letter.subject}**\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def main() -> int:
    """Writes the page, or says whether it is in step."""
    if "--check" in sys.argv:
        good = PAGE.exists() and PAGE.read_text("utf-8") == page()
        print("letters are in step" if good else "docs/use/letters.md is out of step: run tools/show_letters.py")
        return not good
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
