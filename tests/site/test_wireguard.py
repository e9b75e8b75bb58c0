"""Alice's browser makes her key, and what leaves the browser is the public half."""

import base64
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote

from tests.site.conftest import Open, Visit
from tests.site.world import World
from tyst.core.tags import tag_of
from tyst.core.wireguard.config import from_text, key_text, linux_text, to_text


def _config(window: Visit) -> str:
    window.to("/en/account/wireguard")
    window.page.click("#make")
    window.page.wait_for_selector("#wireguard-qr svg")
    return window.page.text_content("#wireguard-text") or ""


def _forms(key: bytes) -> list[str]:
    """How a key could be written in a request."""
    text = key_text(key)
    number = str(list(key))[1:-1]
    return [text, text.rstrip("="), quote(text, safe=""), key.hex(), number.replace(" ", ""), text[:20], text[-20:]]


def _records(world: World) -> set[bytes]:
    return {bytes(row[0]) for row in world.sql("SELECT tag FROM key_record")}


def test_alices_private_key_is_in_no_request(world: World, visit: Open) -> None:
    alice = visit()
    alice.sign_up("alice-wg")
    alice.redeem()
    text = _config(alice)
    config = from_text(text)
    sent = "\n".join(unquote(part) + part for one in alice.asked for part in one)
    pair = subprocess.run(
        ["wg", "pubkey"], input=key_text(config.private_key), capture_output=True, text=True, timeout=10, check=True
    )
    public = base64.b64decode(pair.stdout)
    assert key_text(public) in sent, "the public half was sent, so the test would see the private one"
    assert [form for form in _forms(config.private_key) if form in sent] == []
    assert tag_of(public) in _records(world)
    stored = b"".join(path.read_bytes() for path in world.state.glob("records.sqlite3*"))
    assert public not in stored and config.private_key not in stored


def test_no_request_goes_to_anybody_else(world: World, visit: Open) -> None:
    bob = visit()
    bob.sign_up("bob-wg")
    bob.redeem()
    _config(bob)
    for path in ("/en/", "/sv/network", "/de/privacy", "/no/account", "/en/account/openvpn", "/en/account/settings"):
        bob.to(path)
    assert len(bob.asked) > 20
    assert [url for url, _, _ in bob.asked if not url.startswith((world.url + "/", "blob:" + world.url))] == []


def test_file_text_and_qr_code_are_the_same_bytes(visit: Open, downloads: Path) -> None:
    alice = visit(device_scale_factor=2)
    alice.sign_up("alice-qr")
    alice.redeem()
    _config(alice)
    alice.page.select_option("#wireguard-node", "se-sto")
    with alice.page.expect_download() as waiting:
        alice.page.click("#wireguard-download")
    file = downloads / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.name == "se-sto.conf"
    written = file.read_bytes()
    assert written.decode() == alice.page.text_content("#wireguard-text") == to_text(from_text(written.decode()))
    picture = downloads / "qr.png"
    alice.page.locator("#wireguard-qr svg").screenshot(path=str(picture))
    read = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], capture_output=True, timeout=30, check=True)
    assert read.stdout == written + b"\n"
    file.chmod(0o600)
    subprocess.run(["wg-quick", "strip", str(file)], capture_output=True, timeout=20, check=True)


def test_a_preshared_key_is_made_when_alice_wants_one_and_the_linux_file_adds_two_lines(
    visit: Open, downloads: Path
) -> None:
    alice = visit()
    alice.sign_up("alice-psk")
    alice.redeem()
    alice.to("/en/account/wireguard")
    alice.asked.clear()
    alice.page.check("#wireguard-preshared")
    alice.page.click("#make")
    alice.page.wait_for_selector("#wireguard-qr svg")
    text = alice.page.text_content("#wireguard-text") or ""
    config = from_text(text)
    sent = [form for one in alice.asked for part in one for form in _forms(config.preshared) if form in part]
    assert len(config.preshared) == 32 and len(sent) >= 1, "the other end needs it"
    with alice.page.expect_download() as waiting:
        alice.page.click("#wireguard-linux")
    file = downloads / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.read_text() == linux_text(config) and file.name == f"{config.name}.conf"


def test_the_key_is_kept_nowhere_in_the_browser(visit: Open) -> None:
    alice = visit()
    alice.sign_up("alice-kept")
    alice.redeem()
    key = key_text(from_text(_config(alice)).private_key)
    state = alice.page.evaluate(
        "async () => JSON.stringify([localStorage, sessionStorage, (await indexedDB.databases()).length])"
    )
    assert state == "[{},{},0]"
    alice.to("/en/account")
    alice.page.go_back()
    assert key not in alice.page.content()


def test_alice_revokes_with_her_config_alone(world: World, visit: Open, downloads: Path) -> None:
    alice = visit()
    alice.sign_up("alice-revokes")
    alice.redeem()
    before = _records(world)
    for how in ("file", "text"):
        text = _config(alice)
        (tag,) = _records(world) - before
        alice.to("/en/account/wireguard")
        alice.asked.clear()
        if how == "file":
            (downloads / "se-sto.conf").write_text(text)
            alice.page.set_input_files("#wireguard-file", str(downloads / "se-sto.conf"))
        else:
            alice.page.fill("#wireguard-paste", text)
        alice.page.click("#revoke")
        alice.page.wait_for_selector("#revoke-said.right:not(:empty)")
        assert _records(world) == before and tag not in _records(world)
        sent = "\n".join(unquote(part) + part for one in alice.asked for part in one)
        assert [form for form in _forms(from_text(text).private_key) if form in sent] == []
    alice.page.fill("#wireguard-paste", "nothing of the kind")
    alice.page.click("#revoke")
    assert "no private key" in alice.page.locator("#revoke-said").inner_text()


def test_an_ended_subscription_is_told_so_by_the_script_too(visit: Open) -> None:
    bob = visit()
    bob.sign_up("bob-ended")
    bob.to("/sv/account/wireguard")
    bob.page.click("#make")
    bob.page.wait_for_selector("#make-said.wrong:not(:empty)")
    assert "Ditt abonnemang har tagit slut" in bob.page.locator("#make-said").inner_text()
