"""Signing up, in, out, and coming back with the code from the drawer."""

import re
from datetime import UTC, datetime

import pytest

from tests.unit.site.conftest import Site
from tyst.core.account import FIELDS
from tyst.site.sentences import SENTENCES

PASSWORD = "a quiet passphrase"


def _accounts() -> int:
    from tyst.records.models import Account

    return Account.objects.count()


def test_alice_signs_up_with_a_name_and_a_password_only(site: Site) -> None:
    alice = site.person()
    page = alice.post("/en/signup", {"username": "alice", "password": PASSWORD})
    assert page.status == 200 and re.fullmatch(r"([0-9A-Z]{4}-){21}[0-9A-Z]{4}", page.element("recovery-code"))
    account = alice.get("/en/account")
    assert re.findall(r'data-field="(\w+)"', account.text) == list(FIELDS)
    shown = {name: account.field(name) for name in FIELDS}
    assert shown == {
        **dict.fromkeys(("email", "campaign", "subscription", "ipv4", "multihop"), "null"),
        **dict.fromkeys(("client_version", "extension_version"), "null"),
        **dict.fromkeys(("newsletter", "has_authenticated", "has_connected", "compression", "streaming"), "0"),
        "username": "alice",
        "password": "stored hashed",
        "created_at": "2026-03-01 12:00:00",
        "updated_at": "2026-03-01 12:00:00",
        "has_ipv6": "1",
        "language": "en",
        "currency": "SEK",
        "country": "se",
        "devices": "0",
    }


def test_what_is_stored_is_said_before_it_is(site: Site) -> None:
    page = site.person().get("/en/signup")
    assert "What we will store" in page.text and "Sweden (from your address" in page.text
    assert 'name="country"' not in page.text, "known from the address, so not asked"
    assert _accounts() == 0


def test_an_unknown_country_is_asked_for(site: Site) -> None:
    bob = site.person("198.51.100.9")
    assert 'name="country"' in bob.get("/en/signup").text
    refused = bob.sign_up("bob", country="")
    assert refused.status == 422 and str(SENTENCES["country-missing"]) in refused.text
    assert bob.sign_up("bob", country="zz").status == 422
    assert bob.sign_up("bob", country="no").status == 200
    assert bob.get("/en/account").field("country") == "no"


def test_mallory_cannot_choose_another_country_than_her_addresss(site: Site) -> None:
    mallory = site.person()
    mallory.sign_up("mallory", country="us")
    assert mallory.get("/en/account").field("country") == "se"


def test_an_ipv6_address_has_a_country_too(site: Site) -> None:
    charlie = site.person("2001:db8:46::77")
    charlie.post("/de/signup", {"username": "charlie", "password": PASSWORD})
    account = charlie.get("/de/account")
    assert (account.field("country"), account.field("language"), account.field("currency")) == ("de", "de", "EUR")


def test_mallory_cannot_set_what_the_form_does_not_ask(site: Site) -> None:
    mallory = site.person()
    more = {"subscription": "2999-01-01 23:59:59", "handle": "x", "newsletter": "1", "has_connected": "1"}
    mallory.sign_up("mallory", **more)
    account = mallory.get("/en/account")
    assert account.field("subscription") == "null"
    assert account.field("newsletter") == account.field("has_connected") == "0"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"username": "Alice"}, "username-taken"),
        ({"username": "a b"}, "username-form"),
        ({"username": "vpn-bob"}, "username-reserved"),
        ({"password": "short"}, "password-short"),
        ({"password": "x" * 257}, "password-long"),
        ({"password": "password123"}, "password-common"),
        ({"password": "bob-the-second", "username": "bob-the-second"}, "password-is-name"),
    ],
)
def test_each_bad_input_has_its_own_sentence_in_each_language(site: Site, data: dict[str, str], code: str) -> None:
    from django.utils import translation

    site.person().sign_up("alice")
    said = set()
    for prefix, language in (("en", "en"), ("sv", "sv"), ("de", "de"), ("no", "nb")):
        page = site.person().post(f"/{prefix}/signup", {"username": "bob", "password": PASSWORD, **data})
        with translation.override(language):
            sentence = str(SENTENCES[code])
        assert page.status == 422 and sentence in page.text
        assert 'name="password" type="password" value=""' in page.text, "a typed password never comes back"
        said.add(sentence)
    assert len(said) == 4 and _accounts() == 1


def test_sign_in_sets_no_column_and_one_cookie(site: Site) -> None:
    from tyst.records.models import Account

    site.person().sign_up()
    before = list(Account.objects.values())
    site.clock.forward(days=9)
    alice = site.person()
    page = alice.sign_in()
    assert page.status == 302 and page.header("location") == "/en/account"
    assert set(alice.jar) == {"session"} and alice.get("/en/account").status == 200
    assert list(Account.objects.values()) == before


def test_her_own_language_greets_her(site: Site) -> None:
    alice = site.person()
    alice.post("/no/signup", {"username": "alice", "password": PASSWORD})
    assert site.person().sign_in().header("location") == "/no/account"


@pytest.mark.parametrize("name", ["alice", "nobody-here", "not a name", "vpnalice", ""])
def test_wrong_password_and_unknown_name_look_the_same(site: Site, name: str) -> None:
    site.person().sign_up()
    page = site.person().sign_in(name, "not the passphrase")
    assert page.status == 422 and str(SENTENCES["login-wrong"]) in page.text and not page.cookies
    usual = site.person().sign_in("other-nobody", "not the passphrase")
    assert page.body.replace(name.encode(), b"") == usual.body.replace(b"other-nobody", b"") or not name


def test_cookies_are_sealed_http_only_and_secure(site: Site) -> None:
    site.person().sign_up()
    cookies = site.person().sign_in(remember="1").cookies
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie and "Secure" in cookie and "SameSite=Lax" in cookie and "alice" not in cookie
    plain = site.person(https=False)
    assert all("Secure" not in cookie for cookie in plain.sign_in().cookies), "plain HTTP is for loopback"


def test_a_session_ends_after_at_most_three_days(site: Site) -> None:
    alice = site.person()
    alice.sign_up()
    site.clock.forward(days=2)
    assert alice.get("/en/account").status == 200
    site.clock.forward(days=1)
    page = alice.get("/en/account")
    assert page.status == 302 and page.header("location") == "/en/signin" and "session" not in alice.jar


def test_remember_me_makes_the_session_anew_for_90_days(site: Site) -> None:
    site.person().sign_up()
    alice = site.person()
    alice.sign_in(remember="1")
    site.clock.forward(days=80)
    old = alice.jar["session"]
    assert alice.get("/en/account").status == 200 and alice.jar["session"] != old
    site.clock.forward(days=12)
    assert alice.get("/en/account").status == 302


def test_signing_out_ends_copies_of_the_cookies_too(site: Site) -> None:
    site.person().sign_up()
    alice, mallory, elsewhere = site.person(), site.person(), site.person()
    alice.sign_in(remember="1")
    elsewhere.sign_in()
    mallory.jar = dict(alice.jar)
    assert mallory.get("/en/account").status == 200
    assert alice.post("/en/signout").status == 302 and not alice.jar
    assert mallory.get("/en/account").status == 302
    assert elsewhere.get("/en/account").status == 200, "her other browser stays signed in"


@pytest.mark.parametrize("cookie", ["", "x", "A" * 399, "A" * 5000, "é", "%00"])
def test_garbage_in_a_cookie_is_nobody(site: Site, cookie: str) -> None:
    mallory = site.person()
    mallory.jar = {"session": cookie, "remember": cookie}
    assert mallory.get("/en/account").status == 302


def test_mallory_cannot_pass_a_session_off_as_remember_me(site: Site) -> None:
    alice = site.person()
    alice.sign_up()
    mallory = site.person()
    mallory.jar = {"remember": alice.jar["session"]}
    assert mallory.get("/en/account").status == 302


def test_the_recovery_code_opens_the_account_once(site: Site) -> None:
    alice = site.person()
    code = alice.sign_up().element("recovery-code")
    browser = site.person()
    form = {"code": code.lower().replace("-", " "), "password": "another quiet passphrase"}
    page = browser.post("/en/recover", form)
    fresh = page.element("recovery-code")
    assert page.status == 200 and fresh != code and browser.get("/en/account").status == 200
    assert alice.get("/en/account").status == 302, "the old session is cut off"
    assert site.person().sign_in().status == 422
    assert site.person().sign_in(password="another quiet passphrase").status == 302
    again = site.person().post("/en/recover", form)
    assert again.status == 422 and str(SENTENCES["recovery-wrong"]) in again.text


def test_a_mistyped_recovery_code_opens_nothing(site: Site) -> None:
    code = site.person().sign_up().element("recovery-code")
    for wrong in ("", "U", code[:-1], ("1" if code[0] != "1" else "2") + code[1:], code + "0", "0" * 88):
        assert site.person().post("/en/recover", {"code": wrong, "password": PASSWORD}).status == 422


def test_too_many_wrong_sign_ins_are_stopped_for_the_network_alone(site: Site) -> None:
    site.person("203.0.113.1").sign_up()
    mallory = site.person("203.0.113.66")
    for _ in range(30):
        assert mallory.sign_in(password="guess").status == 422
    page = mallory.sign_in()
    assert str(SENTENCES["too-many"]) in page.text, "even the right password waits"
    assert site.person("203.0.113.77").sign_in().status == 422, "her street waits with her"
    assert site.person("192.0.2.5").sign_in().status == 302
    site.clock.forward(minutes=10)
    assert mallory.sign_in().status == 302


def test_too_many_sign_ups_are_stopped(site: Site) -> None:
    mallory = site.person()
    for number in range(60):
        mallory.sign_up(f"m{number}x", "short")
    page = mallory.sign_up("mallory")
    assert page.status == 422 and str(SENTENCES["too-many"]) in page.text and _accounts() == 0


def test_created_at_may_round_into_the_next_hour(site: Site) -> None:
    site.clock.moment = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    alice = site.person()
    alice.sign_up()
    assert alice.get("/en/account").field("created_at") == "2027-01-01 00:00:00"
