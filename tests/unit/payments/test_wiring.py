"""The file of processors: what is in it is made, what can't be is said in a sentence that tells nothing of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tyst.core.order import METHODS
from tyst.lab.shop.regtest import ADDRESS, VIEW_KEY
from tyst.payments import config, wiring
from tyst.payments.config import ConfigError

SELLER = {"name": "Tyst AB", "address": "Storgatan 1, Stockholm", "country": "se"}
MONERO = {
    "wallet_rpc": "http://127.0.0.1:9",
    "user": "shop",
    "password": "not for anybody's eyes",
    "node": "http://127.0.0.1:9",
    "folder": "/nowhere",
    "address": ADDRESS,
    "view_key": VIEW_KEY,
    "rates": "/nowhere/rates.json",
    "first_month": "202611",
}


def now() -> datetime:
    return datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_nothing_is_offered_without_the_file(tmp_path: Path) -> None:
    assert wiring.providers(tmp_path, now) == {}


def test_the_seller_is_no_processor(tmp_path: Path) -> None:
    config.write(tmp_path, {"seller": SELLER, "vies": {"ask": "no"}})
    assert wiring.providers(tmp_path, now) == {}


def test_what_is_set_up_is_made(tmp_path: Path) -> None:
    config.write(tmp_path, {"seller": SELLER, "monero": MONERO})
    (found,) = wiring.providers(tmp_path, now).values()
    assert found.name == "monero"
    assert not any(secret in repr(found) + repr(vars(found)) for secret in (VIEW_KEY, ADDRESS, MONERO["password"]))


@pytest.mark.parametrize("name", wiring.PROCESSORS)
def test_every_processor_has_questions_and_an_end(name: str) -> None:
    questions = wiring.questions(name)
    assert name in METHODS and questions and wiring.afterwards(name).strip()
    assert len({one.name for one in questions}) == len(questions)


@pytest.mark.parametrize("name", wiring.PROCESSORS)
def test_missing_answers_are_named(tmp_path: Path, name: str) -> None:
    config.write(tmp_path, {name: {}})
    with pytest.raises(ConfigError, match=f"{name}.*lacks"):
        wiring.providers(tmp_path, now)


def test_a_table_of_another_name_is_refused(tmp_path: Path) -> None:
    config.write(tmp_path, {"paypal": {"secret": "hush"}})
    with pytest.raises(ConfigError) as raised:
        wiring.providers(tmp_path, now)
    assert "paypal" not in str(raised.value) and "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        *(("view_key", "00" * 32), ("address", "4nothing"), ("first_month", "soon"), ("first_month", "202613")),
        *(("confirmations", "0"), ("confirmations", "many"), ("rates", "http://rates.test/")),
        *(("wallet_rpc", "http://192.0.2.1:18083"), ("wallet_rpc", "https://127.0.0.1"), ("node", "nowhere")),
    ],
)
def test_an_answer_that_cannot_be_is_refused_without_a_word_of_it(tmp_path: Path, question: str, answer: str) -> None:
    config.write(tmp_path, {"monero": {**MONERO, question: answer}})
    with pytest.raises(ConfigError) as raised:
        wiring.providers(tmp_path, now)
    said = str(raised.value)
    assert VIEW_KEY not in said and ADDRESS not in said and MONERO["password"] not in said


def test_forgetting_asks_those_that_keep_something() -> None:
    class Keeps:
        def forget(self) -> int:
            return 2

    assert wiring.forget({"one": Keeps(), "two": object()}) == 2  # type: ignore[dict-item]
