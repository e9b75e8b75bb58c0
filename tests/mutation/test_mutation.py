"""At night: no mutant of the money's code survives its tests, but for those in survivors.toml, each with its reason."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.mutation.targets import TARGETS

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
LISTED: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "survivors.toml").read_text("utf-8"))


@pytest.mark.night
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("module", sorted(TARGETS))
def test_no_mutant_survives_without_a_written_reason(module: str) -> None:
    words = [sys.executable, "-m", "tests.mutation", module]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=7000)
    assert run.returncode == 0, run.stderr[-2000:]
    survived, listed = set(run.stdout.splitlines()), LISTED.get(module, {}).keys()
    assert survived - listed == set(), "a test is missing, or a reason in survivors.toml"
    assert listed - survived == set(), (
        "these are found now, or are no mutants any more: take them out of survivors.toml"
    )
