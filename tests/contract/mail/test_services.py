"""The three services against fakes that speak their protocols over TLS: what arrives, what is refused, who is next."""

import json
from pathlib import Path

import pytest

from tests.contract.mail.cast import LANGUAGES, SENDER, all_letters
from tyst.lab.shop.mailgun import FakeMailgun
from tyst.lab.shop.postmark import FakePostmark
from tyst.lab.shop.processor import NOISE
from tyst.lab.shop.smtp import FakeSmtp
from tyst.mail import config, message, wiring
from tyst.mail.config import Config, ConfigError
from tyst.mail.letter import Letter, MailError, Service
from tyst.mail.outbox import Outbox

Fake = FakeMailgun | FakePostmark | FakeSmtp
LETTER = Letter("trial", "alice@example.org", "Hej på dig", "Åtta öl – “tack”.\n")


def service(fake: Fake) -> Service:
    """The product's service that speaks with this fake."""
    name = {FakeMailgun: "mailgun", FakePostmark: "postmark", FakeSmtp: "smtp"}[type(fake)]
    return wiring.service(name, Config(SENDER, (name,), {name: fake.answers()}))


@pytest.fixture(params=["mailgun", "postmark", "plain"])
def fake(request: pytest.FixtureRequest) -> Fake:
    one: Fake = request.getfixturevalue(request.param)
    return one


@pytest.mark.parametrize("language", LANGUAGES)
def test_alice_gets_every_letter_by_every_service(
    language: str, mailgun: FakeMailgun, postmark: FakePostmark, plain: FakeSmtp
) -> None:
    letters = all_letters(language)
    for fake in (mailgun, postmark, plain):
        carrier = service(fake)
        assert all(carrier.carry(letter) for letter in letters.values())
        assert len(fake.letters) == len(letters)
        for got, sent in zip(fake.letters, letters.values(), strict=True):
            assert (got.to, got.sender, got.subject) == (sent.to, SENDER, sent.subject)
            assert got.text.strip() == sent.text.strip() and got.html == ""
            assert [name for name, _ in got.files] == ([sent.attachment.name] if sent.attachment else [])
            assert all(content.startswith(b"%PDF") for _, content in got.files)


def test_newsletters_carry_the_one_click_header_and_every_letter_says_that_a_machine_wrote_it(fake: Fake) -> None:
    letters = all_letters("en")
    carrier = service(fake)
    carrier.carry(letters["newsletter"])
    carrier.carry(letters["hint"])
    newsletter, hint = (one.headers for one in fake.letters)
    assert newsletter["list-unsubscribe"] == f"<{letters['newsletter'].unsubscribe}>"
    assert newsletter["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "list-unsubscribe" not in hint and hint["auto-submitted"] == "auto-generated"


def test_tracking_is_off_and_nothing_is_said_about_the_customer(mailgun: FakeMailgun, postmark: FakePostmark) -> None:
    for fake in (mailgun, postmark):
        service(fake).carry(LETTER)
    assert dict(mailgun.letters[0].settings) == {"o:tracking-opens": "no", "o:tracking-clicks": "no"}
    settings = dict(postmark.letters[0].settings)
    assert settings == {"TrackOpens": "False", "TrackLinks": "None", "MessageStream": "outbound"}


def test_smtp_speaks_tls_either_way_and_tells_nothing_of_the_machine(smtp: FakeSmtp) -> None:
    assert service(smtp).check() == "The mail server takes the connection."
    assert service(smtp).carry(LETTER)
    headers = smtp.letters[0].headers
    assert headers["message-id"].endswith("@tyst.test>") and len(headers["message-id"]) == 32 + len("<@tyst.test>")
    assert ":00 +0000" in headers["date"], "whole minutes"
    assert set(smtp.greeted) == {"tyst.test"}
    assert set(headers) <= {
        *("content-type", "content-transfer-encoding", "mime-version", "subject", "from", "to", "date"),
        *("message-id", "auto-submitted"),
    }


def test_an_authority_that_we_do_not_know_gets_no_letter(fake: Fake) -> None:
    answers = {**fake.answers(), "ca": ""}
    name = service(fake).name
    stranger = wiring.service(name, Config(SENDER, (name,), {name: answers}))
    with pytest.raises(MailError):
        stranger.carry(LETTER)
    with pytest.raises(MailError):
        stranger.check()
    assert fake.letters == []


def test_an_address_that_the_service_refuses_is_not_tried_again(postmark: FakePostmark, plain: FakeSmtp) -> None:
    for fake in (postmark, plain):
        fake.refused.add("alice@example.org")
        assert service(fake).carry(LETTER) is False


def test_mailgun_says_the_same_of_a_bad_address_as_of_any_bad_letter_so_the_next_is_asked(mailgun: FakeMailgun) -> None:
    mailgun.refused.add("alice@example.org")
    with pytest.raises(MailError):
        service(mailgun).carry(LETTER)


def test_wrong_credentials_are_said_in_one_sentence_without_them(fake: Fake) -> None:
    wrong = {
        key: ("wrong-secret" if key in {"key", "token", "password"} else value) for key, value in fake.answers().items()
    }
    name = service(fake).name
    mistaken = wiring.service(name, Config(SENDER, (name,), {name: wrong}))
    with pytest.raises(MailError) as refused:
        mistaken.check()
    assert "wrong-secret" not in str(refused.value) and refused.value.__cause__ is None
    assert service(fake).check().endswith(".")


@pytest.mark.parametrize("trouble", ["error", "down", "garbage", "cut"])
def test_where_mailgun_fails_postmark_carries(trouble: str, mailgun: FakeMailgun, postmark: FakePostmark) -> None:
    box = Outbox([service(mailgun), service(postmark)])
    with mailgun.troubled(trouble):
        box.post(LETTER)
        assert box.drain(20)
    assert [one.to for one in postmark.letters] == ["alice@example.org"]
    assert len(mailgun.letters) == (trouble == "cut"), "whose answer is lost may have taken it: better twice than never"
    assert box.counts() == {("trial", "taken"): 1}
    box.close()


def test_a_service_that_does_not_answer_is_left_after_its_time(
    mailgun: FakeMailgun, postmark: FakePostmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message, "SECONDS", 0.3)
    box = Outbox([service(mailgun), service(postmark)])
    with mailgun.troubled("slow"):
        box.post(LETTER)
        assert box.drain(20)
    assert len(postmark.letters) == 1
    box.close()


def test_what_a_broken_service_says_is_in_no_error(mailgun: FakeMailgun) -> None:
    with mailgun.troubled("error"), pytest.raises(MailError) as failed:
        service(mailgun).carry(LETTER)
    assert NOISE not in repr(failed.value) and "alice" not in repr(failed.value)
    assert failed.value.__cause__ is None and failed.value.__context__ is None


def test_the_operators_order_is_kept(tmp_path: Path) -> None:
    answers = {"postmark": {"token": "t"}, "mailgun": {"key": "k", "domain": "d"}}
    config.write(tmp_path, Config(SENDER, ("postmark", "mailgun"), answers))
    found = config.read(tmp_path)
    assert found is not None and [one.name for one in wiring.services(found)] == ["postmark", "mailgun"]
    assert (tmp_path / "mail.toml").stat().st_mode & 0o777 == 0o600
    assert "token" not in repr(found)


def test_without_a_file_no_letter_leaves(tmp_path: Path) -> None:
    box = wiring.outbox(tmp_path)
    box.post(LETTER)
    assert not box.open and box.counts() == {("trial", "dropped"): 1}


@pytest.mark.parametrize(
    "text",
    [
        "[mail",
        "[mail]\norder = ['smtp']",
        "[mail]\nsender = 'a@b.se'\norder = ['pigeon']\n[pigeon]\nsecret = 'hush'",
        "[mail]\nsender = 'a@b.se'\norder = ['mailgun']",
        "[mail]\nsender = 'a@b.se'\norder = ['mailgun']\n[mailgun]\nkey = 'hush'",
    ],
)
def test_a_broken_file_is_told_without_what_stands_in_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "mail.toml").write_text(text)
    with pytest.raises(ConfigError) as told:
        wiring.outbox(tmp_path)
    assert "mail.toml" in str(told.value) and "hush" not in str(told.value)


def test_the_fakes_are_as_strict_as_the_services(mailgun: FakeMailgun, postmark: FakePostmark) -> None:
    import httpx

    with httpx.Client(verify=False, trust_env=False) as client:
        url = f"{mailgun.base}/v3/{mailgun.domain}/messages"
        assert client.post(url, data={"to": "a@b.se"}).status_code == 401
        assert client.post(url, data={"to": "a@b.se"}, auth=("api", mailgun.key)).status_code == 400
        headers = {"X-Postmark-Server-Token": postmark.token}
        told = {
            "To": "a@b.se",
            "From": "x",
            "Subject": "x",
            "TextBody": "x",
            "Headers": [{"Name": "Date", "Value": "x"}],
        }
        refused = client.post(f"{postmark.base}/email", content=json.dumps(told), headers=headers)
        assert refused.status_code == 422
