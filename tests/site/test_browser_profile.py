"""What Chromium itself keeps of a visit, in its profile on the customer's own disk: of her secrets, nothing of ours.

Password, recovery code, session, VPN credential and the private key that her browser drew are looked for in every file
of the profile, in all their forms, after she signed out and closed the window. A text that a page is made to keep, and a
cookie that stays, show that the search can see.
"""

import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from tests.site.conftest import ARGUMENTS, CHROMIUM, Visit
from tests.site.world import World
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.core.wireguard.config import from_text
from tyst.proof.engine import Engine
from tyst.proof.sources import FileSource

PLANTED = "planted: a text that a page keeps"


@pytest.fixture
def profile() -> Iterator[Path]:
    with TemporaryDirectory(prefix="tyst-profile-", dir="/dev/shm") as folder:
        yield Path(folder)


def used(context: BrowserContext, world: World) -> dict[str, str | bytes]:
    """Signs up, makes a config and a credential, looks around, signs out; the secrets that she had on her screen."""
    context.set_default_timeout(15_000)
    secret = secrets.token_hex(12)
    alice = Visit(context, world)
    alice.sign_up("alice-profile", secret)
    found: dict[str, str | bytes] = {"password": secret, "recovery code": alice.page.inner_text("#recovery-code")}
    found["session"] = next(one["value"] for one in context.cookies() if one["name"] == "session")
    alice.redeem()
    alice.to("/en/account/wireguard")
    alice.page.click("#make")
    alice.page.wait_for_selector("#wireguard-qr svg")
    found["private key"] = from_text(alice.page.text_content("#wireguard-text") or "").private_key
    alice.to("/en/account/openvpn")
    alice.page.click("main form[action$=credential] button")
    found["VPN credential"] = alice.page.inner_text("#vpn-password")
    for path in ("/en/account", "/en/account/settings", "/en/account/copy"):
        alice.to(path)
    alice.page.evaluate("text => localStorage.setItem('kept', text)", PLANTED)
    context.add_cookies([{"name": "kept", "value": "planted-cookie-1", "url": world.url, "expires": 4_000_000_000}])
    alice.page.click("header form button")
    alice.page.wait_for_url("**/en/")
    return found


def marks_of(found: dict[str, str | bytes]) -> list[Mark]:
    kind = {"private key": MarkKind.KEY}
    return [Mark(name, kind.get(name, MarkKind.TEXT), value) for name, value in found.items()]


def kept_in(folder: Path, marks: Iterable[Mark]) -> set[str]:
    """The names of those that lie in any file there."""
    engine = Engine(scan_set_of(marks))
    tallies = [engine.search(FileSource(one)) for one in folder.rglob("*") if one.is_file()]
    return {engine.scan_set.patterns[index].mark.name for tally in tallies for index in tally.counted}


def test_alices_browser_keeps_none_of_her_secrets(world: World, profile: Path) -> None:
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=CHROMIUM, args=ARGUMENTS, ignore_https_errors=True
        )
        found = used(context, world)
        context.close()
    planted = Mark("planted", MarkKind.TEXT, PLANTED)
    assert kept_in(profile, [*marks_of(found), planted]) == {"planted"}
