"""Rights in a browser: the copy on the screen and as a file, another name, and deletion by the recovery code alone."""

import json
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from tests.site.conftest import Open, Visit
from tests.site.world import World

PASSWORD = "a quiet passphrase"


def _violations(window: Visit) -> list[Any]:
    return [one["id"] for one in Axe().run(window.page).response["violations"]]


def _too_wide(window: Visit) -> bool:
    return bool(window.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_a_copy_is_shown_and_downloaded_without_javascript(visit: Open, downloads: Path) -> None:
    alice = visit(java_script_enabled=False, accept_downloads=True)
    alice.sign_up("alice-copy")
    alice.redeem()
    alice.to("/en/account")
    alice.page.click("text=A copy of everything")
    alice.page.fill("#password", PASSWORD)
    alice.page.click("button[value=page]")
    assert alice.page.inner_text('[data-stored="account.username"]') == "alice-copy"
    assert alice.page.inner_text('[data-stored="account.password"]').startswith("$argon2id$")
    shown = alice.page.locator("#stored dt").all_inner_texts()
    alice.to("/en/account/copy")
    alice.page.fill("#password", PASSWORD)
    with alice.page.expect_download() as waiting:
        alice.page.click("button[value=json]")
    waiting.value.save_as(downloads / waiting.value.suggested_filename)
    document = json.loads((downloads / "tyst-copy.json").read_text())
    fields = [one["field"] for one in document["stored"]["account"]]
    assert [*fields, "handle", "owner"] == shown, "the file and the page say the same"


def test_the_pages_of_rights_are_accessible_and_fit_a_telephone(visit: Open) -> None:
    for options in ({"color_scheme": "light"}, {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}}):
        alice = visit(**options)
        alice.to("/sv/your-data")
        assert _violations(alice) == [] and not _too_wide(alice)
        alice.sign_up(f"alice-{options['color_scheme']}-rights")
        code = alice.page.inner_text("#recovery-code")
        alice.to("/de/account/copy")
        alice.page.fill("#password", PASSWORD)
        alice.page.click("button[value=page]")
        alice.page.wait_for_selector("#stored")
        assert _violations(alice) == [] and not _too_wide(alice)
        alice.to("/no/your-data")
        alice.page.fill("#code", code)
        alice.page.click("button[value=ask]")
        alice.page.wait_for_selector("#lost")
        assert _violations(alice) == [] and not _too_wide(alice)


def test_another_name_and_then_deletion_by_the_recovery_code(world: World, visit: Open) -> None:
    alice = visit(java_script_enabled=False)
    alice.sign_up("alice-before")
    code = alice.page.inner_text("#recovery-code")
    alice.to("/en/account/settings")
    alice.page.fill("#username", "alice-after")
    alice.page.fill("#proof", PASSWORD)
    alice.page.click("text=Change the username")
    assert alice.page.inner_text("#renamed") == "You are alice-after from now on."
    stranger = visit(java_script_enabled=False)
    stranger.to("/en/your-data")
    stranger.page.fill("#code", code)
    stranger.page.click("button[value=ask]")
    assert "alice-after is removed at once" in stranger.page.inner_text("main")
    stranger.page.click("button.danger")
    assert stranger.page.inner_text("h1") == "The account is gone."
    assert stranger.context.cookies() == [], "nobody was signed in for it"
    assert world.sql("SELECT 1 FROM account WHERE username IN ('alice-before', 'alice-after')") == []
    stranger.to("/en/signup")
    stranger.page.fill("#username", "alice-after")
    stranger.page.fill("#password", PASSWORD)
    stranger.send()
    assert "Somebody has this username already" in stranger.page.inner_text("main"), "both names rest"
