"""The words of our letters: one file for each of the four languages, and how days, amounts and countries are written.

Nobody's name is in here. A test compares the files: same letters, same words in braces, nothing remote.
"""

import textwrap
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from tyst.core.money import Money

FOLDER = Path(__file__).with_name("texts")
WIDTH = 72
_BABEL = {"en": "en_GB", "sv": "sv", "de": "de", "no": "nb"}
Words = Mapping[str, Mapping[str, str]]


@cache
def words(language: str) -> Words:
    """All words of a language (en, sv, de, no)."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))


def day_in(language: str, day: date) -> str:
    """A day in words: 4 November 2026."""
    return format_date(day, "long", locale=_BABEL[language])


def amount_in(language: str, amount: Money) -> str:
    """An amount with its currency's three letters: 118,80 EUR."""
    text = format_currency(Decimal(amount.wire()), amount.currency, "#,##0.00 ¤¤", locale=_BABEL[language])
    return text.replace("\xa0", " ").replace("\u202f", " ").replace("\u2212", "-")


def rate_in(language: str, rate: int) -> str:
    """A rate of hundredths of a per cent: 25, 25,5."""
    return format_decimal(Decimal(rate) / 100, locale=_BABEL[language])


def country_in(language: str, country: str) -> str:
    """A country's name."""
    name = Locale.parse(_BABEL[language]).territories.get(country.upper())
    return str(name or country.upper())


def wrapped(text: str) -> str:
    """Paragraphs at 72 characters; a link stands alone and whole."""
    parts = (part.strip() for part in text.strip().split("\n\n"))
    return "\n\n".join(
        textwrap.fill(part, WIDTH, break_long_words=False, break_on_hyphens=False) for part in parts if part
    )
