"""VAT: rates by country and day, who owes it, company numbers; and drift from a maintained list of today's rates."""

from datetime import date, timedelta
from decimal import Decimal

import eu_vat_rates_data
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.worked import PRICING, Row, day, money, rate_of
from tyst.core import vat
from tyst.core.country import COUNTRIES
from tyst.core.money import Money
from tyst.core.pricing import charged
from tyst.core.vat import EU, RATES, SINCE, Duty, Treatment, home, rate, split, treat, vat_number

TODAY = date(2026, 11, 24)
TABLE = PRICING.rows("VAT: which rate", "country", "from", "rate")
OWED = ("buyer", "number", "seller", "day", "duty", "country", "rate", "price", "charged", "net", "vat")


def test_every_rate_stands_on_the_page_and_every_rate_of_the_page_is_used() -> None:
    written = [(country, first, rate) for country, steps in RATES.items() for first, rate in steps]
    assert sorted(written) == sorted((row["country"], day(row["from"]), rate_of(row["rate"])) for row in TABLE)


@pytest.mark.parametrize("row", [row for row in TABLE if day(row["from"]) > SINCE])
def test_a_changed_rate_counts_from_its_first_day_and_not_on_the_eve(row: Row) -> None:
    first = day(row["from"])
    earlier = [one for one in TABLE if one["country"] == row["country"] and day(one["from"]) < first]
    assert rate(row["country"], first) == rate_of(row["rate"])
    assert rate(row["country"], first - timedelta(days=1)) == rate_of(earlier[-1]["rate"]) != rate_of(row["rate"])


def test_rates_have_their_days_in_order_and_none_is_a_slip() -> None:
    for steps in RATES.values():
        days = [first for first, _ in steps]
        assert days == sorted(set(days)) and days[0] == SINCE
        assert all(1500 <= rate <= 2700 for _, rate in steps), "article 97: at least 15 %; Hungary's is the highest"


def test_before_the_first_known_day_the_first_known_rate_counts() -> None:
    assert [rate(country, date(2019, 12, 31)) for country in ("de", "ee", "se")] == [1900, 2000, 2500]


def test_outside_the_union_there_is_no_vat_of_ours() -> None:
    for country in COUNTRIES - EU - {"mc"}:
        assert rate(country, TODAY) == 0 and treat(country, "", "se", TODAY) == Treatment(Duty.NOBODY, country, 0, 0)
    assert len(EU) == 27 and EU < COUNTRIES and not EU & {"gb", "no", "ch", "is", "li", "ax", "re", "gl", "fo", "xk"}


def test_monaco_is_taxed_as_france() -> None:
    assert home("mc") == "fr" and home("se") == "se" and rate("mc", TODAY) == rate("fr", TODAY) == 2000


@pytest.mark.parametrize("row", PRICING.rows("VAT: who owes it", *OWED))
def test_who_owes_the_tax_and_what_is_charged_is_as_the_page_says(row: Row) -> None:
    treatment = treat(row["buyer"], row["number"], row["seller"], day(row["day"]))
    assert (treatment.duty, treatment.country, treatment.rate) == (row["duty"], row["country"], rate_of(row["rate"]))
    assert treatment.within == rate(row["buyer"], day(row["day"]))
    charge = charged(money(row["price"]), treatment)
    assert (charge.total, charge.net, charge.vat) == tuple(money(row[name]) for name in ("charged", "net", "vat"))


@pytest.mark.parametrize("row", PRICING.rows("VAT: net and tax of an amount", "amount", "rate", "net", "vat"))
def test_an_amount_is_split_as_the_page_says(row: Row) -> None:
    assert split(money(row["amount"]), rate_of(row["rate"])) == (money(row["net"]), money(row["vat"]))


@given(st.integers(-(10**8), 10**8), st.integers(0, 9999))
def test_net_and_tax_make_the_amount_and_the_tax_is_the_nearest_hundredth(minor: int, rate: int) -> None:
    net, tax = split(Money(minor, "SEK"), rate)
    assert net + tax == Money(minor, "SEK")
    exact = Decimal(minor) * rate / (10_000 + rate)
    assert abs(Decimal(tax.minor) - exact) <= Decimal("0.5")


NUMBERS = {
    "at": "ATU13585627", "be": "BE0428759497", "bg": "BG175074752", "cy": "CY10259033P", "cz": "CZ25123891",
    "de": "DE136695976", "dk": "DK13585628", "ee": "EE100931558", "es": "ESM1234567L", "fi": "FI20774740",
    "fr": "FR40303265045", "gr": "EL094259216", "hr": "HR33392005961", "hu": "HU12892312", "ie": "IE6433435F",
    "it": "IT00743110157", "lt": "LT119511515", "lu": "LU15027442", "lv": "LV40003521600", "mt": "MT11679112",
    "nl": "NL004495445B01", "pl": "PL8567346215", "pt": "PT501964843", "ro": "RO18547290", "se": "SE556703748501",
    "si": "SI50223054", "sk": "SK2022749619",
}  # fmt: skip
"""One for each country, with right check digits."""


def test_a_number_of_every_country_is_known_and_of_no_other_country() -> None:
    assert NUMBERS.keys() == EU
    for country, number in NUMBERS.items():
        assert vat_number(number, country) == number
        assert vat_number(number[2:], country) == number, "the prefix may be left out"
        assert all(vat_number(number, other) is None for other in {*EU, "us", "gb"} - {country})
        assert treat(country, number, "no", TODAY).duty == Duty.BUYER
        assert treat(country, number, country, TODAY).duty == Duty.SELLER


@pytest.mark.parametrize(
    "typed", ["se 556703-7485 01", "SE5567037485.01", "556703748501", " se556703748501 ", "SE556703748501" + " " * 18]
)
def test_however_she_types_it_it_is_the_same_number(typed: str) -> None:
    assert vat_number(typed, "se") == "SE556703748501"


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("", "se"),
        ("SE", "se"),
        ("SE556703748502", "se"),
        ("SE55670374850", "se"),
        ("EU372000041", "se"),
        ("XI980780684", "gb"),
        ("GB980780684", "gb"),
        ("IM372000041", "se"),
        ("SE556703748501" + " " * 19, "se"),
        ("SE556703748501é", "se"),
        ("SE５５６７０３７４８５０１", "se"),
        ("SE556703748501–", "se"),
        ("SE556703748501_", "se"),
        ("IM3720000224", "im"),
        ("ＳＥ556703748501", "de"),
        ("\n", "de"),
        ("DE136695976", "mc"),
        ("094259216", "de"),
    ],
)
def test_what_is_no_number_of_the_country_is_refused(text: str, country: str) -> None:
    assert vat_number(text, country) is None


@given(st.text(max_size=40), st.sampled_from(sorted(COUNTRIES)))
def test_nothing_that_mallory_types_is_an_error_or_too_long(text: str, country: str) -> None:
    number = vat_number(text, country)
    assert number is None or (number.isascii() and len(number) <= 14 and home(country) in EU)


def test_a_wrong_digit_is_found_wherever_it_is() -> None:
    right = "DE136695976"
    for place in range(2, len(right)):
        wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
        assert vat_number(wrong, "de") is None


# Drift: the package is a test's dependency alone. It knows today's rates, no days; the page has those.


def drift(known: dict[str, float], seen: date) -> list[str]:
    """What a maintained list of `seen` says otherwise than we do: sentences that say what to change."""
    wrong = []
    for country, standard in sorted(known.items()):
        theirs, ours = int(Decimal(str(standard)) * 100), rate(country, seen)
        if country not in EU:
            wrong.append(f"{country} has joined the EU: add its rate of {standard} % to core/vat.py and pricing.md")
        elif theirs != ours:
            wrong.append(
                f"{country} has {standard} % by {seen}, we charge {ours / 100} %: find the day of the change, add "
                f"(date(YYYY, M, D), {theirs}) to {country} in core/vat.py, and a row to docs/algorithms/pricing.md"
            )
    gone = sorted(EU - known.keys())
    return wrong + [f"{country} is no longer in the list: has it left the EU?" for country in gone]


def maintained() -> dict[str, float]:
    """The list's member states and their standard rates."""
    rates = eu_vat_rates_data.get_all_rates()
    return {code.lower(): one["standard"] for code, one in rates.items() if one["eu_member"]}


def test_our_rates_are_those_of_the_maintained_list() -> None:
    seen = date.fromisoformat(eu_vat_rates_data.data_version)
    assert drift(maintained(), seen) == []


def test_a_rate_that_has_changed_elsewhere_is_reported_with_what_to_write() -> None:
    changed = {**maintained(), "fi": 26.0, "xx": 20.0}
    del changed["hu"]
    fi, joined, gone = drift(changed, date(2026, 9, 29))
    assert "(date(YYYY, M, D), 2600)" in fi and "25.5 %" in fi
    assert joined.startswith("xx has joined") and gone.startswith("hu is no longer")


def test_a_coming_change_that_is_written_ahead_is_no_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = {**RATES, "fi": (*RATES["fi"], (date(2090, 1, 1), 2600))}
    monkeypatch.setattr(vat, "RATES", ahead)
    assert drift(maintained(), date(2026, 9, 29)) == [] and drift(maintained(), date(2090, 1, 1)) != []
