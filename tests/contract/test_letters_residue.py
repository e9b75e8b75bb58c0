"""A real site, a real mail server: while a letter waits its address is in the site's memory, and once it is taken it is in
no memory and no file of the provider's."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.contract.mail.sender import holds
from tyst.lab.ca import Authority
from tyst.lab.shop.smtp import FakeSmtp
from tyst.mail import config
from tyst.mail.config import Config

ROOT = Path(__file__).parents[2]
SECONDS = 60


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Within a deadline."""
    ends = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.2)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of a RAM disk."""
    with TemporaryDirectory(prefix="tyst-letters-", dir="/dev/shm") as name:
        yield Path(name)


@pytest.fixture
def server(folder: Path) -> Iterator[FakeSmtp]:
    fake = FakeSmtp(folder / "smtp", Authority())
    yield fake
    fake.close()


@pytest.fixture
def site(folder: Path, server: FakeSmtp) -> Iterator[tuple[int, str]]:
    """A site that sends mail: (its process, its address)."""
    state = folder / "state"
    found = ("--state", state, "--site", "https://tyst.test", "--gate-name", "gate.tyst.test")
    subprocess.run([ROOT / "tyst", "fleet", "init", *found], check=True, timeout=SECONDS, capture_output=True)
    config.write(state, Config("Tyst <hello@tyst.test>", ("smtp",), {"smtp": server.answers()}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--state", str(state), "--http", f"127.0.0.1:{port}", "--gate", "https://gate.tyst.test:8443"]
    with subprocess.Popen([str(ROOT / "tyst"), "serve", *words], stdout=subprocess.PIPE, stderr=sys.stderr) as running:
        assert running.stdout and running.stdout.readline() == b"ready\n"
        yield running.pid, f"http://localhost:{port}"
        running.terminate()


def test_an_address_is_in_memory_while_its_letter_waits_and_nowhere_afterwards(
    site: tuple[int, str], server: FakeSmtp, folder: Path
) -> None:
    pid, url = site
    name, address = f"u{os.urandom(5).hex()}", f"{os.urandom(9).hex()}@example.org"
    password, server.password = server.password, "another"
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=SECONDS, trust_env=False) as alice:
        words = {"username": name, "password": "a quiet passphrase", "currency": "EUR", "country": "se"}
        assert alice.post("/en/signup", data=words).status_code == 200
        settings = {"language": "en", "currency": "EUR", "email": address}
        assert alice.post("/en/account/settings", data=settings).status_code == 200
    wait_until(lambda: bool(server.greeted), "the letter was tried")
    assert holds(pid, address), "the waiting letter is found"
    server.password = password
    [letter] = server.wait_for(1, SECONDS)
    token = re.search(r"confirm/(\S+)", letter.text)
    assert token and letter.to == address
    for mark in (address, token.group(1)):
        wait_until(lambda mark=mark: not holds(pid, mark), "the letter is still in memory")  # type: ignore[misc]
    kept = [path for path in (folder / "state").rglob("*") if path.is_file() and address.encode() in path.read_bytes()]
    assert kept == [], "an address that has not said yes is in no file"
