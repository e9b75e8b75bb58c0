"""The unsafe switch on a machine of its own: with an address of the world, or of somebody's network, no room starts."""

import subprocess
import sys
from pathlib import Path

import pytest

from tyst.lab.environment import PROJECT

pytestmark = pytest.mark.lab

ROOMS = {
    "gate": ["gate"],
    "site": ["serve", "--http", "127.0.0.1:8000"],
    "jobs": ["jobs"],
    "node": ["node", "--no-openvpn"],
}


def started(room: str, address: str, state: Path) -> "subprocess.CompletedProcess[str]":
    """A room in a network namespace of its own that has loopback and one more address."""
    words = [sys.executable, "-m", "tyst", *ROOMS[room], "--state", str(state), "--unsafe-debug-logging"]
    script = 'ip link set lo up && ip address add "$1" dev lo && shift && exec "$@"'
    command = ["unshare", "--net", "sh", "-c", script, "sh", address, *words]
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(PROJECT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)


@pytest.mark.parametrize(
    ("room", "address"),
    [*((room, "185.65.134.1/32") for room in ROOMS), ("gate", "2a03:1b20::1/128"), ("gate", "10.128.0.2/32")],
)
def test_no_room_logs_on_a_machine_that_can_be_reached(room: str, address: str, tmp_path: Path) -> None:
    ended = started(room, address, tmp_path)
    assert ended.returncode in (1, 2) and "--unsafe-debug-logging is for a lab" in ended.stderr
    assert "UnsafeDebugLogging" not in ended.stderr.replace("--unsafe-debug-logging", "")


def test_in_a_lab_it_warns_and_goes_on(tmp_path: Path) -> None:
    ended = started("gate", "198.18.1.10/24", tmp_path)
    assert "UnsafeDebugLogging: this process logs addresses" in ended.stderr
    assert "there is no gate.keys here" in ended.stderr, "it would have started"
