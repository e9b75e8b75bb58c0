"""Exchanges have a pace and growing numbers; a device that lost the agreed key is let in anew."""

import pytest

from tests.unit.node.stage import Stage
from tyst.core.wireguard.handshake import Initiation
from tyst.node import rekeyed
from tyst.node.rekeyed import Rekeyed
from tyst.node.states import State


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeyed, "LOOKS_AFTER", 0.0)


def test_mallory_cannot_repeat_alices_question_nor_ask_all_the_time() -> None:
    one = Rekeyed()
    assert one.takes(1, 0.0) and not one.takes(1, 100.0) and not one.takes(0, 100.0)
    assert one.takes(2, 100.0) and not one.takes(3, 101.0) and one.takes(3, 105.0)


def try_again(stage: Stage, stamp: int) -> None:
    """Alice's machine begins a handshake."""
    assert stage.tunnels.doubts(stage.key("alice")) == (stage.key("alice") in stage.kernel.peers)
    stage.tunnels.tried(Initiation(stage.key("alice"), stamp.to_bytes(12)))


async def agreed(stage: Stage) -> None:
    """Alice is connected, and has exchanged keys."""
    await stage.connect("alice")
    tunnel = stage.tunnels.table.get(stage.key("alice"))
    assert tunnel is not None and tunnel.state is State.OPEN
    tunnel.rekeyed = Rekeyed()
    assert tunnel.rekeyed.takes(1, stage.time)


async def test_three_initiations_that_no_handshake_follows_end_the_tunnel() -> None:
    stage = Stage()
    await agreed(stage)
    stage.time += 60
    for number in range(3):
        try_again(stage, number + 1)
        stage.time += 5
    await stage.settle()
    assert not stage.tunnels.served(stage.key("alice")) and stage.key("alice") not in stage.kernel.peers
    await stage.connect("alice")
    assert stage.tunnels.served(stage.key("alice"))


async def test_a_tunnel_whose_handshakes_succeed_goes_on() -> None:
    stage = Stage()
    await agreed(stage)
    stage.time += 60
    for number in range(9):
        try_again(stage, number + 1)
        await stage.speak("alice")
        stage.time += 5
    await stage.settle()
    assert stage.tunnels.served(stage.key("alice"))


async def test_who_agreed_on_nothing_is_left_alone() -> None:
    stage = Stage()
    await stage.connect("alice")
    stage.time += 60
    assert not stage.tunnels.doubts(stage.key("alice"))
    for number in range(9):
        stage.tunnels.tried(Initiation(stage.key("alice"), number.to_bytes(12)))
    await stage.settle()
    assert stage.tunnels.served(stage.key("alice"))


async def test_mallory_cannot_end_alices_tunnel_with_recordings() -> None:
    stage = Stage()
    await agreed(stage)
    stage.time += 60
    try_again(stage, 7)
    await stage.speak("alice")
    stage.time += 30
    for stamp in (5, 6, 7, 7, 7, 7):
        try_again(stage, stamp)
    await stage.settle()
    assert stage.tunnels.served(stage.key("alice"))
