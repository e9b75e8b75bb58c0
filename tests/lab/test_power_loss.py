"""I4, below the kernel: what was acknowledged is on the block device, and a machine that loses its power keeps it.

The disk is an image on a loop device; at the moment of the failure the device's content is copied, so that nothing of
the kernel's page cache is in it. The same without syncs loses writes: so the test would notice.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab
ROOT = Path(__file__).resolve().parents[2]
APART = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]


def failures(engine: str, times: int, care: str, patience: float = 120) -> dict[str, int]:
    with tempfile.TemporaryDirectory(prefix="tyst-power-", dir="/dev/shm") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user goes through
        words = ["power", engine, str(times), folder, care]
        command = [*APART, sys.executable, "-m", "tests.contract.acks.ends", *words]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=patience)
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return said


def holds(told: dict[str, int], times: int) -> None:
    assert told["ends"] == times and told["acknowledged"] >= times
    assert (told["lost"], told["torn"], told["broken"]) == (0, 0, 0)


def test_no_acknowledged_write_is_lost_or_torn_when_the_power_fails() -> None:
    holds(failures("sqlite", 6, "safe"), 6)


def test_without_syncs_the_same_failures_lose_writes() -> None:
    told = failures("sqlite", 4, "careless")
    assert told["lost"] + told["broken"] > 0


@pytest.mark.night
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("engine", "times"), [("sqlite", 500), ("postgresql", 30)])
def test_nor_in_many_failures(engine: str, times: int) -> None:
    holds(failures(engine, times, "safe", 1700), times)


@pytest.mark.night
def test_without_syncs_postgresql_loses_writes_too() -> None:
    told = failures("postgresql", 5, "careless", 250)
    assert told["lost"] + told["broken"] > 0
