"""A court's order about one named account: what the policy allows, two operators, one count, no copy."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.site.processor import ProcessorOfTest
from tyst.cli import main
from tyst.core import keyring
from tyst.core.account import FIELDS
from tyst.core.court import Answer, Asked, CourtError, Request, approve
from tyst.core.owner import OWNER, owner_of
from tyst.core.rounding import end_of_day
from tyst.core.signed import SignedError, opened
from tyst.fleet import disclosure, operators, pdf_signature
from tyst.payments import wiring
from tyst.records import transparency
from tyst.records.transparency import FOLDER

NOW = datetime.now(UTC)
ORDER = {"reference": "B 4711-26", "authority": "Stockholms tingsrätt", "by": "se"}
KEYS = {"doris": Ed25519PrivateKey.generate(), "emil": Ed25519PrivateKey.generate()}
ALICE = "alice.in.court"
ADDRESS = "alice.in.court@example.test"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with two operators; the records are those of all unit tests, with Alice and Bob in them."""
    from tests.unit.django_once import emptied

    emptied()
    folder = tmp_path / "tyst"
    folder.mkdir()
    transparency.found(folder, NOW.date())
    (folder / "site.keys").write_text(keyring.to_text(keyring.new_pair(os.urandom)[0]))
    for name, key in KEYS.items():
        operators.add(folder, name, disclosure_key(key))
    (folder / "records.sqlite3").touch()
    account(ALICE, ADDRESS)
    account("alice", None)
    account("bob", "bob@example.test")
    return folder


def disclosure_key(key: Ed25519PrivateKey) -> str:
    from tyst.core.signed import public_text

    return public_text(key.public_key().public_bytes_raw())


def account(name: str, email: str | None) -> None:
    from tyst.records import accounts

    words: dict[str, Any] = {"country": "se", "language": "sv", "currency": "SEK", "now": NOW}
    made = accounts.create(handle=os.urandom(16), username=name, password="$argon2id$mark", **words)
    made.email, made.subscription, made.ipv4 = email, end_of_day(NOW.date()), end_of_day(NOW.date())
    made.save()


def request(username: str = "", email: str = "", asked: Asked = Asked.DISCLOSURE) -> Request:
    return Request(asked, **ORDER, username=username, email=email)


def answered(state: Path, wanted: Request) -> dict[str, Any]:
    """The answer's body, once its signature was checked."""
    approvals = [approve(wanted, name, NOW.date(), key) for name, key in KEYS.items()]
    made = disclosure.made(state, wanted, approvals, NOW)
    public = transparency.keys_of(state / FOLDER).counters
    pdf_signature.check(made.pages, public)
    with pytest.raises(SignedError):
        pdf_signature.check(made.pages.replace(b"/Producer", b"/Broducer", 1), public)
    return opened(made.document, disclosure.KIND, public)


def test_the_answer_is_the_policys_fields_without_hash_and_counter_and_nothing_else(state: Path) -> None:
    body = answered(state, request(ALICE.upper()))
    (found,) = body["accounts"]
    assert set(found) == {"fields", "payment"} and set(found["fields"]) == set(FIELDS) - {"password", "devices"}
    assert (found["fields"]["username"], found["fields"]["email"]) == (ALICE, ADDRESS)
    assert found["fields"]["subscription"] == f"{NOW:%Y-%m-%d} 23:59:59" and found["fields"]["newsletter"] == 0
    assert found["payment"]["method"] == disclosure.NOT_HELD and body["approved by"] == ["doris", "emil"]
    text = json.dumps(body)
    assert "argon2" not in text and "bob" not in text
    assert {"password", "devices", "payments"} <= {one["what"] for one in body["cannot"]}


def test_a_mail_address_finds_whoever_gave_it_and_is_compared_whole(state: Path) -> None:
    account("alice.two", ADDRESS.title())
    names = [one["fields"]["username"] for one in answered(state, request(email=ADDRESS.upper()))["accounts"]]
    assert names == [ALICE, "alice.two"]
    for near in ("lice.in.court@example.test", "alice_in_court@example.test", "alice.in.court@example.tes"):
        assert answered(state, request(email=near))["answer"] == Answer.NO_ACCOUNT


@pytest.mark.parametrize("name", ["alic", "al_ce", "alice-", "192.0.2.7", "charlie"])
def test_an_unknown_account_is_answered_truthfully_and_no_other_is_found(state: Path, name: str) -> None:
    body = answered(state, request(name))
    assert (body["answer"], body["accounts"]) == (Answer.NO_ACCOUNT, [])
    assert body["said"] == [disclosure.FOUND[Answer.NO_ACCOUNT]] and ALICE not in json.dumps(body)


def test_every_answer_of_every_kind_is_counted_once(state: Path) -> None:
    for wanted in (request(ALICE), request("charlie"), request(asked=Asked.PRESERVATION), request(asked=Asked.SEARCH)):
        before = transparency.current(state)
        answered(state, wanted)
        assert transparency.current(state).number == before.number + 1
    month = f"{NOW:%Y-%m}"
    assert dict(transparency.current(state).counts) == {
        (month, "disclosure", "se", "given"): 1,
        (month, "disclosure", "se", "no-account"): 1,
        (month, "preservation", "se", "nothing"): 1,
        (month, "search", "se", "nothing"): 1,
    }
    assert not transparency.current(state).gave_nothing


def test_a_preservation_order_changes_nothing_but_the_counter_and_looks_at_nobody(state: Path) -> None:
    from tests.unit.django_once import database_path

    def everything() -> dict[str, bytes]:
        files = {str(path): path.read_bytes() for path in state.rglob("*") if path.is_file()}
        return {**files, "database": database_path().read_bytes()}

    before = everything()
    body = answered(state, request(asked=Asked.PRESERVATION))
    after = everything()
    assert {name for name in after if before.get(name) != after[name]} == {str(state / FOLDER / "counters.json")}
    assert "Nothing was changed" in body["said"][0] and body["accounts"] == [] and body["kept of every account"]


def test_no_copy_of_an_answer_is_kept(state: Path) -> None:
    answered(state, request(ALICE))
    for path in (one for one in state.rglob("*") if one.is_file()):
        content = path.read_bytes().lower()
        assert not [mark for mark in (b"alice", b"4711", "tingsrätt".encode()) if mark in content], path.name


def test_without_two_approvals_for_this_order_nothing_is_looked_at_or_counted(state: Path) -> None:
    bobs = [approve(request("bob"), name, NOW.date(), key) for name, key in KEYS.items()]
    doris = approve(request(ALICE), "doris", NOW.date(), KEYS["doris"])
    for approvals in ([], [doris], [doris, doris], bobs, [doris, bobs[1]]):
        with pytest.raises(CourtError):
            disclosure.made(state, request(ALICE), approvals, NOW)
    assert transparency.current(state).number == 0


def test_records_that_cannot_be_read_give_no_answer_and_no_count(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from tyst.records import named

    def away(_request: Request) -> None:
        raise OperationalError(ALICE)

    monkeypatch.setattr(named, "named", away)
    with pytest.raises(CourtError) as caught:
        answered(state, request(ALICE))
    assert ALICE not in str(caught.value)
    (state / "records.sqlite3").unlink()
    with pytest.raises(CourtError):
        answered(state, request(ALICE))
    assert transparency.current(state).number == 0 and not (state / "records.sqlite3").exists()


def test_an_answer_that_cannot_be_counted_is_not_given(state: Path) -> None:
    (state / FOLDER / "counters.json").unlink()
    with pytest.raises(transparency.TransparencyError):
        answered(state, request(ALICE))


def test_of_payments_it_says_whether_a_card_would_be_charged_again(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, other = ProcessorOfTest("braintree", renews=True), ProcessorOfTest("swish")
    monkeypatch.setattr(wiring, "providers", lambda *_: {"braintree": vault, "swish": other})
    owners = keyring.from_text((state / "site.keys").read_bytes(), room="site").secrets[OWNER]
    body = answered(state, request(ALICE))
    assert body["accounts"][0]["payment"]["charged again automatically"] == {"braintree": False}
    vault.mandates.add(owner_of(owners, ALICE, body["accounts"][0]["fields"]["created_at"]).hex())
    body = answered(state, request(ALICE))
    assert body["accounts"][0]["payment"]["charged again automatically"] == {"braintree": True}
    vault.away = True
    with pytest.raises(CourtError, match="nothing was counted"):
        answered(state, request(ALICE))
    assert transparency.current(state).number == 2


def test_the_commands_lead_from_keys_to_files(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = ["--account", ALICE, *(word for name, value in ORDER.items() for word in (f"--{name}", value))]
    (tmp_path / "out").mkdir()
    for name in ("frida", "gun"):
        capsys.readouterr()
        assert main(["disclose", "key", "--to", str(tmp_path / name)]) == 0
        public = capsys.readouterr().out.strip()
        assert main(["disclose", "operators", "--add", name, public, "--state", str(state)]) == 0
        own = ["--key", str(tmp_path / name), "--name", name, "--to", str(tmp_path / f"{name}.yes")]
        assert main(["disclose", "approve", *order, *own]) == 0
    approvals = [word for name in ("frida", "gun") for word in ("--approval", str(tmp_path / f"{name}.yes"))]
    give = ["disclose", "answer", *order, *approvals, "--to", str(tmp_path / "out"), "--state", str(state)]
    assert main(give) == 0 and transparency.current(state).given == 1
    assert "Answer: given" in capsys.readouterr().out
    keys = str(state / FOLDER / "keys.json")
    for name in ("answer.json", "answer.pdf"):
        path = tmp_path / "out" / name
        assert path.stat().st_mode & 0o077 == 0 and main(["transparency", "verify", str(path), "--keys", keys]) == 0
        path.write_bytes(path.read_bytes().replace(b"alice", b"alina").replace(b"/Type", b"/Tybe", 1))
        assert main(["transparency", "verify", str(path), "--keys", keys]) == 1
    assert main(give) == 1 and transparency.current(state).number == 1, "nothing is overwritten, nor counted then"
    assert main(["disclose", "operators", "--remove", "gun", "--state", str(state)]) == 0
    assert "gun" not in capsys.readouterr().out.split("Answer")[-1]


def test_two_operators_never_share_a_key(state: Path) -> None:
    for name, key in (("ylva", disclosure_key(KEYS["doris"])), ("doris", disclosure_key(Ed25519PrivateKey.generate()))):
        with pytest.raises(CourtError):
            operators.add(state, name, key)


def test_the_account_may_come_by_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import io

    from tyst.fleet import operators as people

    people.new_key(tmp_path / "key")
    monkeypatch.setattr("sys.stdin", io.StringIO("alice\n"))
    words = [
        "--account",
        "-",
        "--reference",
        "B 1",
        "--authority",
        "Court",
        "--by",
        "se",
        "--key",
        str(tmp_path / "key"),
    ]
    assert main(["disclose", "approve", *words, "--name", "doris", "--to", str(tmp_path / "yes")]) == 0
