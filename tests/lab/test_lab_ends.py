"""A lab leaves nothing behind, however it ends; and labs don't meet."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tyst.lab import disk, record
from tyst.lab.environment import PROJECT
from tyst.lab.lab import Lab, LabError
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

BUILDER = """
import signal, sys
from tyst.lab.lab import Lab
lab = Lab.build(sys.argv[1], ["alice", "se-sto"])
lab["alice"].popen(["sleep", "4321"])
print("built", flush=True)
signal.pause()
"""


def traces(name: str) -> dict[str, object]:
    """Everything on the real machine that could be a lab's: by its name, or things that no lab may leave."""
    loops = [disk.backing(path.name) for path in Path("/sys/block").glob("loop*")]
    return {
        "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line],
        "loops": [path for path in loops if name in path],
        "processes": [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if mounts_of(pid, name)],
        "record": (record.FOLDER / name).exists(),
    }


def mounts_of(pid: int, name: str) -> bool:
    """Whether a process sees a file system of the lab: its keeper and everything in its hosts does."""
    try:
        return f"/{name}/" in Path(f"/proc/{pid}/mountinfo").read_text()
    except OSError:
        return False


NOTHING = {"mounts": [], "loops": [], "processes": [], "record": False}


def interfaces() -> list[str]:
    return sorted(os.listdir("/sys/class/net"))


def builder(name: str) -> "subprocess.Popen[str]":
    """Another process that builds a lab and waits."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    child = subprocess.Popen([sys.executable, "-c", BUILDER, name], stdout=subprocess.PIPE, text=True, env=env)
    assert child.stdout is not None
    assert child.stdout.readline() == "built\n"
    return child


@pytest.fixture
def name() -> Iterator[str]:
    name = f"test-{os.urandom(4).hex()}"
    yield name
    record.end(name)


def test_closing_leaves_nothing(name: str) -> None:
    before = interfaces()
    lab = Lab.build(name)
    lab["alice"].popen(["sleep", "4321"])
    loops = [host.loop for host in lab]
    during = traces(name)
    assert during["loops"] and during["processes"] and during["record"]
    assert interfaces() == before
    lab.close()
    assert traces(name) == NOTHING
    assert interfaces() == before
    assert [path for path in map(disk.backing, loops) if path and "/ram/" not in path] == []  # unmounted, yet held


def test_closing_twice_is_closing_once(name: str) -> None:
    lab = Lab.build(name, ["alice"])
    lab.close()
    lab.close()
    assert traces(name) == NOTHING


def test_an_error_inside_leaves_nothing(name: str) -> None:
    with pytest.raises(ZeroDivisionError), Lab.build(name, ["alice"]):
        raise ZeroDivisionError
    assert traces(name) == NOTHING


def test_a_build_that_fails_halfway_leaves_nothing_and_says_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tyst.lab.lab.views", lambda: ("/tmp/no-such-folder-to-show",))
    with pytest.raises(LabError, match="no-such-folder-to-show"):
        Lab.build(name, ["alice"])
    assert traces(name) == NOTHING


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_builder_that_is_killed_takes_its_lab_along(name: str, how: signal.Signals) -> None:
    child = builder(name)
    assert traces(name)["processes"]
    child.send_signal(how)
    child.communicate(timeout=10)
    wait_until(lambda: traces(name) == NOTHING, within=10, what="nothing to be left")


def test_down_clears_away_what_a_killed_keeper_left(name: str) -> None:
    child = builder(name)
    value = record.read(name)
    assert value is not None
    os.kill(value["keeper"], signal.SIGKILL)
    wait_until(lambda: not record.locked(name), within=5, what="the keeper to be dead")
    assert traces(name)["record"]
    record.end(name)
    assert traces(name) == NOTHING
    child.kill()
    child.communicate(timeout=10)


def test_down_ends_a_lab_that_another_process_holds(name: str) -> None:
    child = builder(name)
    assert record.end(name)
    assert traces(name) == NOTHING
    child.kill()
    child.communicate(timeout=10)


def test_two_labs_at_once_do_not_meet(name: str) -> None:
    with Lab.build(name, ["alice", "control"]) as one, Lab.build(hosts=["alice", "control"]) as other:
        assert {host.loop for host in one}.isdisjoint({host.loop for host in other})
        one["alice"].run(["ip", "link", "set", "eth0", "down"])
        assert one["alice"].run(["ping", "-c1", "-W1", "198.18.1.10"], check=False).returncode != 0
        other["alice"].run(["ping", "-c1", "-W2", "198.18.1.10"])
        one.close()
        other["alice"].run(["ping", "-c1", "-W2", "198.18.1.10"])
    assert traces(name) == NOTHING


def test_a_name_that_is_taken_is_refused_and_the_lab_lives_on(name: str) -> None:
    with Lab.build(name, ["alice"]) as lab:
        with pytest.raises(FileExistsError, match="is running"):
            Lab.build(name, ["alice"])
        lab["alice"].run(["true"])


def test_another_process_enters_a_host_by_command(name: str) -> None:
    with Lab.build(name, ["alice"]):
        command = [str(PROJECT / "tyst"), "lab", "run", "--name", name, "alice", "--", "hostname"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert (done.stdout, done.returncode) == ("alice\n", 0), done.stderr
        command[-1] = "false"
        assert subprocess.run(command, timeout=20, check=False).returncode == 1


def test_attaching_to_nothing_says_what_to_do() -> None:
    with pytest.raises(LabError, match="tyst lab list"):
        Lab.attach("no-such-lab")
