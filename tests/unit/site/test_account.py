"""The account page, vouchers, settings, leaving."""

import os
import re

import pytest

from tests.unit.site.conftest import Site
from tyst.core.voucher import new_code
from tyst.site.sentences import SENTENCES

PASSWORD = "a quiet passphrase"
PRIVATE = [
    "account",
    "account/voucher",
    "account/settings",
    "account/wireguard",
    "account/wireguard/challenge",
    "account/openvpn",
    "account/openvpn/se-sto-udp.ovpn",
    "account/rekey",
    "account/delete",
]


def _handle() -> bytes:
    from tyst.records.models import Account

    return bytes(Account.objects.get().handle)


@pytest.mark.parametrize("path", PRIVATE)
def test_charlie_sees_nothing_of_an_account(site: Site, path: str) -> None:
    site.subscriber()
    page = site.person().get(f"/en/{path}")
    assert page.status == 302 and page.header("location") == "/en/signin" and not page.body


def test_devices_is_asked_of_the_gate_when_she_looks(site: Site) -> None:
    alice = site.subscriber()
    site.gate.counts[_handle()] = 3
    assert alice.get("/en/account").field("devices") == "3"
    site.gate.away = True
    page = alice.get("/en/account")
    assert page.field("devices") == "not known just now" and page.status == 200


def test_disconnect_all_drops_hers_alone(site: Site) -> None:
    alice = site.subscriber()
    site.gate.counts = {_handle(): 4, b"bob": 2}
    page = alice.post("/en/account/disconnect")
    assert "4 devices are being disconnected." in page.text and page.field("devices") == "0"
    assert site.gate.counts == {b"bob": 2}
    site.gate.away = True
    assert str(SENTENCES["gate-unreachable"]) in alice.post("/en/account/disconnect").text


def test_a_voucher_is_redeemed_once(site: Site) -> None:
    alice = site.person()
    alice.sign_up()
    code = site.voucher(30)
    page = alice.post("/en/account/voucher", {"code": code.replace("-", "").lower()})
    assert page.status == 200 and page.element("subscription") == "2026-03-31"
    assert alice.get("/en/account").field("subscription") == "2026-03-31 23:59:59"
    again = alice.post("/en/account/voucher", {"code": code})
    assert again.status == 422 and str(SENTENCES["voucher-gone"]) in again.text


def test_mistyped_and_unknown_vouchers_have_sentences(site: Site) -> None:
    alice = site.person()
    alice.sign_up()
    for code, name in (
        (new_code(os.urandom(10)), "voucher-gone"),
        ("ABC", "voucher-mistyped"),
        ("", "voucher-mistyped"),
    ):
        page = alice.post("/en/account/voucher", {"code": code})
        assert page.status == 422 and str(SENTENCES[name]) in page.text
    for _ in range(20):
        page = alice.post("/en/account/voucher", {"code": "ABC"})
    assert str(SENTENCES["too-many"]) in page.text


def _settings(**change: str) -> dict[str, str]:
    return {"language": "en", "currency": "EUR", "has_ipv6": "1", **change}


def test_settings_are_kept_and_updated_at_moves_to_the_hour(site: Site) -> None:
    alice = site.subscriber()
    site.clock.forward(hours=5, minutes=25)
    change = {"streaming": "1", "compression": "1", "email": "alice@example.test"}
    page = alice.post("/en/account/settings", _settings(**change, language="sv", currency="USD"))
    assert page.header("location") == "/sv/account/settings"
    account = alice.get("/en/account")
    wanted = {**change, "language": "sv", "currency": "USD", "has_ipv6": "1", "updated_at": "2026-03-01 18:00:00"}
    assert {name: account.field(name) for name in wanted} == wanted
    alice.post("/en/account/settings", {"language": "en", "currency": "EUR", "email": ""})
    account = alice.get("/en/account")
    assert [account.field(name) for name in ("email", "newsletter", "has_ipv6")] == ["null", "0", "0"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "alice"}, "email-form"),
        ({"newsletter": "1"}, "newsletter-needs-email"),
        ({"language": "fr"}, "setting-unknown"),
        ({"currency": "XYZ"}, "setting-unknown"),
    ],
)
def test_a_setting_that_we_do_not_offer_is_refused(site: Site, change: dict[str, str], code: str) -> None:
    alice = site.subscriber()
    page = alice.post("/en/account/settings", _settings(**change))
    assert page.status == 422 and str(SENTENCES[code]) in page.text
    assert alice.get("/en/account").field("currency") == "EUR"


def test_mallory_cannot_set_fields_that_settings_do_not_have(site: Site) -> None:
    alice = site.subscriber()
    extra = {"username": "root", "subscription": "2999-01-01 23:59:59", "has_connected": "1"}
    alice.post("/en/account/settings", _settings(**extra))
    account = alice.get("/en/account")
    shown = [account.field(name) for name in ("username", "subscription", "has_connected")]
    assert shown == ["alice", "2026-03-31 23:59:59", "0"]


def test_a_new_password_cuts_everything_else_off(site: Site) -> None:
    alice, old = site.subscriber(), _handle()
    elsewhere = site.person()
    elsewhere.sign_in()
    page = alice.post(
        "/en/account/password", {"current": PASSWORD, "password": "another quiet passphrase", "rekey": "1"}
    )
    assert page.status == 200 and page.element("recovery-code") and _handle() != old
    assert alice.get("/en/account").status == 200 and elsewhere.get("/en/account").status == 302
    assert site.person().sign_in().status == 422


def test_without_the_tick_sessions_stay(site: Site) -> None:
    alice, old = site.subscriber(), _handle()
    elsewhere = site.person()
    elsewhere.sign_in()
    page = alice.post("/en/account/password", {"current": PASSWORD, "password": "another quiet passphrase"})
    assert page.status == 200 and _handle() == old and elsewhere.get("/en/account").status == 200
    assert site.person().sign_in(password="another quiet passphrase").status == 302


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"current": "not hers", "password": "another quiet passphrase"}, "password-wrong"),
        ({"current": PASSWORD, "password": "short"}, "password-short"),
    ],
)
def test_a_password_is_changed_only_with_the_old_one(site: Site, form: dict[str, str], code: str) -> None:
    alice = site.subscriber()
    page = alice.post("/en/account/password", form)
    assert page.status == 422 and str(SENTENCES[code]) in page.text
    assert site.person().sign_in().status == 302


def test_rekeying_keeps_the_person_and_cuts_the_rest(site: Site) -> None:
    alice, old = site.subscriber(), _handle()
    site.gate.counts[old] = 2
    before = alice.get("/en/account")
    mallory = site.person()
    mallory.jar = dict(alice.jar)
    assert alice.get("/en/account/rekey").status == 200 and _handle() == old, "asking changes nothing"
    page = alice.post("/en/account/rekey")
    assert page.element("recovery-code") and _handle() != old and site.gate.counts == {}
    after = alice.get("/en/account")
    names = ("username", "subscription", "created_at", "country")
    assert [after.field(name) for name in names] == [before.field(name) for name in names]
    assert mallory.get("/en/account").status == 302


def test_deleting_says_what_is_lost_to_the_day_and_asks_once(site: Site) -> None:
    from tyst.records.models import Account

    alice = site.subscriber()
    page = alice.get("/en/account/delete")
    assert "You lose 31 days of subscription, to 2026-03-31." in page.text
    wrong = alice.post("/en/account/delete", {"password": "not hers"})
    assert wrong.status == 422 and Account.objects.count() == 1
    site.gate.away = True
    gone = alice.post("/en/account/delete", {"password": PASSWORD})
    assert gone.status == 200 and "The account is gone." in gone.text and not alice.jar
    assert Account.objects.count() == 0
    assert site.person().sign_up("alice").status == 200, "the name is free"


def test_without_a_subscription_nothing_is_lost(site: Site) -> None:
    alice = site.person()
    alice.sign_up()
    assert "No paid time is lost." in alice.get("/en/account/delete").text


def test_openvpn_credentials_name_no_account_and_open_at_the_gate(site: Site) -> None:
    from tyst.core.tokens import Credential, credential_blob, open_token

    alice = site.subscriber()
    page = alice.post("/en/account/openvpn/credential")
    name, word = page.element("vpn-username"), page.element("vpn-password")
    assert name.startswith("vpn") and len(name) == 35 and len(name) + len(word) <= 120
    blob = credential_blob(name, word)
    assert blob is not None
    opened = open_token(site.gate_keys.seal, Credential, blob, now=site.services.seconds)
    assert opened.handle == _handle()
    assert name not in alice.get("/en/account/openvpn").text, "shown once"


def test_a_profile_is_the_same_for_everybody(site: Site) -> None:
    from tyst.core.openvpn.profile import parse, server_name_of

    alice, bob = site.subscriber("alice"), site.subscriber("bob")
    for protocol in ("udp", "tcp"):
        path = f"/en/account/openvpn/se-sto-{protocol}.ovpn"
        page = alice.get(path)
        assert page.body == bob.get(path).body
        assert page.header("content-disposition") == f'attachment; filename="se-sto-{protocol}.ovpn"'
        assert page.header("cache-control") == "no-store"
        value = parse(page.body.decode())
        assert value.server_name == server_name_of("se-sto") and {remote.protocol for remote in value.remotes} == {
            protocol
        }
        assert str(value.remotes[0].address) == "192.0.2.10"
    assert alice.get("/en/account/openvpn/se-sto-sctp.ovpn").status == 404
    assert alice.get("/en/account/openvpn/no-one-udp.ovpn").status == 404


def test_a_revoked_node_is_nowhere(site: Site) -> None:
    from tyst.records.models import Node

    alice = site.subscriber()
    Node.objects.filter(name="se-sto").update(revoked=True)
    assert alice.get("/en/account/openvpn/se-sto-udp.ovpn").status == 404
    assert "se-sto" not in alice.get("/en/network").text


def test_an_ended_subscription_gets_no_config_and_a_sentence(site: Site) -> None:
    alice = site.subscriber()
    site.clock.forward(days=31)
    alice.sign_in()
    for page in (
        alice.post("/en/account/openvpn/credential"),
        alice.get("/en/account/openvpn/se-sto-udp.ovpn"),
        alice.post("/en/account/wireguard", {"public_key": "A" * 43 + "="}),
    ):
        assert page.status in (402, 422) and str(SENTENCES["account-expired"]) in page.text
    assert re.search(r"Ended", alice.get("/en/account").text)
