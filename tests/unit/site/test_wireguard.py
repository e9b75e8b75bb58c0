"""Registering and revoking keys: by whoever holds the private half, and by nobody else."""

import html
import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.site.browser_key import DeviceKey
from tests.unit.site.conftest import Site
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import KeyRecord
from tyst.core.wireguard.addresses import tunnel_addresses
from tyst.core.wireguard.config import key_text
from tyst.site.sentences import SENTENCES


def _records() -> list[tuple[bytes, bytes, int]]:
    from tyst.records.models import KeyRecord as Row

    return [(bytes(row.tag), bytes(row.record), row.last_month) for row in Row.objects.all()]


def test_alices_key_becomes_a_record_that_only_gate_and_device_open_together(site: Site) -> None:
    from tyst.records.models import Account

    alice, key = site.subscriber(), DeviceKey()
    answer = key.send(alice)
    assert answer.status == 200 and answer.json["ok"]
    ((tag, record, month),) = _records()
    assert tag == tag_of(key.public) and month == 202803
    words = {"tag": tag, "gate_privates": site.gate_keys.hpke, "now": site.services.seconds}
    opened = KeyRecord.opened(record, opener=opener_of(key.public), **words)
    handle = bytes(Account.objects.get().handle)
    assert opened.handle == handle and opened.last_month == month
    for secret in (handle, key.public, key.private, b"alice"):
        assert secret not in record and secret not in tag


def test_a_preshared_key_is_sealed_with_the_record_and_in_no_answer(site: Site) -> None:
    alice, key, secret = site.subscriber(), DeviceKey(), bytes(range(100, 132))
    answer = key.send(alice, preshared=key_text(secret))
    assert answer.json["preshared"] is True and key_text(secret) not in answer.text
    ((tag, record, _),) = _records()
    words = {"tag": tag, "gate_privates": site.gate_keys.hpke, "now": site.services.seconds}
    assert KeyRecord.opened(record, opener=opener_of(key.public), **words).preshared == secret
    DeviceKey().send(alice)
    assert len({len(record) for _, record, _ in _records()}) == 1, "and the record's length says nothing of it"


@pytest.mark.parametrize("text", ["x", "A" * 44, "B" * 43 + "=", "A" * 4000])
def test_a_malformed_preshared_key_registers_nothing(site: Site, text: str) -> None:
    answer = DeviceKey().send(site.subscriber(), preshared=text)
    assert answer.status == 422 and answer.json["code"] == "preshared-malformed" and _records() == []


def test_two_records_have_one_length_and_one_month(site: Site) -> None:
    alice, bob = site.subscriber("alice"), site.subscriber("bob-of-the-long-name")
    DeviceKey().send(alice)
    DeviceKey().send(bob)
    assert len({(len(record), month) for _, record, month in _records()}) == 1


def test_the_answer_says_what_a_config_needs(site: Site) -> None:
    alice, key = site.subscriber(), DeviceKey()
    body = key.send(alice).json
    assert body["address"] == "{}, {}".format(*tunnel_addresses(key.public))
    assert [node["name"] for node in body["nodes"]] == ["de-fra", "se-sto"]
    assert body["nodes"][1]["endpoint"] == "192.0.2.10:51820"


@pytest.mark.parametrize("text", ["", "alice", "A" * 43, "A" * 44, "B" * 43 + "=", "A" * 4000])
def test_a_malformed_key_has_its_sentence(site: Site, text: str) -> None:
    alice = site.subscriber()
    answer = DeviceKey().send(alice, public_key=text)
    assert answer.status == 422 and answer.json["code"] == "key-malformed"
    assert answer.json["sentence"] == str(SENTENCES["key-malformed"])


def test_a_key_of_low_order_is_refused(site: Site) -> None:
    alice = site.subscriber()
    for point in (bytes(32), b"\1" + bytes(31)):
        assert DeviceKey().send(alice, public_key=key_text(point)).json["code"] == "proof-wrong"
    assert _records() == []


def test_mallory_cannot_register_a_key_that_she_has_only_seen(site: Site) -> None:
    mallory, alices = site.subscriber("mallory"), DeviceKey()
    answer = DeviceKey().send(mallory, public_key=key_text(alices.public))
    assert answer.status == 422 and answer.json["code"] == "proof-wrong" and _records() == []


def test_mallory_cannot_take_over_alices_key_nor_learn_whose_it_is(site: Site) -> None:
    alice, mallory, key = site.subscriber("alice"), site.subscriber("mallory"), DeviceKey()
    key.send(alice)
    before = _records()
    own, others = key.send(alice), key.send(mallory)
    assert own.status == others.status == 409 and own.json == others.json and own.json["code"] == "key-taken"
    assert _records() == before


def test_mallory_cannot_answer_with_alices_challenge(site: Site) -> None:
    alice, mallory = site.subscriber("alice"), site.subscriber("mallory")
    challenge = alice.get("/en/account/wireguard/challenge").json
    form = DeviceKey().form(challenge)
    answer = mallory.post("/en/account/wireguard", form, HTTP_ACCEPT="application/json")
    assert answer.json["code"] == "proof-wrong"


@pytest.mark.parametrize("proof", ["", "00", "zz" * 32, "é", "00" * 32])
def test_a_wrong_proof_is_refused(site: Site, proof: str) -> None:
    assert DeviceKey().send(site.subscriber(), proof=proof).json["code"] == "proof-wrong"


@pytest.mark.parametrize("challenge", ["", "x", "A" * 120, "é"])
def test_a_made_up_challenge_is_refused(site: Site, challenge: str) -> None:
    assert DeviceKey().send(site.subscriber(), challenge=challenge).json["code"] == "proof-wrong"


def test_a_challenge_is_good_for_ten_minutes(site: Site) -> None:
    alice, key = site.subscriber(), DeviceKey()
    challenge = alice.get("/en/account/wireguard/challenge").json
    site.clock.forward(minutes=12)
    answer = alice.post("/en/account/wireguard", key.form(challenge), HTTP_ACCEPT="application/json")
    assert answer.json["code"] == "challenge-old"


def test_the_17th_key_of_a_day_is_refused(site: Site) -> None:
    alice, bob = site.subscriber("alice"), site.subscriber("bob")
    for _ in range(16):
        assert DeviceKey().send(alice).status == 200
    answer = DeviceKey().send(alice)
    assert answer.status == 429 and answer.json["code"] == "keys-too-many"
    assert DeviceKey().send(bob).status == 200
    site.clock.forward(days=1)
    alice.sign_in()
    assert DeviceKey().send(alice).status == 200


def test_an_ended_subscription_registers_nothing(site: Site) -> None:
    alice = site.person()
    alice.sign_up()
    answer = DeviceKey().send(alice)
    assert answer.status == 402 and answer.json["code"] == "account-expired" and _records() == []


def test_alice_revokes_with_the_private_half_and_mallory_cannot(site: Site) -> None:
    alice, mallory, key = site.subscriber("alice"), site.subscriber("mallory"), DeviceKey()
    key.send(alice)
    theft = DeviceKey().send(mallory, "revoke", public_key=key_text(key.public))
    assert theft.json["code"] == "proof-wrong" and len(_records()) == 1
    assert key.send(alice, "revoke").json == {"ok": True, "revoked": True} and _records() == []
    assert key.send(alice, "revoke").json["code"] == "key-unknown"
    assert key.send(alice).status == 200, "and may come back"


def test_a_stranger_is_told_to_sign_in(site: Site) -> None:
    stranger = site.person()
    assert stranger.post("/en/account/wireguard", {}, HTTP_ACCEPT="application/json").status == 401
    assert stranger.get("/en/account/wireguard").status == 302


def test_the_pages_commands_register_a_key_without_javascript(site: Site, tmp_path: Path) -> None:
    alice = site.subscriber()
    page = alice.get("/en/account/wireguard")
    commands = re.search(r'id="commands">(.*?)</code>', page.text, re.DOTALL)
    challenge = re.search(r'name="challenge" value="([^"]+)"', page.text)
    assert commands and challenge
    done = subprocess.run(
        ["sh", "-ec", commands[1]], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    public_key, proof = done.stdout.split()
    form = {"action": "register", "challenge": challenge[1], "public_key": public_key, "proof": proof}
    answer = alice.post("/en/account/wireguard", form)
    assert answer.status == 200 and "PrivateKey = PUT_YOUR_PRIVATE_KEY_HERE" in answer.text and len(_records()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tyst.key"]
    assert (tmp_path / "tyst.key").read_text().strip() not in answer.text
    assert "PostUp = nft " in html.unescape(answer.text) and "PresharedKey" not in answer.text
    wrong = alice.post("/en/account/wireguard", {**form, "public_key": "x"})
    assert wrong.status == 422 and str(SENTENCES["key-malformed"]) in wrong.text
