"""Tension 30: a page that shows a visitor her address handles it, and a cache might keep it. None of ours shows one."""

import pytest

from tests.unit.site.conftest import Site

ADDRESS = "192.0.2.77"
PAGES = (
    "",
    "network",
    "privacy",
    "cookies",
    "pricing",
    "account",
    "account/settings",
    "account/wireguard",
    "account/openvpn",
)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_shows_a_visitors_address_and_none_may_be_kept_or_named(site: Site, path: str) -> None:
    person = site.subscriber("alice")
    answer = person.get(f"/en/{path}", HTTP_X_FORWARDED_FOR=ADDRESS, HTTP_FORWARDED=f"for={ADDRESS}")
    assert answer.status == 200
    assert ADDRESS not in answer.text
    assert not [value for _, value in answer.headers if ADDRESS in value]
    assert "no-store" in answer.header("Cache-Control")
    assert answer.header("Referrer-Policy") in ("no-referrer", "same-origin")
