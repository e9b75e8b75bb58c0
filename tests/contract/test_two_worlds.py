"""The proof's checks `worlds` and `bytes`: they hold on our own rooms, and every planted weakness is caught.

The real gate, site and node over loopback, on SQLite and on a real PostgreSQL. Items 1 to 8 of the promises: whatever
tells a connect by Alice from one by Bob would have to be in memory.
"""

import pytest

from tyst.proof import bytes_check, worlds_check
from tyst.proof.check import How, Verdict
from tyst.proof.worlds import asked, faults, still


def holds(verdict: Verdict) -> None:
    assert verdict.found == ()
    assert [fault.what for fault in verdict.faults if not fault.caught] == []
    assert verdict.passed
    assert not [word for word in verdict.cannot if "isn't installed" in word], "tools/setup.sh --dev installs it"


@pytest.fixture(scope="module")
def worlds() -> Verdict:
    return worlds_check.run(How())


def test_what_is_stored_after_alice_connected_is_what_is_stored_after_bob_did(worlds: Verdict) -> None:
    holds(worlds)
    assert worlds.figures["sqlite_worlds"] == worlds.figures["postgresql_worlds"] == 8
    assert worlds.figures["sqlite_moments_compared"] > 25


def test_every_weakness_was_planted_on_the_database_that_could_betray_it(worlds: Verdict) -> None:
    planted = {fault.what for fault in worlds.faults}
    assert {f"SQLite: {one.what}" for one in faults.WEAKNESSES.values()} <= planted
    assert {f"PostgreSQL: {one.what}" for one in faults.OF_POSTGRESQL.values()} <= planted


def test_a_day_of_use_writes_not_a_byte_and_planted_bytes_are_seen() -> None:
    verdict = bytes_check.run(How())
    holds(verdict)
    planted = {fault.what for fault in verdict.faults}
    assert planted == {f"SQLite: {one.what}" for one in still.FAULTS.values()} | {
        f"PostgreSQL: {one.what}" for one in still.OF_POSTGRESQL.values()
    }


def test_a_run_that_does_not_get_through_is_found() -> None:
    assert asked.ask("no such database").found != []


@pytest.mark.night
def test_the_worlds_are_the_same_with_other_randomness_and_over_midnight() -> None:
    holds(worlds_check.run(How(whole=True)))
