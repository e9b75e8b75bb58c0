"""The blind proof as CI runs it: 200 questions of each sort on SQLite, and the planted weaknesses that it must find.

The whole of it (PostgreSQL, and the memory of real processes) runs by night.
"""

import pytest

from tyst.proof import blind_check
from tyst.proof.check import How, Verdict

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    """The short form, run once."""
    return blind_check.run(How())


def test_from_all_dumps_nobody_says_better_than_a_coin_whose_is_what(verdict: Verdict) -> None:
    assert verdict.found == ()
    for asked in ("whose", "twins", "address"):
        assert verdict.figures[f"sqlite_{asked}_questions"] == blind_check.TRIALS


def test_the_same_attackers_win_where_there_is_a_weakness(verdict: Verdict) -> None:
    assert [fault.what for fault in verdict.faults if not fault.caught] == []
    assert len(verdict.faults) == 4
    assert verdict.passed


@pytest.mark.night
@pytest.mark.timeout(3600)
def test_the_same_holds_on_both_databases_and_in_the_memory_of_real_processes() -> None:
    whole = blind_check.run(How(whole=True))
    assert whole.found == ()
    assert [fault.what for fault in whole.faults if not fault.caught] == []
    assert whole.passed
