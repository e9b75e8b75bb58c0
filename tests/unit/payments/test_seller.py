"""Who sells, as it stands on receipts."""

from pathlib import Path

import pytest

from tyst.payments.config import ConfigError, to_text
from tyst.payments.seller import QUESTIONS, Seller, load, seller_of

ANSWERS = {
    "name": "Tyst AB",
    "address": "Lugna gatan 1, 111 22 Stockholm",
    "country": "SE",
    "vat_id": "se 556703748501",
}


def test_the_seller_is_read_from_the_operators_answers(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    (tmp_path / "payments.toml").write_text(to_text({"swish": {"payee": "1"}, "seller": ANSWERS}))
    assert load(tmp_path) == Seller("Tyst AB", ("Lugna gatan 1", "111 22 Stockholm"), "se", "SE556703748501")
    assert {question.name for question in QUESTIONS} == ANSWERS.keys()


def test_a_seller_outside_the_union_keeps_her_number_and_may_have_none() -> None:
    assert seller_of({**ANSWERS, "country": "no", "vat_id": "987654321MVA"}).vat_id == "987654321MVA"
    assert seller_of({**ANSWERS, "vat_id": ""}).vat_id == ""
    assert seller_of({name: text for name, text in ANSWERS.items() if name != "vat_id"}).vat_id == ""


@pytest.mark.parametrize("fault", [{"name": " "}, {"address": " , "}, {"country": "sverige"}, {"country": ""}])
def test_what_is_missing_is_asked_for(fault: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"\[seller\] needs a name, an address, and a country of two letters"):
        seller_of({**ANSWERS, **fault})


def test_a_wrong_digit_is_found_before_it_stands_on_a_receipt() -> None:
    with pytest.raises(ConfigError, match=r"\[seller\] vat_id is no VAT number of its country") as caught:
        seller_of({**ANSWERS, "vat_id": "SE556703748502"})
    assert "5567" not in str(caught.value)
