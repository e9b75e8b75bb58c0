"""The operator's hand on what is published, and a stranger's on the same files: the same bytes, and nothing unsigned."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.gate_cast import found
from tyst.cli import main
from tyst.core.court import Answer, Asked
from tyst.core.openness.traffic import Heap
from tyst.records import statistics, transparency
from tyst.records.transparency import FOLDER, TransparencyError

TODAY = datetime.now(UTC).date()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "tyst"
    folder.mkdir()
    transparency.found(folder, TODAY)
    return folder


def run(*words: object) -> int:
    return main(["transparency", *map(str, words)])


def copied(state: Path, to: Path) -> Path:
    """What a stranger downloads."""
    to.mkdir()
    for path in (state / FOLDER).iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def test_a_strangers_report_is_the_operators_byte_for_byte(state: Path, tmp_path: Path) -> None:
    statistics.add(state, {"2026-01": {"se-sto": Heap(400, 399, 0, {5: 200, 7: 199})}})
    assert run("canary", "--words", "a headline", "--omit", "no-silence", "--state", state) == 0
    assert run("count", "--asked", "search", "--answer", "nothing", "--by", "de", "--state", state) == 0
    assert run("build", "--state", state) == 0
    theirs = copied(state, tmp_path / "theirs")
    (theirs / "report.json").unlink()
    assert run("build", "--files", theirs, "--to", tmp_path / "report.json") == 0
    ours = (state / FOLDER / "report.json").read_bytes()
    assert (tmp_path / "report.json").read_bytes() == ours and b'"most": 70' in ours and b"no-silence" not in ours
    assert run("build", "--state", state) == 0 and (state / FOLDER / "report.json").read_bytes() == ours


def test_each_file_is_verified_with_the_public_keys_alone(state: Path, tmp_path: Path) -> None:
    statistics.add(state, {"2026-01": {"se-sto": Heap(9)}})
    run("canary", "--state", state)
    run("build", "--state", state)
    theirs = copied(state, tmp_path / "theirs")
    for name in ("counters.json", "canary.json", "month-2026-01.json"):
        assert run("verify", theirs / name, "--keys", theirs / "keys.json") == 0
        (theirs / name).write_bytes((theirs / name).read_bytes().replace(b"2026", b"2025"))
        assert run("verify", theirs / name, "--keys", theirs / "keys.json") == 1, "and a planted change is noticed"
    other = tmp_path / "other"
    other.mkdir()
    transparency.found(other, TODAY)
    assert run("verify", state / FOLDER / "counters.json", "--keys", other / FOLDER / "keys.json") == 1
    assert run("build", "--files", theirs, "--to", tmp_path / "report.json") == 1


def test_a_stale_canary_fails_the_check(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = (TODAY - timedelta(days=40), TODAY - timedelta(days=5))
    transparency.sing(state, "", (), days, state / transparency.CANARY_KEY)
    keys = state / FOLDER / "keys.json"
    assert run("verify", state / FOLDER / "canary.json", "--keys", keys) == 1
    assert "STALE" in capsys.readouterr().err
    assert run("build", "--state", state) == 0 and "STALE" in capsys.readouterr().out
    assert run("canary", "--state", state) == 0
    assert run("verify", state / FOLDER / "canary.json", "--keys", keys) == 0


def test_counters_that_were_put_back_are_noticed_by_whoever_kept_newer_ones(state: Path, tmp_path: Path) -> None:
    now, keys = state / FOLDER / "counters.json", state / FOLDER / "keys.json"
    zero = now.read_bytes()
    transparency.count(state, Asked.DISCLOSURE, "se", Answer.GIVEN, TODAY)
    kept = tmp_path / "kept.json"
    kept.write_bytes(now.read_bytes())
    assert run("verify", now, "--keys", keys, "--after", kept) == 0
    now.write_bytes(zero)
    assert run("verify", now, "--keys", keys, "--after", kept) == 1


def test_counters_are_not_begun_anew_and_edited_ones_are_not_counted_on(state: Path) -> None:
    assert run("init", "--state", state) == 1
    path = state / FOLDER / "counters.json"
    path.write_bytes(path.read_bytes().replace(b'"number": 0', b'"number": 1'))
    with pytest.raises(TransparencyError):
        transparency.count(state, Asked.SEARCH, "se", Answer.NOTHING, TODAY)
    path.unlink()
    with pytest.raises(TransparencyError):
        transparency.count(state, Asked.SEARCH, "se", Answer.NOTHING, TODAY)


def test_requests_at_once_are_all_counted(state: Path) -> None:
    def some() -> None:
        for _ in range(5):
            transparency.count(state, Asked.SEARCH, "se", Answer.NOTHING, TODAY)

    clerks = [threading.Thread(target=some) for _ in range(4)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert transparency.current(state).number == 20


def test_a_month_is_signed_when_its_last_hours_are_written_and_then_forgotten(state: Path) -> None:
    statistics.add(state, {"2026-01": {"se-sto": Heap(9, 9, 9)}, "2026-02": {"se-sto": Heap(3)}})
    assert transparency.sign_months(state, date(2026, 2, 2)) == []
    assert transparency.sign_months(state, date(2026, 2, 3)) == ["2026-01"]
    assert statistics.months(state) == ["2026-02"]
    signed = (state / FOLDER / "month-2026-01.json").read_bytes()
    statistics.add(state, {"2026-01": {"se-sto": Heap(1)}})
    assert transparency.sign_months(state, date(2026, 2, 3)) == []
    assert (state / FOLDER / "month-2026-01.json").read_bytes() == signed, "what was signed is never changed"


def test_a_canary_is_signed_by_the_published_key_only(state: Path, tmp_path: Path) -> None:
    assert run("canary", "--key", state / "transparency.key", "--state", state) == 1
    away = tmp_path / "stick.key"
    (state / "canary.key").rename(away)
    assert run("canary", "--state", state) == 1
    assert run("canary", "--key", away, "--state", state) == 0


def test_founding_a_provider_makes_keys_and_counters_of_zero(tmp_path: Path) -> None:
    found(tmp_path / "tyst")
    assert transparency.current(tmp_path / "tyst").number == 0
    assert {path.name for path in (tmp_path / "tyst" / FOLDER).iterdir()} == {
        "counters.json",
        "keys.json",
        "answers.crt",
    }
