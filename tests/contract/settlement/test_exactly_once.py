"""Exactly once: every order of up to five tellings, each with a crash before and after every statement, on SQLite and on
PostgreSQL side by side; real ends of a process; and many who tell the same at the same moment from two processes."""

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.settlement.plant import PLANTS
from tests.postgres import fresh
from tests.unit.django_once import database_path
from tyst.records.where import Where, word

ROOT = Path(__file__).resolve().parents[3]
CI = {"sqlite": 12_000, "postgresql": 8_000}
NIGHT = {"sqlite": 600_000, "postgresql": 400_000}
"""Cases for each database: the two processes take about as long."""
ENOUGH_TO_CATCH = 300


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    return _database(request.param, Path("/dev/shm"), os.getpid())


def _database(engine: str, folder: Path, number: int) -> Where:
    """A migrated, empty database that nobody else uses."""
    from tyst.records.migrate import migrate

    database_path()
    if engine == "postgresql":
        return fresh()
    path = folder / f"tyst-cases-{number}.sqlite3"
    path.unlink(missing_ok=True)
    atexit.register(path.unlink, missing_ok=True)
    migrate(path)
    return path


def _start(module: str, where: Where, state: Path, *words: str) -> "subprocess.Popen[str]":
    state.mkdir(exist_ok=True)
    command = [sys.executable, "-m", f"tests.contract.settlement.{module}", word(where), str(state), *words]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True, cwd=ROOT)


def _said(process: "subprocess.Popen[str]", patience: float) -> dict[str, object]:
    try:
        out = process.communicate(timeout=patience)[0]
    finally:
        process.kill()
    said: dict[str, object] = json.loads(out)
    return said


def _play(tmp_path: Path, counts: dict[str, int], patience: float) -> None:
    databases = {engine: _database(engine, Path("/dev/shm"), os.getpid()) for engine in counts}
    running = {name: _start("run", one, tmp_path / name, str(counts[name])) for name, one in databases.items()}
    for name, process in running.items():
        said = _said(process, patience)
        assert said["wrong"] == 0, (name, said["first"])
        assert said["played"] == counts[name], "there are fewer cases than that"


@pytest.mark.timeout(600)
def test_20000_cases_settle_exactly_once_on_both_databases(tmp_path: Path) -> None:
    _play(tmp_path, CI, 540)


@pytest.mark.night
@pytest.mark.timeout(3 * 3600)
def test_a_million_cases_settle_exactly_once_on_both_databases(tmp_path: Path) -> None:
    _play(tmp_path, NIGHT, 3 * 3600)


@pytest.mark.parametrize("plant", sorted(PLANTS))
def test_the_cases_catch_a_planted_fault(plant: str, tmp_path: Path) -> None:
    sqlite = _database("sqlite", tmp_path, 0)
    said = _said(_start("run", sqlite, tmp_path, str(ENOUGH_TO_CATCH), "--plant", plant), 60)
    assert isinstance(said["wrong"], int) and said["wrong"] >= 10, said


def test_a_killed_process_leaves_what_a_crash_leaves(where: Where, tmp_path: Path) -> None:
    said = _said(_start("kill", where, tmp_path), 120)
    assert said["wrong"] == [] and int(str(said["killed"])) >= 20, said


def test_of_200_tellings_from_two_processes_one_grants(where: Where, tmp_path: Path) -> None:
    first = _start("together", where, tmp_path, "prepare")
    assert _said(first, 60)["ready"]
    halves = [_start("together", where, tmp_path, "tell") for _ in range(2)]
    said = [_said(half, 120) for half in halves]
    assert [sum(int(str(one[name])) for one in said) for name in ("granted", "again", "receipts")] == [1, 199, 1]
    looked = _said(_start("together", where, tmp_path, "look"), 60)
    assert looked == {"days": 30, "sold": 1}
