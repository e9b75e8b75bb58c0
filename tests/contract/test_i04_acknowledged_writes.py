"""I4: what was acknowledged survives SIGKILL: of a door over SQLite, and of PostgreSQL's whole server.

The power's end, which SIGKILL does not show (the page cache outlives a process), is in tests/lab/test_power_loss.py.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tyst.proof.worlds import still

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a real disk, where the server's own user may come."""
    disk = still.on_disk()
    assert disk is not None, "a sync means nothing on a RAM disk: this machine has no other"
    one = Path(tempfile.mkdtemp(prefix="tyst-acks-", dir=disk))
    one.chmod(0o711)
    yield one
    shutil.rmtree(one)


def ends(engine: str, times: int, folder: Path, patience: float) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.contract.acks.ends", "kill", engine, str(times), str(folder)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=patience)
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return said


def holds(told: dict[str, int], times: int) -> None:
    assert told["ends"] == times and told["acknowledged"] >= times
    assert (told["lost"], told["torn"], told["broken"]) == (0, 0, 0)


def test_no_acknowledged_write_is_lost_or_torn_when_a_door_is_killed(folder: Path) -> None:
    holds(ends("sqlite", 20, folder, 120), 20)


def test_no_acknowledged_write_is_lost_or_torn_when_all_of_postgresql_is_killed(folder: Path) -> None:
    holds(ends("postgresql", 2, folder, 180), 2)


@pytest.mark.night
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("engine", "times"), [("sqlite", 5_000), ("postgresql", 200)])
def test_nor_in_thousands_of_ends(engine: str, times: int, folder: Path) -> None:
    holds(ends(engine, times, folder, 3500), times)
