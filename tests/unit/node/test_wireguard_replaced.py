"""A daemon that is put down while its successor starts: the keeper of both notices its end before whoever ended it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tyst.node.drivers.process import Daemon
from tyst.node.drivers.wireguard import UserspaceWireGuard


class Slow:
    """A program that is gone before the call that ends it returns."""

    running = True

    def __init__(self) -> None:
        self.returns = asyncio.Event()

    async def stop(self) -> None:
        await self.returns.wait()


async def test_the_end_of_one_daemon_does_not_take_the_next_ones_socket_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, socket = UserspaceWireGuard("wg-test", tmp_path), tmp_path / "wg-test.sock"
    old = Slow()

    async def begun(*_: Any, **__: Any) -> Slow:
        socket.touch()
        return Slow()

    async def done(*_: Any) -> None: ...

    monkeypatch.setattr(Daemon, "start", begun)
    monkeypatch.setattr(one, "_appear", done)
    monkeypatch.setattr(one._changes, "set", done)
    one._daemon = old  # type: ignore[assignment]
    socket.touch()
    ending = asyncio.create_task(one.stop())
    await asyncio.sleep(0)
    await one.start(bytes(32), 51820)
    old.returns.set()
    await ending
    assert socket.exists(), "the next one can be spoken to"


async def test_told_to_stop_it_leaves_no_socket(tmp_path: Path) -> None:
    one, socket = UserspaceWireGuard("wg-test", tmp_path), tmp_path / "wg-test.sock"
    socket.touch()
    await one.stop()
    assert not socket.exists()
