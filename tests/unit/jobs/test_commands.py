"""The commands: a loop that says `ready` and nothing else, one job at a time, and the newsletter."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.cast import Clock, Shelf, person
from tyst.core.keyring import new_pair, to_text
from tyst.records.where import SQLITE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with keys and empty records."""
    from tyst.records.migrate import migrate

    migrate(tmp_path / SQLITE)
    (tmp_path / "site.keys").write_text(to_text(new_pair(os.urandom)[0]))
    return tmp_path


def _tyst(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "tyst", *map(str, words)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}


def test_jobs_say_ready_work_and_end_when_they_are_told(state: Path) -> None:
    words = _tyst("jobs", "--state", state)
    with subprocess.Popen(words, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as jobs:
        assert jobs.stdout and jobs.stdout.readline() == b"ready\n"
        jobs.send_signal(signal.SIGTERM)
        said, wrong = jobs.communicate(timeout=30)
        assert (jobs.returncode, said, wrong) == (0, b"", b"")


def test_one_job_at_a_time(state: Path) -> None:
    ran = subprocess.run(
        _tyst("jobs", "once", "keys", "--state", state), cwd=ROOT, env=ENVIRONMENT, capture_output=True
    )
    assert (ran.returncode, ran.stdout) == (0, b"keys: renewed\n"), ran.stderr
    assert (state / "order.keys").exists()


def test_an_unknown_job_and_a_missing_folder_are_said_in_a_sentence(
    work: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tyst.jobs import command

    assert command._once("polish", work) == 2
    assert "name a job: day, keys, sweep" in capsys.readouterr().err


def test_the_days_jobs_run_by_name(work: Any, shelf: Shelf, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    from tyst.jobs import command

    shelf.close = lambda seconds: None  # type: ignore[attr-defined]
    person("alice", ends=3)
    assert command._once("day", work) == 0
    said = capsys.readouterr().out
    assert "reminders: 1 letters" in said and "alice" not in said
    assert command._once("reminders", work) == 0 and len(shelf.letters) == 1, "not twice a day"


def test_a_newsletter_lacks_no_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import argparse

    from tyst.jobs import newsletter_command

    parser = argparse.ArgumentParser()
    newsletter_command.add_arguments(parser)
    args = parser.parse_args(["show", str(tmp_path)])
    for language in ("en", "sv", "de"):
        (tmp_path / f"{language}.txt").write_text("News\n\nTwo new cities.\n")
    assert newsletter_command.run(args) == 2
    (tmp_path / "no.txt").write_text("Nytt\n")
    assert newsletter_command.run(args) == 2
    assert "no.txt needs a subject" in capsys.readouterr().err
    (tmp_path / "no.txt").write_text("Nytt\n\nTo nye byer.\n")
    assert newsletter_command.run(args) == 0 and "[no] Nytt" in capsys.readouterr().out
