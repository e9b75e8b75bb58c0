"""Row 47, the libraries' part: whoever speaks in a process of ours, with whatever it was given, is heard nowhere.

Each speaker of `speakers.py` says its mark: with the fence it is in no stream, no file and no log daemon; without it
(the planted fault) it is.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.contract.speakers import SPEAKERS, mark
from tyst.core.events import LINE

NAMES = [*SPEAKERS, "dying"]


@dataclass
class Heard:
    """All that a process said, by every way."""

    out: str
    err: str
    files: str
    daemon: list[str] = field(default_factory=list)

    def all(self) -> str:
        return "\n".join((self.out, self.err, self.files, *self.daemon))


class Daemon:
    """A log daemon's socket."""

    def __init__(self, path: Path) -> None:
        self.said: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.1)
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self.said.append(self._socket.recv(65536).decode())
            except TimeoutError:
                if self._over:
                    return

    def stop(self) -> None:
        self._over = True
        self._thread.join(10)
        self._socket.close()


def listened(how: str, folder: Path) -> Heard:
    daemon = Daemon(folder / "daemon")
    env = {**os.environ, "PYTHONPATH": "src:.", "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.speakers", how, str(folder)],
        capture_output=True, text=True, timeout=60, env=env, check=False,
    )  # fmt: skip
    daemon.stop()
    files = "".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())
    assert done.returncode == 1, "the last speaker ends the process"
    return Heard(done.stdout, done.stderr, files, daemon.said)


@pytest.fixture(scope="module")
def fenced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    yield listened("fenced", tmp_path_factory.mktemp("fenced"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heard]:
    yield listened("bare", tmp_path_factory.mktemp("bare"))


def spoken(name: str, heard: Heard) -> bool:
    """Whether a mark came through; of a traceback's function names, with underscores."""
    said = heard.all()
    return mark(name) in said or mark(name).replace("-", "_").replace(".", "_") in said


@pytest.mark.parametrize("name", NAMES)
def test_a_library_that_speaks_of_alice_is_heard_nowhere(fenced: Heard, name: str) -> None:
    assert not spoken(name, fenced), fenced.all()[-2000:]


@pytest.mark.parametrize("name", NAMES)
def test_without_the_fence_it_is_heard(bare: Heard, name: str) -> None:
    assert spoken(name, bare)


def test_what_is_said_instead_is_kinds_places_and_counts(fenced: Heard) -> None:
    lines = (fenced.out + fenced.err).splitlines()
    assert lines and all(LINE.fullmatch(one) for one in lines), lines
    assert not any(word in fenced.all() for word in ("alice", "198.51", "AliceError", "Traceback"))
    assert "tyst gate: stopped by a fault at elsewhere" in lines
    assert any(one.startswith("tyst gate: a library spoke (10)") for one in lines), lines
    assert fenced.files == "" and fenced.daemon == []
