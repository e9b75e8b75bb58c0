"""What is seen of a relay, and when it is worth a fresh one."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tyst.node.reach import relay
from tyst.node.reach.relay import Program, Relay, Traces, traces


def test_sockets_of_a_process_and_its_children_are_counted_and_those_of_a_stranger_are_not() -> None:
    code = 'import os, socket, sys; s = socket.socketpair(); os.fork() or s[0].close(); os.write(1, b"1\\n"); input()'
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None and child.stdout is not None
    try:
        assert [child.stdout.readline() for _ in range(2)] == ["1\n", "1\n"]
        assert traces(child.pid).sockets == 3
    finally:
        child.communicate("\n\n", timeout=10)
    assert traces(child.pid) == Traces(0, 0)


def test_a_memory_file_can_be_read_and_not_written() -> None:
    handle = relay._in_memory("x", "secret")
    path = Path(f"/proc/self/fd/{handle}")
    assert path.read_text() == "secret"
    with pytest.raises(PermissionError):
        path.write_text("y")
    os.close(handle)


@pytest.mark.parametrize(
    ("looks", "clock", "returns"),
    [
        ([Traces(1, 0)] * 9, 1.0, False),
        ([Traces(1, 0), Traces(3, 5), Traces(1, 9), Traces(1, 9)], 1.0, True),
        ([Traces(1, 0), *[Traces(1, 4)] * 8], 30.0, True),
        ([Traces(1, 0), *[Traces(3, 4)] * 8], 30.0, False),
        ([Traces(1, 0)] * 9, 30.0, False),
    ],
)
async def test_a_relay_is_spent_when_it_served_somebody_or_woke_long_ago(
    looks: list[Traces], clock: float, returns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, seen = [0.0], iter(looks)

    def look(pid: int) -> Traces:
        now[0] += clock
        try:
            return next(seen)
        except StopIteration:
            raise asyncio.CancelledError from None

    monkeypatch.setattr(relay, "traces", look)
    monkeypatch.setattr(relay, "LOOK_SECONDS", 0.0)
    one = Relay(Program("none", 1, 1, lambda _: (), {}), lambda: now[0])
    watching = one._until_spent(type("Daemon", (), {"pid": 1}))  # type: ignore[arg-type]
    if returns:
        await watching
    else:
        with pytest.raises(asyncio.CancelledError):
            await watching


def test_sockets_are_known_by_their_kind() -> None:
    with socket.socket() as one:
        assert one.fileno() >= 0 and traces(os.getpid()).sockets >= 1
