"""Value added tax: which rate is due where and when, who owes it, and how an amount is split.

Services by electronic means are taxed where a private buyer lives (Directive 2006/112/EC, article 58). A company in
another EU country than the seller's owes the tax itself (articles 44 and 196): reverse charge. Outside the EU there is
none of ours. Rates are hundredths of a per cent: 2550 is 25.5 %. Sources, territories and what is not known:
docs/algorithms/pricing.md. Nothing is looked up here (`payments.vies` may); a test compares with a maintained list.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stdnum.eu import vat as _numbers
from stdnum.exceptions import ValidationError

from tyst.core.money import Money
from tyst.core.order import VAT_ID_MOST

SINCE = date(2020, 1, 1)
"""The first day that the table knows. Days before it have the rate of this day."""

_LASTING = {
    "at": 2000, "be": 2100, "bg": 2000, "cy": 1900, "cz": 2100, "dk": 2500, "es": 2100, "fr": 2000, "gr": 2400,
    "hr": 2500, "hu": 2700, "it": 2200, "lt": 2100, "lv": 2100, "mt": 1800, "nl": 2100, "pl": 2300, "pt": 2300,
    "se": 2500, "si": 2200,
}  # fmt: skip
"""Standard rates that have not changed since SINCE."""
_CHANGED = {
    "de": ((SINCE, 1900), (date(2020, 7, 1), 1600), (date(2021, 1, 1), 1900)),
    "ee": ((SINCE, 2000), (date(2024, 1, 1), 2200), (date(2025, 7, 1), 2400)),
    "fi": ((SINCE, 2400), (date(2024, 9, 1), 2550)),
    "ie": ((SINCE, 2300), (date(2020, 9, 1), 2100), (date(2021, 3, 1), 2300)),
    "lu": ((SINCE, 1700), (date(2023, 1, 1), 1600), (date(2024, 1, 1), 1700)),
    "ro": ((SINCE, 1900), (date(2025, 8, 1), 2100)),
    "sk": ((SINCE, 2000), (date(2025, 1, 1), 2300)),
}
"""Standard rates that have, each from its first day on. A coming change is added ahead, with its day."""
RATES = {country: ((SINCE, rate),) for country, rate in _LASTING.items()} | _CHANGED
"""By country: (first day, rate) pairs, oldest first."""

EU = frozenset(RATES)
"""The 27 member states, as ISO 3166-1 writes them in small letters (Greece is `gr`)."""
_TERRITORIES = {"mc": "fr"}
"""Codes of their own that count as a member state for VAT (article 7). All others with a code of their own, as `ax`
(Åland), `gp`, `re`, `fo`, `gl`, are outside; parts without a code are taxed as the country that they belong to."""
_PREFIXES = {"gr": "EL"}
"""VAT numbers begin with the country's code, but for these."""
_TEXT_MOST = 32
_BETWEEN, _NUMBER = re.compile(r"[\s./-]"), re.compile(r"[0-9A-Za-z]+")


class Duty(StrEnum):
    """Who owes the tax."""

    SELLER = "seller"
    """The seller: it is in the price."""
    BUYER = "buyer"
    """The buying company: reverse charge, the net is charged."""
    NOBODY = "nobody"
    """The buyer is outside the EU."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one sale is taxed. `country`: where (a territory is replaced by its state). `rate`: what the seller owes, as
    in orders and the journal. `within`: the rate that listed prices hold for a buyer there, taken out when she owes it.
    """

    duty: Duty
    country: str
    rate: int
    within: int


def home(country: str) -> str:
    """The country that a country's or territory's VAT is due in: `mc` → `fr`, all others are themselves."""
    return _TERRITORIES.get(country, country)


def rate(country: str, day: date) -> int:
    """The standard rate in hundredths of a per cent on this day; 0 outside the EU. `country`: two small letters."""
    known = RATES.get(home(country), ())
    return next((rate for first, rate in reversed(known) if first <= day), known[0][1] if known else 0)


def treat(country: str, vat_id: str, seller: str, day: date) -> Treatment:
    """How a sale to a buyer in `country` is taxed. `vat_id`: what she gave as a company's number, or "" ; one that is
    not valid there makes no difference. `seller`: the seller's country.
    """
    due, within = home(country), rate(country, day)
    if due not in EU:
        return Treatment(Duty.NOBODY, due, 0, 0)
    if due != home(seller) and vat_number(vat_id, country) is not None:
        return Treatment(Duty.BUYER, due, 0, within)
    return Treatment(Duty.SELLER, due, within, within)


def split(total: Money, rate: int) -> tuple[Money, Money]:
    """Net and VAT of an amount that includes VAT: the VAT is rounded half up to the hundredth, the net is the rest."""
    vat = total.share(rate, 10_000 + rate)
    return total - vat, vat


def vat_number(text: str, country: str) -> str | None:
    """A company's VAT number as it is printed (`SE556703748501`), or None when it can't be one of this country.

    Letters' case, spaces, dots, dashes and slashes don't count; the country's prefix may be left out. Form and check
    digits are verified (python-stdnum); whether the number is in use only the country's tax office knows.
    """
    due = home(country)
    prefix = _PREFIXES.get(due, due.upper())
    typed = _BETWEEN.sub("", text)
    if due not in EU or len(text) > _TEXT_MOST or not _NUMBER.fullmatch(typed):
        return None
    typed = typed.upper()
    return _valid(typed, prefix) or _valid(prefix + typed, prefix)


def _valid(number: str, prefix: str) -> str | None:
    if not number.startswith(prefix):
        return None
    try:
        canonical = _numbers.validate(number)
    except ValidationError:
        return None
    return canonical if len(canonical) <= VAT_ID_MOST else None
