"""The transparency page: it claims what the signed counters say, while a canary lives, and nothing without them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.site.conftest import Site
from tyst.core.court import Answer, Asked
from tyst.core.openness.canary import Says
from tyst.core.openness.report import COUNTERS, build
from tyst.core.openness.traffic import MIN_SLOTS, Heap
from tyst.records import statistics, transparency
from tyst.records.transparency import FOLDER

CLAIM = "We have given no information about any of our users to anybody."
Look = Callable[[str], str]


@pytest.fixture
def state(tmp_path: Path, site: Site) -> Path:
    """A state folder with counters and a canary of today."""
    folder = tmp_path / "open"
    folder.mkdir()
    today = site.clock().date()
    transparency.found(folder, today)
    sing(folder, today)
    return folder


def sing(state: Path, day: date) -> None:
    days = (day, day + timedelta(days=35))
    transparency.sing(state, "A headline of the day", tuple(Says), days, state / transparency.CANARY_KEY)


@pytest.fixture
def look(site: Site, state: Path) -> Look:
    """What Alice sees at an address."""
    from tyst.site.services import SiteHandler

    site.door = SiteHandler(replace(site.services, transparency=state / FOLDER))

    def see(path: str) -> str:
        answer: Any = site.person().get(path)
        assert answer.status == 200
        return str(answer.text)

    return see


def ask(state: Path, site: Site, answer: Answer, asked: Asked = Asked.DISCLOSURE) -> None:
    transparency.count(state, asked, "se", answer, site.clock().date())


def test_the_claim_stands_while_nothing_was_given_and_goes_by_itself(site: Site, state: Path, look: Look) -> None:
    assert CLAIM in look("/en/transparency")
    ask(state, site, Answer.NOTHING, Asked.PRESERVATION)
    ask(state, site, Answer.NO_ACCOUNT)
    page = look("/en/transparency")
    assert CLAIM in page and "no such account" in page and "to preserve data" in page and "Sweden" in page
    ask(state, site, Answer.GIVEN)
    page = look("/en/transparency")
    assert CLAIM not in page and "information about a user 1 time" in page and "information given" in page


def test_counters_that_somebody_edited_claim_nothing(state: Path, site: Site, look: Look) -> None:
    ask(state, site, Answer.GIVEN)
    path = state / FOLDER / COUNTERS
    path.write_bytes(path.read_bytes().replace(b'"given"', b'"nothing"'))
    page = look("/en/transparency")
    assert CLAIM not in page and "this page claims nothing" in page


def test_counters_that_were_put_back_claim_nothing(state: Path, site: Site, look: Look) -> None:
    path = state / FOLDER / COUNTERS
    before = path.read_bytes()
    ask(state, site, Answer.GIVEN)
    sing(state, site.clock().date())
    path.write_bytes(before)
    page = look("/en/transparency")
    assert CLAIM not in page and "may have been put back" in page


def test_a_canary_that_nobody_signs_again_is_stale_the_day_after(site: Site, state: Path, look: Look) -> None:
    site.clock.forward(days=35)
    page = look("/en/transparency")
    assert "STALE" not in page and "A headline of the day" in page and "Nobody but us has our keys." in page
    site.clock.forward(days=1)
    page = look("/en/transparency")
    assert "STALE" in page and "A headline of the day" not in page and "Nobody but us has our keys." not in page
    sing(state, site.clock().date())
    assert "STALE" not in look("/en/transparency")


def test_a_canary_of_another_key_is_none(state: Path, look: Look) -> None:
    path = state / FOLDER / "canary.json"
    path.write_bytes(path.read_bytes().replace(b"2026", b"2027"))
    assert "STALE" in look("/en/transparency")


def test_a_month_shows_figures_or_that_they_are_withheld(site: Site, state: Path, look: Look) -> None:
    from tyst.records.models import Location

    slugs = sorted(Location.objects.values_list("slug", flat=True))
    busy, lonely = Heap(600, 597, 0, {12: 300, 40: 297}), Heap(600, 600, 600 - MIN_SLOTS + 1, {3: MIN_SLOTS - 1})
    statistics.add(state, {"2026-01": dict(zip(slugs, (busy, lonely), strict=True))})
    assert transparency.sign_months(state, site.clock().date()) == ["2026-01"]
    page = look("/en/transparency")
    assert "400 Mbit/s" in page and "99.5%" in page and "withheld: too few people" in page and "30 Mbit/s" not in page
    assert b'"3"' not in (state / FOLDER / "month-2026-01.json").read_bytes(), "what is withheld isn't in the file"


def test_strangers_get_the_files_and_make_the_same_report_from_them(state: Path, look: Look) -> None:
    got = {name: look(f"/en/transparency/{name}").encode() for name in ("counters.json", "canary.json")}
    assert build(got, transparency.keys_of(state / FOLDER)).text() == look("/en/transparency/report.json").encode()
    assert look("/en/transparency/keys.json").encode() == (state / FOLDER / "keys.json").read_bytes()


def test_no_other_file_is_to_be_had(site: Site, look: Look) -> None:
    for name in (
        "canary.key",
        "transparency.key",
        "../transparency.key",
        "%2e%2e%2ftransparency.key",
        "month-2026.json",
    ):
        assert site.person().get(f"/en/transparency/{name}").status == 404


def test_without_a_folder_nothing_is_claimed(site: Site) -> None:
    answer: Any = site.person().get("/en/transparency")
    assert answer.status == 200 and CLAIM not in answer.text and "this page claims nothing" in answer.text
