"""`./tyst payments`: asks, tries, and only then writes; the file is its owner's alone, and nothing secret is shown."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.payments.test_wiring import MONERO, SELLER
from tyst.cli import main
from tyst.payments import command, config
from tyst.payments.monero.provider import Monero
from tyst.payments.provider import PaymentError, Question

QUESTIONS = (Question("id", "An id"), Question("key", "A key", secret=True), Question("more", "More", optional=True))


@pytest.fixture
def working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Monero, "check", lambda self: "It works.")


def answers(tmp_path: Path, **changes: str) -> Path:
    told = {name: value for name, value in {**MONERO, **changes}.items() if name != "first_month"}
    path = tmp_path / "answers.toml"
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in told.items()))
    return path


def run(state: Path, *words: str) -> int:
    return main(["payments", *words, "--state", str(state)])


def test_questions_are_asked_again_until_they_are_answered_and_secrets_without_echo() -> None:
    open_, hidden = iter(["", "  alice ", ""]), iter(["", "hush"])
    found = command.asked(QUESTIONS, lambda _: next(open_), lambda _: next(hidden))
    assert found == {"id": "alice", "key": "hush"}


def test_what_works_is_written_for_the_owner_alone(
    tmp_path: Path, working: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = answers(tmp_path)
    assert run(tmp_path, "setup", "monero", "--answers", str(path), "--site", "https://tyst.test") == 0
    told = config.read(tmp_path)["monero"]
    assert told["view_key"] == MONERO["view_key"] and len(told["first_month"]) == 6
    assert stat.S_IMODE((tmp_path / config.FILE).stat().st_mode) == 0o600
    said = capsys.readouterr()
    assert "It works." in said.out and MONERO["password"] not in said.out + said.err


def test_what_does_not_work_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuses(self: Monero) -> str:
        raise PaymentError("the wallet RPC does not know this login")

    monkeypatch.setattr(Monero, "check", refuses)
    config.write(tmp_path, {"seller": SELLER})
    before = (tmp_path / config.FILE).read_bytes()
    assert run(tmp_path, "setup", "monero", "--answers", str(answers(tmp_path))) == 1
    assert (tmp_path / config.FILE).read_bytes() == before
    assert "nothing was written" in capsys.readouterr().err
    assert run(tmp_path, "setup", "monero", "--untried", "--answers", str(answers(tmp_path))) == 0


def test_the_first_month_stays_when_it_is_set_up_again(tmp_path: Path, working: None) -> None:
    config.write(tmp_path, {"monero": {**MONERO, "first_month": "202601"}})
    assert run(tmp_path, "setup", "monero", "--answers", str(answers(tmp_path, user="other"))) == 0
    assert config.read(tmp_path)["monero"]["first_month"] == "202601"
    assert config.read(tmp_path)["monero"]["user"] == "other"


@pytest.mark.parametrize("text", ["not toml at all", 'paypal = "hush"\n', 'user = "only"\n'])
def test_a_file_of_answers_that_cannot_be_is_refused(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    assert run(tmp_path, "setup", "monero", "--answers", str(path)) == 2
    assert not (tmp_path / config.FILE).exists() and "hush" not in capsys.readouterr().err


def test_the_seller_is_set_up_and_removed_in_the_same_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "answers.toml"
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in SELLER.items()))
    assert run(tmp_path, "setup", "seller", "--answers", str(path)) == 0
    assert run(tmp_path, "list") == 0
    assert "seller       set up" in capsys.readouterr().out
    assert run(tmp_path, "remove", "seller") == 0 and config.read(tmp_path) == {}
    assert run(tmp_path, "remove", "seller") == 2


def test_a_check_says_of_each_whether_it_works(
    tmp_path: Path, working: None, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write(tmp_path, {"seller": SELLER, "monero": MONERO})
    assert run(tmp_path, "check") == 0
    assert capsys.readouterr().out == "monero: It works.\n"
    assert run(tmp_path, "check", "swish") == 2


def test_a_sweep_is_the_jobs_affair(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import tyst.cli

    handed: list[tuple[str, list[str]]] = []

    def hand(name: str, words: list[str]) -> int:
        handed.append((name, list(words)))
        return 0

    monkeypatch.setattr(tyst.cli, "_run", hand)
    assert run(tmp_path, "sweep") == 0
    assert handed == [("jobs", ["once", "sweep", "--state", str(tmp_path)])]


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("builtins.input", lambda _: "")
    yield
