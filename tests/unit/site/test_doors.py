"""Around the pages: headers, languages, who may post, wrong addresses, what the inventory says of cookies."""

import re
from typing import Any

import pytest

from tests.unit.site.conftest import Site
from tests.unit.site.person import Answer
from tyst.records.inventory import difference, inventory

PUBLIC = ["", "network", "privacy", "signup", "signin", "recover", "recover/mail"]
PREFIXES = {"en": "en", "sv": "sv", "de": "de", "no": "nb"}
POSTS = [
    "signup",
    "signin",
    "signout",
    "recover",
    "account/voucher",
    "account/settings",
    "account/password",
    "account/wireguard",
    "account/openvpn/credential",
    "account/disconnect",
    "account/rekey",
    "account/delete",
]


@pytest.mark.parametrize("path", PUBLIC)
def test_every_page_speaks_four_languages_and_its_switcher_keeps_the_page(site: Site, path: str) -> None:
    titles = set()
    for prefix, code in PREFIXES.items():
        page = site.person().get(f"/{prefix}/{path}")
        assert page.status == 200 and f'<html lang="{code}">' in page.text
        for other, other_code in PREFIXES.items():
            link = f'<a href="/{other}/{path}" lang="{other_code}" hreflang="{other_code}"'
            assert link in page.text
            assert f'<link rel="alternate" hreflang="{other_code}" href="/{other}/{path}">' in page.text
        titles.add(re.findall(r"<h1>(.*?)</h1>", page.text)[0])
    assert len(titles) == 4


@pytest.mark.parametrize(
    ("header", "prefix"),
    [
        ("nb-NO", "no"),
        ("no", "no"),
        ("nn", "no"),
        ("sv;q=0.5, de;q=0.9", "de"),
        ("fr", "en"),
        ("", "en"),
        ("sv;q=x", "en"),
    ],
)
def test_an_address_without_language_leads_to_the_browsers(site: Site, header: str, prefix: str) -> None:
    page = site.person().get("/network", HTTP_ACCEPT_LANGUAGE=header)
    assert page.status == 302 and page.header("location") == f"/{prefix}/network"


def test_nb_leads_to_no(site: Site) -> None:
    assert site.person().get("/nb/network").header("location") == "/no/network"


def test_pages_carry_the_headers_and_may_not_be_kept(site: Site) -> None:
    wanted = {
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "strict-transport-security": "max-age=63072000",
    }
    alice = site.subscriber()
    for path in ("/en/", "/en/account", "/en/nothing", "/", "/en/account/wireguard/challenge"):
        page = alice.get(path)
        assert {name: page.header(name) for name in wanted} == wanted, path
    plain = site.person(https=False).get("/en/")
    assert plain.header("strict-transport-security") == ""


def test_static_files_are_kept_under_the_hash_of_their_content(site: Site) -> None:
    page = site.person().get("/en/")
    address = re.findall(r'<link rel="stylesheet" href="([^"]+)">', page.text)[0]
    style = site.person().get(address)
    assert style.status == 200 and "immutable" in style.header("cache-control")
    assert style.header("content-type").startswith("text/css")
    assert site.person().get("/static/000000000000/site.css").status == 404
    assert site.person().get(address.replace("site.css", "../settings.py")).status == 404
    assert site.person().get("/favicon.ico").header("content-type") == "image/svg+xml"
    assert site.person().get("/robots.txt").status == 200


def test_no_page_has_inline_script_or_style_or_a_foreign_address(site: Site) -> None:
    alice = site.subscriber()
    paths = [*PUBLIC, "account", "account/voucher", "account/settings", "account/wireguard", "account/openvpn"]
    for path in [*paths, "account/rekey", "account/delete", "nothing"]:
        text = alice.get(f"/en/{path}").text
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text), path
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text), path


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("origin", ["https://mallory.test", "null", "", "http://tyst.test", "https://tyst.test:444"])
def test_mallorys_page_cannot_post_for_alice(site: Site, path: str, origin: str) -> None:
    from tyst.records.models import Account

    alice = site.subscriber()
    before = list(Account.objects.values())
    page = alice.post(f"/en/{path}", {"username": "x", "password": "y"}, HTTP_ORIGIN=origin)
    assert page.status == 403 and "come from one of our pages" in page.text
    assert list(Account.objects.values()) == before and alice.get("/en/account").status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "MALLORY"])
def test_other_methods_are_refused(site: Site, method: str) -> None:
    person = site.person()
    answer = person._send(method, "/en/signin", b"", {"HTTP_ORIGIN": "https://tyst.test"})
    assert answer.status == 405
    assert person.post("/en/network").status == 405


def test_another_host_name_is_refused_with_fixed_words(site: Site) -> None:
    mallory = site.person()
    mallory.host = "mallory.test"
    page = mallory.post("/en/signin", {})
    assert page.status == 400 and "mallory" not in page.text


def test_a_wrong_address_has_a_page_in_the_language(site: Site) -> None:
    page = site.person().get("/sv/finns-inte<script>")
    assert (
        page.status == 404
        and "Det finns ingenting på den här adressen." in page.text
        and "finns-inte" not in re.sub(r'href="[^"]*"', "", page.text)
    )


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a" * 40000, b"&".join(b"a=1" for _ in range(200)), b"%zz"])
def test_garbage_in_a_form_is_answered_and_changes_nothing(site: Site, body: bytes) -> None:
    from tyst.records.models import Account

    person = site.person()
    answer = person._send("POST", "/en/signup", body, {"HTTP_ORIGIN": "https://tyst.test"})
    assert answer.status in (400, 422) and Account.objects.count() == 0


def test_a_failure_of_ours_is_a_page_with_fixed_words(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from tyst.records import accounts

    def fail(*_: Any) -> None:
        raise RuntimeError("alice's secret")

    monkeypatch.setattr(accounts, "by_username", fail)
    page = site.person().sign_in("alice")
    assert page.status == 500 and "Something broke on our side." in page.text and "secret" not in page.text


def _cookies_seen(site: Site) -> set[str]:
    """Every cookie that any page sets, in a walk through the whole site."""
    answers: list[Answer] = []
    visitor = site.person()
    answers += [visitor.get(f"/en/{path}") for path in (*PUBLIC, "account", "nothing")]
    assert not any(answer.cookies for answer in answers), "visitors get none"
    alice = site.subscriber()
    answers += [alice.get(f"/en/{path}") for path in ("account", "account/wireguard", "account/openvpn")]
    answers += [alice.sign_in(remember="1"), alice.post("/en/account/rekey"), alice.post("/en/signout")]
    return {cookie.split("=")[0].strip() for answer in answers for cookie in answer.cookies}


def test_the_site_sets_the_declared_cookies_and_no_other(site: Site) -> None:
    assert difference({one.name for one in inventory().cookies}, _cookies_seen(site)) == []


def test_an_extra_cookie_is_caught(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from tyst.site import sessions

    real = sessions.set_cookies

    def tracking(response: Any, *words: Any, **more: Any) -> None:
        real(response, *words, **more)
        response.set_cookie("visitor", "1")

    monkeypatch.setattr(sessions, "set_cookies", tracking)
    declared = {one.name for one in inventory().cookies}
    assert difference(declared, _cookies_seen(site)) == ["there and not declared: visitor"]


def test_the_privacy_page_names_every_field_cookie_and_table(site: Site) -> None:
    from tyst.core.account import FIELDS

    text = site.person().get("/en/privacy").text
    names = {*FIELDS, *(one.field for one in inventory().columns), *(one.table for one in inventory().columns)}
    names = {name for name in names if name != "account"} | {one.name for one in inventory().cookies}
    assert [
        name
        for name in names
        if not re.search(rf"<code>(?:{name}|{name}: [^<]*|[a-z_]+: (?:[^<]*, )?{name}(?:, [^<]*)?)</code>", text)
    ] == []
    for one in inventory().memory:
        assert one.what in text


def test_nothing_is_logged(site: Site, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    mallory = site.person("203.0.113.99")
    mallory.sign_in("alice-marked", "wrong-marked")
    mallory.get("/en/nothing-marked")
    mallory.host = "mallory-marked.test"
    mallory.post("/en/signin", {})
    said = capfd.readouterr()
    assert said.out == said.err == "" and caplog.text == ""
