"""The operator's hand for mail, and bounces as the fakes tell them."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from tests.contract.mail.cast import SENDER
from tyst.lab.shop.mailgun import FakeMailgun
from tyst.lab.shop.postmark import FakePostmark
from tyst.lab.shop.smtp import FakeSmtp
from tyst.mail import command, config
from tyst.mail.bounces import Bounces
from tyst.mail.config import Config
from tyst.mail.letter import ForgedError
from tyst.mail.mailgun.setup import QUESTIONS


def _run(state: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([*words, "--state", str(state)]))


def test_the_operator_sets_a_service_up_and_hears_what_to_register(
    tmp_path: Path, postmark: FakePostmark, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = iter([SENDER, "", "hook"])
    hushed = iter(["", "server-token", "hook-word"])
    monkeypatch.setattr("builtins.input", lambda _: next(given))
    monkeypatch.setattr("getpass.getpass", lambda _: next(hushed))
    monkeypatch.setattr("tyst.mail.postmark.service.URL", postmark.base)
    assert _run(tmp_path, "setup", "postmark") == 1, "the fake's token is another"
    said = capsys.readouterr()
    assert "https://YOUR-SITE/mail/postmark" in said.out and "server-token" not in said.out + said.err
    found = config.read(tmp_path)
    assert found and found.answers["postmark"]["stream"] == "outbound" and found.sender == SENDER


def test_a_second_service_goes_to_the_end_of_the_order() -> None:
    first = command.with_service(None, SENDER, "postmark", {"token": "t"})
    both = command.with_service(first, SENDER, "mailgun", {"key": "k"})
    assert both.order == ("postmark", "mailgun")
    assert command.with_service(both, SENDER, "postmark", {"token": "u"}).order == ("postmark", "mailgun")
    assert [question.name for question in QUESTIONS if question.secret] == ["key", "signing"]


def test_check_and_try_speak_with_every_service(
    tmp_path: Path, mailgun: FakeMailgun, plain: FakeSmtp, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"mailgun": mailgun.answers(), "smtp": plain.answers()}
    config.write(tmp_path, Config(SENDER, ("mailgun", "smtp"), answers))
    assert _run(tmp_path, "check") == 0
    assert _run(tmp_path, "try", "operator@example.org") == 0
    assert len(mailgun.letters) == len(plain.letters) == 1
    assert "operator" not in capsys.readouterr().out
    with mailgun.troubled("down"):
        assert _run(tmp_path, "check") == 1


@pytest.mark.parametrize("words", [("check",), ("setup", "pigeon"), ("try", "nobody")])
def test_what_is_missing_is_said_in_a_sentence(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path, *words) == 2
    assert capsys.readouterr().err.startswith("tyst mail: ")


def test_bounces_as_the_services_tell_them_count_for_one_address(mailgun: FakeMailgun, postmark: FakePostmark) -> None:
    import time

    cleared: list[str] = []
    answers = {"mailgun": mailgun.answers(), "postmark": postmark.answers()}
    bounces = Bounces(Config(SENDER, ("mailgun", "postmark"), answers), bytes(32), cleared.append)
    alice = "alice@example.org"

    def hear(name: str, letter: Any) -> None:
        headers = {key.lower(): value for key, value in letter.headers.items()}
        bounces.hear(name, headers, letter.body, int(time.time()))

    hear("mailgun", mailgun.failed(alice))
    hear("postmark", postmark.failed(alice))
    for forged in (("mailgun", mailgun.failed(alice, signing="guess")), ("mailgun", mailgun.failed(alice, age=3600))):
        with pytest.raises(ForgedError):
            hear(*forged)
    with pytest.raises(ForgedError):
        hear("postmark", postmark.failed(alice, password="guess"))
    hear("postmark", postmark.failed(alice, form="Transient"))
    assert cleared == []
    hear("mailgun", mailgun.failed(alice.upper()))
    assert cleared == [alice.upper()]
