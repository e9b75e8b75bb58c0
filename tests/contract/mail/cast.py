"""Letters and receipts of the cast."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tyst.core.money import Money
from tyst.core.product import Product
from tyst.core.receipt import Receipt
from tyst.mail.letter import Letter
from tyst.mail.letters import Reader, Writer
from tyst.mail.receipts import Issuer

SITE = "https://tyst.test"
SENDER = "Tyst <hello@tyst.test>"
LANGUAGES = ("en", "sv", "de", "no")
ISSUER = Issuer("Tyst AB", ("Ågatan 1", "111 11 Stockholm"), "SE556000016701")
TOKEN = "bGluaw-_" * 8


def alice(language: str = "en", to: str = "alice@example.org") -> Reader:
    """Alice, who gave an address."""
    return Reader(to, "alice", language)


def receipt(language: str = "en", **more: Any) -> Receipt:
    """A year for 118.80 EUR, in Sweden."""
    words = {"number": "8KX4 TQ2M", "day": date(2026, 11, 24), "method": "braintree", "username": "alice"}
    words |= {"product": Product.SUBSCRIPTION, "months": 12, "days": 0, "total": Money(11880, "EUR"), "rate": 2500}
    words |= {"country": "se", "vat_id": "", "until": datetime(2027, 11, 24, 23, 59, 59, tzinfo=UTC)}
    words |= {"language": language, "refund": "UmVmdW5k" * 20}
    return Receipt(**{**words, **more})


def all_letters(language: str) -> dict[str, Letter]:
    """One of each kind, the newsletter with a text of an operator's."""
    writer, reader, day = Writer(SITE), alice(language), date(2026, 12, 8)
    letters = [
        writer.receipt(reader.to, receipt(language), ISSUER),
        writer.renewal(reader, day, day - timedelta(days=14)),
        writer.renewal(reader, day, day),
        writer.reset(reader, TOKEN),
        writer.confirm_newsletter(reader, TOKEN),
        writer.confirm_address(reader, TOKEN),
        writer.address_changed(reader),
        writer.hint(reader),
        writer.newsletter(reader, "Two new cities", "We have servers in Oslo and Malmö now.", TOKEN),
    ]
    return {letter.kind: letter for letter in letters}
