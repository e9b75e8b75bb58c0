"""Every letter in every language: complete, the same words filled in, plain text, and nothing that tells on its reader."""

import re
import string
from typing import Any

import pytest

from tests.contract.mail.cast import ISSUER, LANGUAGES, SITE, alice, all_letters, receipt
from tyst.core.money import Money
from tyst.core.order import METHODS
from tyst.core.product import PRODUCTS
from tyst.mail.letters import KINDS, Writer
from tyst.mail.receipts import as_pdf, as_text, latin
from tyst.mail.words import words


def _braces(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _flat(language: str) -> dict[tuple[str, str], str]:
    return {(table, key): text for table, row in words(language).items() for key, text in row.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_words_filled_in(language: str) -> None:
    ours, english = _flat(language), _flat("en")
    assert set(ours) == set(english)
    assert {key: _braces(text) for key, text in ours.items()} == {key: _braces(text) for key, text in english.items()}
    assert all(text.strip() for text in ours.values())


@pytest.mark.parametrize("language", ["sv", "de", "no"])
def test_no_letter_was_left_in_english(language: str) -> None:
    same = {key for key, text in _flat(language).items() if text == _flat("en")[key]}
    names = {("method", "swish"), ("method", "monero"), ("product", "multihop")}
    assert same - names <= {("label", "total"), ("label", "number"), ("phrase", "days_one"), ("label", "what")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_method_and_product_has_a_name(language: str) -> None:
    assert set(words(language)["method"]) == set(METHODS)
    assert set(words(language)["product"]) == set(PRODUCTS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_letter_is_plain_and_whole_and_links_to_nobody_but_us(kind: str, language: str) -> None:
    letter = all_letters(language)[kind]
    assert letter.to == "alice@example.org" and letter.subject.strip() and letter.lives > 0
    assert "\n" not in letter.subject and not set("{}") & set(letter.subject + letter.text)
    assert not re.search(r"<[a-z!/]|&[a-z]+;|utm_|pixel", letter.text, re.IGNORECASE), "plain text, no markup"
    links = re.findall(r"https?://\S+", letter.text)
    assert links and all(link.startswith(f"{SITE}/{language}/") or link.rstrip(",.:") == SITE for link in links)
    ours = [line for line in letter.text.splitlines() if "http" not in line and len(line) > 76]
    assert [line for line in ours if " " in line.strip()] == [], "lines are short"


def test_every_kind_of_letter_is_shown_and_no_other() -> None:
    assert set(all_letters("en")) == set(KINDS)


def test_the_newsletter_ends_with_one_click_and_no_other_letter_offers_that() -> None:
    letters = all_letters("de")
    assert letters["newsletter"].unsubscribe.startswith(f"{SITE}/unsubscribe/")
    assert f"{SITE}/de/unsubscribe/" in letters["newsletter"].text
    assert [kind for kind, letter in letters.items() if letter.unsubscribe] == ["newsletter"]


def test_a_letter_does_not_show_its_reader_when_it_is_printed() -> None:
    for letter in all_letters("sv").values():
        shown = repr(letter) + repr(letter.attachment) + repr(alice())
        assert "alice" not in shown and "https" not in shown and "8KX4" not in shown


@pytest.mark.parametrize(
    ("language", "total", "vat"), [("en", "118.80 EUR", "VAT 25 %"), ("sv", "118,80 EUR", "Moms 25 %")]
)
def test_the_receipt_says_what_was_paid_and_what_of_it_is_vat(language: str, total: str, vat: str) -> None:
    text = as_text(receipt(language), ISSUER, f"{SITE}/{language}/refund")
    assert total in text and vat in text
    assert re.search(r"23[.,]76 EUR", text) and re.search(r"95[.,]04 EUR", text)
    assert "Tyst AB, Ågatan 1, 111 11 Stockholm" in text and "SE556000016701" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_company_abroad_reads_that_it_owes_the_vat(language: str) -> None:
    more: dict[str, Any] = {"country": "de", "rate": 0, "vat_id": "DE136695976"}
    assert "2006/112" in as_text(receipt(language, **more), ISSUER, SITE)
    assert "2006/112" not in as_text(receipt(language), ISSUER, SITE)


def test_a_receipt_without_a_refund_code_promises_none() -> None:
    text = as_text(receipt(refund=""), ISSUER, f"{SITE}/en/refund")
    assert "Refund" not in text and "refund" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_one_page_that_fetches_nothing_and_names_no_program_and_no_minute(language: str) -> None:
    content = as_pdf(receipt(language, total=Money(249900, "SEK")), ISSUER, SITE)
    assert content.startswith(b"%PDF") and content.count(b"/Type /Page\n") == 1 and len(content) < 10_000
    assert not re.search(rb"/(URI|JavaScript|JS|Launch|EmbeddedFile)\b|http://|fpdf", content)
    assert b"D:20261124000000Z" in content, "the day, not the minute"


def test_letters_that_the_fonts_lack_lose_their_accents_and_nothing_else() -> None:
    assert latin("Łódź – “Ostrów” åäö ß") == '?ódz - "Ostrów" åäö ß'


def test_a_letter_to_nobody_is_written_like_any_other() -> None:
    writer = Writer(SITE)
    known, unknown = writer.reset(alice(), "x" * 96), writer.reset(alice(to=""), "x" * 96)
    assert (known.text, known.subject) == (unknown.text, unknown.subject) and not unknown.to
