"""Chance: the interval is the binomial's own, and whoever only guesses stays within it as often as it says."""

import random
from math import comb

import pytest

from tyst.proof import blind_check
from tyst.proof.blind import odds
from tyst.proof.blind.match import ALL, Asked, Tally
from tyst.proof.check import How


@pytest.mark.parametrize(("trials", "level"), [(10, 0.99), (20, 0.99), (200, 0.99), (200, 0.9998), (400, 0.95)])
def test_an_interval_holds_what_it_says_and_one_step_less_does_not(trials: int, level: float) -> None:
    fewest, most = odds.interval(trials, level)

    def inside(low: int, high: int) -> float:
        return sum(comb(trials, k) for k in range(low, high + 1)) / float(2**trials)

    assert inside(fewest, most) >= level
    assert inside(fewest + 1, most - 1) < level
    assert fewest + most == trials


def test_of_200_questions_chance_is_right_82_to_118_times() -> None:
    assert odds.interval(200, 0.99) == (82, 118)


def test_a_family_keeps_its_level() -> None:
    assert odds.each(60, 0.99) == pytest.approx(1 - 0.01 / 60)


def _tally(right: int, trials: int, name: str = ALL) -> Tally:
    tally = Tally()
    for asked in Asked:
        for one in blind_check.names():
            good = right if one == name and asked is Asked.WHOSE else trials // 2
            tally.right[asked, one], tally.wrong[asked, one] = good, trials - good
    return tally


def test_who_is_right_too_often_or_too_seldom_is_beyond_chance() -> None:
    assert blind_check.beyond(_tally(100, 200)) == []
    assert blind_check.beyond(_tally(150, 200)) == [(Asked.WHOSE, ALL)]
    assert blind_check.beyond(_tally(50, 200)) == [(Asked.WHOSE, ALL)]
    assert blind_check.winners(_tally(150, 200)) == ALL
    assert blind_check.winners(_tally(50, 200)) == ""


def test_guessing_is_beyond_chance_as_seldom_as_it_should_be() -> None:
    chance = random.Random(7)
    fewest, most = odds.interval(200, 0.99)
    outside = sum(not fewest <= chance.getrandbits(200).bit_count() <= most for _ in range(4000))
    assert outside < 80


def test_a_verdict_without_its_weaknesses_found_does_not_pass() -> None:
    clean, blind = _tally(100, 200), _tally(10, 20)
    outcome = blind_check.Outcome("SQLite", clean, {"order": blind}, [])
    verdict = blind_check.verdict([outcome], How())
    assert not verdict.passed and not verdict.found
    won = blind_check.Outcome("SQLite", clean, {"order": _tally(20, 20)}, [])
    assert blind_check.verdict([won], How()).passed
    told = blind_check.Outcome(
        "SQLite", clean, {"order": _tally(20, 20)}, [blind_check.sentence("SQLite", _tally(150, 200), Asked.WHOSE, ALL)]
    )
    assert not blind_check.verdict([told], How()).passed
