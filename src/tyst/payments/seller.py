"""Who sells: the provider's own name, address, country and VAT number, as they stand on receipts.

The table `[seller]` of `payments.toml`; no processor. Its country decides where reverse charge is possible
(`core.vat.treat`). Without it nothing can be sold for money; vouchers still work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tyst.core.country import COUNTRIES
from tyst.core.vat import EU, home, vat_number
from tyst.payments.config import ConfigError, read
from tyst.payments.provider import Question

NAME = "seller"
QUESTIONS = (
    Question("name", "The name that stands on receipts (the company's)"),
    Question("address", "Its postal address, the lines separated by commas"),
    Question("country", "The country it is taxed in (two letters, as se)"),
    Question("vat_id", "Its VAT number", optional=True),
)
AFTERWARDS = "Receipts carry this from the next start of the site on."


@dataclass(frozen=True, slots=True)
class Seller:
    """`address`: its lines. `vat_id`: as printed, or "" when the seller has none."""

    name: str
    address: tuple[str, ...]
    country: str
    vat_id: str = ""


def load(state: Path) -> Seller | None:
    """The seller of this state folder; None when the operator hasn't said. ConfigError when what she said can't be."""
    answers = read(state).get(NAME)
    return None if answers is None else seller_of(answers)


def seller_of(answers: Mapping[str, str]) -> Seller:
    """The seller in the answers to QUESTIONS, or ConfigError."""
    name, country = answers.get("name", "").strip(), answers.get("country", "").strip().lower()
    lines = tuple(line for part in answers.get("address", "").split(",") if (line := part.strip()))
    if not name or not lines or country not in COUNTRIES:
        raise ConfigError("[seller] needs a name, an address, and a country of two letters (ISO 3166-1)")
    vat_id = answers.get("vat_id", "").strip()
    if vat_id and home(country) in EU:
        vat_id = vat_number(vat_id, country) or ""
        if not vat_id:
            raise ConfigError("[seller] vat_id is no VAT number of its country: a digit is wrong, or the country is")
    return Seller(name, lines, country, vat_id)
