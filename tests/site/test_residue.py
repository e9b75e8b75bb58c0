"""What is left in the site's memory of those who visited: nothing, a few seconds after their connections closed."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site.conftest import free_port
from tests.site.world import World

ADDRESS = "127.77.66.55"
AGENT, COOKIE, PAGE = "MarkedAgent7391", "markedcookie9921", "markedpath5512"
NAME, WORD, MEMBER = "markeduser4471", "markedpass88213", "markedmember7719"
MARKS = [text.encode() for text in (ADDRESS, AGENT, COOKIE, PAGE, NAME, WORD, MEMBER)] + [bytes([127, 77, 66, 55])]


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[World]:
    """A site of its own, so that no other test's visitors are in it."""
    one = World(tmp_path)
    one.start(free_port(), free_port())
    yield one
    one.stop()


def found(pid: int) -> set[bytes]:
    """Which marks are anywhere in the process's memory."""
    seen: set[bytes] = set()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ ", line)
            if match and "[v" not in line:
                low, high = int(match[1], 16), int(match[2], 16)
                try:
                    memory.seek(low)
                    data = memory.read(high - low)
                except OSError:
                    continue
                seen |= {mark for mark in MARKS if mark in data}
    return seen


def _visit(url: str, path: str, *form: str) -> None:
    words = ["curl", "-sk", "-m", "20", "-o", "/dev/null", "--interface", ADDRESS, "-A", AGENT]
    words += ["-H", f"Origin: {url}", "-b", f"session={COOKIE}", *form, url + path]
    subprocess.run(words, timeout=30, check=True)


def test_visitors_leave_nothing_in_memory(quiet: World) -> None:
    assert quiet.process is not None
    pid = quiet.process.pid
    port = int(quiet.http_url.rpartition(":")[2])
    head = f"GET /en/{PAGE} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: {AGENT}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(ADDRESS, 0)) as one:
        one.sendall(head.encode())
        assert one.recv(1000)
        assert {ADDRESS.encode(), AGENT.encode()} & found(pid), "an open connection is in memory, so the scan can see"
    for url in (quiet.url, quiet.http_url):
        for _ in range(10):
            _visit(url, f"/en/{PAGE}?{PAGE}")
            _visit(url, "/en/signin", "-d", f"username={NAME}&password={WORD}")
    _visit(quiet.url, "/en/signup", "-d", f"username={MEMBER}&password={WORD}&country=se")
    assert quiet.sql("DELETE FROM account WHERE username = ? RETURNING 1", MEMBER) == [(1,)]
    deadline = time.monotonic() + 20
    while (left := found(pid)) and time.monotonic() < deadline:
        continue
    assert left == set()
