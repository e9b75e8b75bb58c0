"""Tension 12: a version that was told at each use would be a trace of it. Nothing writes one until our clients exist."""

import re

from tests.named import ROOT
from tests.unit.site.conftest import Site

WRITES = re.compile(r"(UPDATE account SET|\.update\(|setattr\(|\.)[^\n]*(client_version|extension_version)\s*=[^=]")


def writers(texts: dict[str, str]) -> list[str]:
    """Which of these source texts write a version."""
    return [name for name, text in texts.items() if WRITES.search(text)]


def test_nothing_in_the_product_writes_a_version() -> None:
    folder = ROOT / "src/tyst"
    texts = {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*.py")
        if "migrations" not in path.parts and path.relative_to(folder).parts[0] not in ("lab", "proof", "journey")
    }
    assert writers(texts) == []


def test_that_search_would_find_one() -> None:
    for text in (
        'connection.execute("UPDATE account SET client_version = ? WHERE handle = ?")',
        "account.client_version = told",
        "Account.objects.filter(handle=h).update(extension_version='1.2')",
    ):
        assert writers({"x": text}) == ["x"], text


def test_a_program_that_names_its_version_changes_nothing(site: Site) -> None:
    from tyst.records.models import Account

    person = site.subscriber("alice")
    before = Account.objects.filter(username="alice").values().get()
    for path in ("/en/account", "/en/account/wireguard", "/en/network"):
        person.get(path, HTTP_USER_AGENT="Tyst/3.1.4 (Windows 11)", HTTP_X_CLIENT_VERSION="3.1.4")
    assert Account.objects.filter(username="alice").values().get() == before
