"""Row 47 and invariant I21, our own doors: real processes of site, gate and jobs whose code fails on Alice, or that are
killed, say where and how often, and no file, stream or memory holds her.

The planted fault is the same site without its fence, whose libraries log. Also what their figures show, to whom, and
that reading them writes nothing.
"""

import contextlib
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.mail.sender import holds
from tyst.core.events import LINE
from tyst.core.metric import METRICS
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.lab.wait import wait_until
from tyst.proof.engine import Engine
from tyst.proof.sources import FileSource

NAME = "alice-of-row-47"
PATIENCE = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


@dataclass
class Running:
    """A process of ours: what it says goes to files."""

    process: "subprocess.Popen[str]"
    said: Path
    figures: int

    def words(self) -> str:
        return self.said.read_text()

    def ready(self) -> None:
        ends = time.monotonic() + PATIENCE
        while self.words() != "ready\n":
            assert self.process.poll() is None and time.monotonic() < ends, self.words()
            time.sleep(0.05)

    def stop(self) -> list[str]:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return self.words().splitlines()


@dataclass
class Provider:
    """The rooms that run on one host."""

    state: Path
    site_port: int
    rooms: dict[str, Running]


def begun(words: list[str], said: Path) -> Running:
    figures = free_port()
    command = [str(Path("tyst").resolve()), *words, "--metrics", f"127.0.0.1:{figures}"]
    with said.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, text=True, cwd=said.parent, env=environment())
    return Running(process, said, figures)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path("src").resolve()), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    root = tmp_path_factory.mktemp("doors")
    state, port, gate = root / "state", free_port(), free_port()
    init = ["fleet", "init", "--state", str(state), "--site", "https://localhost", "--gate-name", "localhost"]
    subprocess.run(
        [sys.executable, "-m", "tyst", *init], check=True, capture_output=True, env=environment(), timeout=60
    )
    at = ["--state", str(state)]
    rooms = {
        "gate": begun(["gate", *at, "--listen", f"127.0.0.1:{gate}"], root / "gate.txt"),
        "site": begun(
            ["serve", *at, "--http", f"127.0.0.1:{port}", "--gate", f"https://localhost:{gate}"], root / "site.txt"
        ),
        "jobs": begun(["jobs", *at], root / "jobs.txt"),
    }
    try:
        for one in rooms.values():
            one.ready()
        with contextlib.closing(sqlite3.connect(state / "records.sqlite3")) as records, records:
            records.execute("ALTER TABLE account RENAME TO gone")  # the planted mistake: sign-in finds no table
        yield Provider(state, port, rooms)
    finally:
        for one in rooms.values():
            with contextlib.suppress(ProcessLookupError):
                one.process.kill()
            one.process.wait(PATIENCE)


def asked(port: int, path: str, method: str = "GET", body: str = "", **fields: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def sign_in(provider: Provider) -> int:
    form = urlencode({"username": NAME, "password": f"password of {NAME}"})
    origin = f"http://127.0.0.1:{provider.site_port}"
    kind = "application/x-www-form-urlencoded"
    fields = {"Origin": origin, "Content-Type": kind}
    return asked(provider.site_port, "/en/signin", "POST", form, **fields)[0]


def test_figures_are_read_from_loopback_and_write_nothing(provider: Provider) -> None:
    known = {one.name.removesuffix("_total") for one in METRICS}
    before = _files(provider.state)
    for room in provider.rooms.values():
        for _ in range(20):
            status, page = asked(room.figures, "/metrics")
            assert status == 200
        found = {one.name for one in text_string_to_metric_families(page)}
        assert found and found <= known
        assert asked(room.figures, "/metrics", Host="evil.test")[0] == 403
        assert asked(room.figures, "/")[0] == 404
    assert _files(provider.state) == before
    assert all(one.words() == "ready\n" for one in provider.rooms.values())


def _files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and moment of each file; the jobs have rounds of their own."""
    jobs = ("jobs", "order.keys", "staff.json")
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(jobs)
    }


def test_figures_are_shown_nowhere_unless_they_are_asked_for(tmp_path: Path) -> None:
    for words in (["gate", "--metrics", "0.0.0.0:9464"], ["jobs", "--metrics", ":9464"]):
        command = [sys.executable, "-m", "tyst", *words, "--state", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=False)
        assert done.returncode == 2 and "loopback only" in done.stderr


def test_a_site_that_fails_on_alice_says_where_and_how_often_when_it_ends(provider: Provider) -> None:
    site = provider.rooms["site"]
    assert [sign_in(provider) for _ in range(3)] == [500, 500, 500]
    for _ in range(12):
        asked(provider.site_port, f"/en/{NAME}")
    assert site.words() == "ready\n", "no line has the moment of a request"
    wait_until(lambda: not holds(site.process.pid, NAME), within=PATIENCE, what="the faults to be let go of")
    lines = site.stop()
    assert not found_in(provider.state.parent)
    assert all(LINE.fullmatch(one) for one in lines), lines
    faults = [one for one in lines if one.startswith("tyst site: fault at tyst.")]
    assert faults and faults[0].endswith("(3)"), lines
    assert not any(NAME in one or "no such table" in one for one in lines)


def test_a_gate_that_is_talked_to_in_garbage_says_nothing_of_it(provider: Provider) -> None:
    gate = provider.rooms["gate"]
    listening = int(gate.process.args[gate.process.args.index("--listen") + 1].rpartition(":")[2])  # type: ignore[index, union-attr, arg-type]
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", listening), timeout=PATIENCE) as line:
            line.sendall(f"GET /{NAME} HTTP/1.1\r\n\r\n".encode())
            with contextlib.suppress(OSError):
                line.recv(100)
    lines = gate.stop()
    assert lines[0] == "ready" and all(LINE.fullmatch(one) for one in lines), lines
    assert NAME not in gate.words()


def test_i21_a_process_that_crashes_leaves_no_core_and_no_word(provider: Provider) -> None:
    jobs = provider.rooms["jobs"]
    jobs.process.send_signal(signal.SIGABRT)
    jobs.process.wait(PATIENCE)
    assert jobs.words() == "ready\n"
    assert not any(path.name.startswith("core") for path in provider.state.parent.rglob("*"))


LEAKY = """
import contextlib, sys
from tyst.core.events import Room
from tyst.quiet import process
from tyst.quiet.fence import Voice
from tyst.site import settings

settings.LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"all": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["all"], "level": "DEBUG"},
}
process.running = lambda room, args: contextlib.nullcontext(Voice(room))

from tyst.cli import main

sys.exit(main(sys.argv[1:]))
"""


def test_i21_the_same_site_without_its_fence_is_caught(provider: Provider) -> None:
    said, port = provider.state.parent / "leaky.txt", free_port()
    words = ["serve", "--state", str(provider.state), "--http", f"127.0.0.1:{port}", "--gate", "https://localhost:1"]
    with sqlite3.connect(provider.state / "records.sqlite3") as records:
        records.execute("ALTER TABLE gone RENAME TO account")
    records.close()
    with said.open("w") as out:
        command = [sys.executable, "-c", LEAKY, *words]
        process = subprocess.Popen(command, stdout=out, stderr=out, text=True, env=environment())
    site = Running(process, said, 0)
    try:
        wait_until(lambda: "ready\n" in site.words(), within=PATIENCE, what="the leaky site")
        assert asked(port, f"/en/{NAME}")[0] == 404
        wait_until(lambda: bool(found_in(said.parent)), within=PATIENCE, what="the leak")
        assert not all(LINE.fullmatch(one) for one in site.words().splitlines())
    finally:
        process.kill()
        process.wait(PATIENCE)
        said.unlink()


def found_in(folder: Path) -> list[str]:
    """The files in which she is, in any of the proof's encodings."""
    engine = Engine(scan_set_of([Mark("alice", MarkKind.TEXT, NAME)]))
    return [
        str(path) for path in sorted(folder.rglob("*")) if path.is_file() and engine.search(FileSource(path)).counted
    ]
