"""`tyst up` gives a person a whole provider, and `tyst down` takes it away without a trace."""

import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tyst.lab import record
from tyst.lab.bringup import TYST
from tyst.lab.wait import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

PORT = 8017


def tyst(*words: str, timeout: float = 90) -> str:
    done = subprocess.run([TYST, *words], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    return done.stdout


def links() -> str:
    return subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, timeout=10, check=True).stdout


def pids() -> list[int]:
    """The hosts' init processes: everything that runs in a host ends with its init."""
    value = record.read(record.CURRENT)
    assert value is not None
    return [value["keeper"], *(host["pid"] for host in value["hosts"].values())]


@pytest.fixture(scope="module")
def up() -> Iterator[dict[str, object]]:
    assert not record.locked(record.CURRENT), "a provider is up on this machine: ./tyst down ends it"
    before: dict[str, object] = {"links": links()}
    before["said"] = tyst("up", "--background", "--port", str(PORT))
    yield before
    tyst("down")


def test_it_says_where_to_go_and_the_site_answers_there(up: dict[str, object]) -> None:
    assert f"http://localhost:{PORT}" in str(up["said"])
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/en/", timeout=10) as page:
        assert page.status == 200 and b"Tyst" in page.read()


def test_a_voucher_is_issued_without_knowing_where_the_state_is(up: dict[str, object]) -> None:
    code = tyst("voucher", "issue", "--days", "30").strip()
    assert code.count("-") == 3 and len(code.replace("-", "")) == 18


def test_alices_machine_can_be_entered(up: dict[str, object]) -> None:
    assert "198.51.100.11" in tyst("lab", "run", "alice", "--", "curl", "-4", "-s", "-m", "5", "http://echo.test")


def test_a_second_up_is_refused_in_one_sentence(up: dict[str, object]) -> None:
    done = subprocess.run([TYST, "up"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "tyst down" in done.stderr


def test_the_machines_own_network_is_as_before(up: dict[str, object]) -> None:
    assert links() == up["links"]


def test_down_leaves_nothing(up: dict[str, object]) -> None:
    hosts = pids()
    assert all(Path(f"/proc/{pid}").exists() for pid in hosts)
    tyst("down")
    assert not record.locked(record.CURRENT)
    assert links() == up["links"]
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in hosts), within=5, what="the hosts to end")
    assert not (record.FOLDER / record.CURRENT).exists()
