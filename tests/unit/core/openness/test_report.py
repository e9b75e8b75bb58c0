"""The report: the same bytes from the same files, and no claim without counters that say so."""

import itertools
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.court import Answer, Asked
from tyst.core.openness import canary, counters, traffic
from tyst.core.openness.canary import Canary, Says
from tyst.core.openness.counters import Counters, fell
from tyst.core.openness.report import Keys, build
from tyst.core.openness.traffic import Heap
from tyst.core.signed import SignedError, sealed

FIRST, SECOND = Ed25519PrivateKey.from_private_bytes(b"1" * 32), Ed25519PrivateKey.from_private_bytes(b"2" * 32)
KEYS = Keys(FIRST.public_key().public_bytes_raw(), SECOND.public_key().public_bytes_raw())
DAY = date(2026, 11, 24)
NONE = Counters("2026-11")
EVENTS = st.lists(st.tuples(st.sampled_from(Asked), st.sampled_from(["se", "de"]), st.sampled_from(Answer)), max_size=8)


def counted(events: list[tuple[Asked, str, Answer]]) -> Counters:
    after = NONE
    for asked, by, answer in events:
        after = after.with_one("2026-11", asked, by, answer)
    return after


def files(of: Counters = NONE, number: int = 0) -> dict[str, bytes]:
    """What is published: counters, a canary, two months."""
    alive = Canary(DAY, DAY + timedelta(days=35), number, tuple(Says), "words")
    months = {
        f"month-{month}.json": sealed(traffic.KIND, traffic.month_body(month, {"sto": Heap(9, 8, 8)}), FIRST)
        for month in ("2026-09", "2026-10")
    }
    signed = {"counters.json": sealed(counters.KIND, of.body(), FIRST)}
    return {**signed, "canary.json": sealed(canary.KIND, alive.body(), SECOND), **months}


@given(EVENTS)
def test_the_claim_is_true_or_not_there(events: list[tuple[Asked, str, Answer]]) -> None:
    report = build(files(counted(events)), KEYS)
    gave = any(answer is Answer.GIVEN for _, _, answer in events)
    assert report.gave_nothing is not gave and (b"we have given no information" in report.text()) is not gave
    assert report.counters == counters.read(counted(events).body()) == counted(events)


@given(EVENTS, st.randoms())
def test_each_request_is_one_more_and_the_order_of_telling_is_not_kept(events: list[object], chance: object) -> None:
    told = list(events)
    chance.shuffle(told)  # type: ignore[attr-defined]
    assert counted(told).body() == counted(events).body()  # type: ignore[arg-type]
    assert counted(events).number == len(events)  # type: ignore[arg-type]


def test_the_same_files_in_any_order_are_the_same_bytes() -> None:
    one = files()
    texts = {build(dict(order), KEYS).text() for order in itertools.permutations(one.items())}
    assert len(texts) == 1 and b'"2026-09"' in texts.pop()


@pytest.mark.parametrize("name", list(files()))
def test_a_file_of_another_key_is_named_and_not_believed(name: str) -> None:
    mallory = Ed25519PrivateKey.from_private_bytes(b"m" * 32)
    report = build({**files(), name: sealed(counters.KIND, NONE.body(), mallory)}, KEYS)
    assert report.broken == (name,)
    assert report.gave_nothing is (name != "counters.json") and report.stale(DAY) is (name == "canary.json")


def test_a_month_under_another_months_name_is_refused() -> None:
    one = files()
    report = build({**one, "month-2026-08.json": one["month-2026-09.json"]}, KEYS)
    assert report.broken == ("month-2026-08.json",) and list(report.months) == ["2026-10", "2026-09"]


def test_counters_older_than_the_canary_claim_nothing() -> None:
    report = build(files(NONE, number=1), KEYS)
    assert report.put_back and not report.gave_nothing and b"we have given" not in report.text()


def test_without_counters_nothing_is_claimed() -> None:
    assert not build({}, KEYS).gave_nothing and build({}, KEYS).stale(DAY)


def test_a_canary_lives_from_its_day_to_its_last_and_no_longer() -> None:
    alive = Canary(DAY, DAY + timedelta(days=2), 0, ())
    assert [alive.stale(DAY + timedelta(days=away)) for away in (-1, 0, 2, 3)] == [True, False, False, True]
    for until in (DAY - timedelta(days=1), DAY + canary.LONGEST + timedelta(days=1)):
        with pytest.raises(SignedError):
            canary.read(Canary(DAY, until, 0, ()).body())
    with pytest.raises(SignedError):
        canary.read({**alive.body(), "says": ["gave-nothing"]})


def test_counters_that_fell_are_noticed() -> None:
    one = counted([(Asked.DISCLOSURE, "se", Answer.GIVEN)])
    two = one.with_one("2026-12", Asked.SEARCH, "de", Answer.NOTHING)
    assert not fell(NONE, one) and not fell(one, two) and not fell(two, two)
    assert fell(two, one) and fell(one, NONE) and fell(NONE, Counters("2026-12"))


@pytest.mark.parametrize(
    "change",
    [
        {"number": 5},
        {"since": "2026"},
        {"requests": [{"month": "2026-11", "kind": "disclosure", "country": "se", "answer": "given", "count": 0}]},
        {"requests": [{"month": "2026-11", "kind": "disclosure", "country": "xx", "answer": "given", "count": 1}]},
        {"requests": [{"month": "2026-11", "kind": "raid", "country": "se", "answer": "given", "count": 1}]},
        {"requests": [{"month": "2026-11"}]},
        {"more": 1},
    ],
    ids=range(7),
)
def test_counters_of_another_form_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SignedError):
        counters.read({**NONE.body(), **change})
