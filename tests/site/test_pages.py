"""Every page as a person sees it: in four languages, narrow and wide, light and dark, with and without JavaScript."""

import contextlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.site.conftest import Open, Visit
from tests.site.world import World
from tyst.records.inventory import inventory

PUBLIC = [
    "",
    "your-data",
    "transparency",
    "pricing",
    "refund",
    "network",
    "privacy",
    "cookies",
    "third-parties",
    "signup",
    "signin",
    "recover",
    "recover/mail",
    "not-a-page",
]
OWN = ["account", "account/voucher", "account/settings", "account/wireguard", "account/openvpn", "account/multihop"]
OWN += ["account/rekey", "account/delete", "account/copy"]


def _violations(window: Visit) -> list[Any]:
    found = Axe().run(window.page).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(visit: Open, scheme: str) -> None:
    alice = visit(color_scheme=scheme)
    found = {path: _violations(alice) for path in PUBLIC if alice.to(f"/en/{path}")}
    alice.to("/en/signup")
    alice.page.fill("#username", "x y")
    alice.page.fill("#password", "short")
    alice.send()
    found["refused"] = _violations(alice)
    alice.sign_up(f"alice-{scheme}")
    found["code"] = _violations(alice)
    alice.redeem()
    for path in OWN:
        alice.to(f"/de/{path}")
        found[path] = _violations(alice)
    alice.to("/en/account/wireguard")
    alice.page.click("#make")
    alice.page.wait_for_selector("#wireguard-qr svg")
    for summary in alice.page.locator("summary").all():
        summary.click()
    found["made"] = _violations(alice)
    assert {path: what for path, what in found.items() if what} == {}


def test_axe_would_find_something(visit: Open) -> None:
    alice = visit()
    alice.to("/en/")
    alice.page.evaluate("document.body.append(document.createElement('img'))")
    assert [name for name, _ in _violations(alice)]


@pytest.mark.parametrize("prefix", ["en", "sv", "de", "no"])
def test_no_page_is_wider_than_its_window(visit: Open, prefix: str) -> None:
    window = visit(viewport={"width": 360, "height": 740})
    window.sign_up(f"narrow-{prefix}")
    window.redeem()
    too_wide = []
    for path in [*PUBLIC, *OWN]:
        page = window.to(f"/{prefix}/{path}")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            too_wide.append(path)
    assert too_wide == []


def test_everything_but_the_keys_works_without_javascript(world: World, visit: Open) -> None:
    window = visit(java_script_enabled=False)
    page = window.page
    window.sign_up("charlie-plain")
    window.redeem()
    window.to("/en/account/settings")
    page.check("#streaming")
    page.select_option("#language", "no")
    page.click("main form >> nth=0 >> button")
    assert page.url.endswith("/no/account/settings")
    page.goto(world.url + "/en/account")
    assert page.inner_text("[data-field=streaming]") == "1"
    window.to("/en/account/openvpn")
    page.click("main form button")
    assert page.inner_text("#vpn-username").startswith("vpn")
    assert not page.is_visible("button[data-copy]")
    window.to("/en/account/wireguard")
    assert not page.is_visible("#wireguard-app") and page.is_visible("details.manual summary")
    page.click("details.manual summary")
    assert page.is_visible("#public_key")
    page.click("header form button")
    assert window.context.cookies() == []
    window.to("/en/signin")
    page.fill("#username", "CHARLIE-plain")
    page.fill("#password", "a quiet passphrase")
    page.check("#remember")
    window.send()
    assert page.url.endswith("/no/account") and len(window.context.cookies()) == 2
    window.to("/en/account/delete")
    page.fill("#password", "a quiet passphrase")
    window.send()
    assert page.inner_text("h1") == "The account is gone." and window.context.cookies() == []
    assert world.sql("SELECT * FROM account WHERE username = 'charlie-plain'") == []


def test_the_browsers_cookies_are_the_declared_ones(visit: Open) -> None:
    alice = visit()
    for path in PUBLIC:
        alice.to(f"/en/{path}")
    assert alice.context.cookies() == []
    alice.sign_up("alice-cookies")
    alice.to("/en/signin")
    alice.page.click("header form button")
    alice.to("/en/signin")
    alice.page.fill("#username", "alice-cookies")
    alice.page.fill("#password", "a quiet passphrase")
    alice.page.check("#remember")
    alice.send()
    found = {one["name"]: one for one in alice.context.cookies()}
    assert set(found) == {one.name for one in inventory().cookies} - {"order"}, "that one is for buyers (test_shop.py)"
    assert all(one["httpOnly"] and one["secure"] and one["sameSite"] == "Lax" for one in found.values())


def test_the_language_switcher_keeps_the_page(visit: Open) -> None:
    window = visit()
    window.to("/en/privacy")
    for name, end, code in (
        ("Svenska", "/sv/privacy", "sv"),
        ("Norsk", "/no/privacy", "nb"),
        ("Deutsch", "/de/privacy", "de"),
    ):
        window.page.click(f".languages a:has-text('{name}')")
        assert window.page.url.endswith(end)
        assert window.page.get_attribute("html", "lang") == code


def test_devices_come_from_the_gate_over_mutual_tls(world: World, visit: Open) -> None:
    alice = visit()
    alice.sign_up("alice-devices")
    ((handle,),) = world.sql("SELECT handle FROM account WHERE username = 'alice-devices'")
    world.gate.counts[bytes(handle)] = 2
    alice.to("/en/account")
    assert alice.page.inner_text("[data-field=devices]") == alice.page.inner_text("#devices") == "2"
    alice.page.click("main form button")
    assert "2 devices are being disconnected." in alice.page.inner_text("main")
    assert alice.page.inner_text("#devices") == "0" and "/v1/drop" in world.gate.asked


def test_a_typed_password_comes_back_in_no_page_and_no_address(visit: Open) -> None:
    mallory = visit()
    mallory.to("/en/signin")
    mallory.page.fill("#username", "mallory")
    mallory.page.fill("#password", "marked-passphrase")
    mallory.send()
    assert "marked-passphrase" not in mallory.page.content()
    assert [url for url, _, _ in mallory.asked if "marked" in url] == []
    assert any("marked-passphrase" in body for _, body, _ in mallory.asked), "it was sent, in the body"


def test_looking_and_signing_in_write_nothing(world: World, visit: Open) -> None:
    alice = visit()
    alice.sign_up("alice-quiet")
    alice.page.click("header form button")

    def state() -> dict[str, tuple[int, bytes]]:
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in world.state.rglob("*") if path.is_file()
        }

    before, folder = state(), world.state.stat().st_mtime_ns
    alice.to("/en/signin")
    alice.page.fill("#username", "alice-quiet")
    alice.page.fill("#password", "a quiet passphrase")
    alice.send()
    alice.page.wait_for_selector("[data-field=username]")
    for path in ("network", "account/wireguard", "account/openvpn"):
        alice.to(f"/en/{path}")
    alice.to("/en/account")
    alice.page.click("header form button")
    assert state() == before and world.state.stat().st_mtime_ns == folder


def test_plain_http_serves_this_machine(world: World) -> None:
    done = subprocess.run(
        ["curl", "-s", "-m", "10", "-i", f"{world.http_url}/en/"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.startswith("HTTP/1.1 200") and "Strict-Transport-Security" not in done.stdout
    assert not re.search(r"^Server: .*(cheroot|python)", done.stdout, re.IGNORECASE | re.MULTILINE)


GARBAGE = [
    b"\x00" * 2000,
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET " + b"/" * 40000 + b" HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x00\x05hello",
]
GARBAGE += [
    b"POST /en/signin HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
]


def test_garbage_at_the_listeners_hurts_nobody(world: World, visit: Open) -> None:
    import socket
    from urllib.parse import urlsplit

    for url in (world.url, world.http_url):
        for garbage in GARBAGE:
            with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=15) as one:
                with contextlib.suppress(ConnectionError):  # it may have hung up by now, and that is right
                    one.sendall(garbage)
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while one.recv(65536):
                        continue
    assert visit().to("/en/").title()


def test_the_screenshots_show_pages(visit: Open, tmp_path: Path) -> None:
    window = visit(viewport={"width": 1280, "height": 900})
    window.to("/en/").screenshot(path=str(tmp_path / "start.png"))
    assert (tmp_path / "start.png").stat().st_size > 20_000, "fonts and styles are there"
