"""A loop of the agent that fails: the node stops, closed, and says where; what the fault held is let go of."""

from typing import Any

import pytest

from tyst.core.events import Event, Room, Tally
from tyst.node.agent import Agent, _Figures
from tyst.node.doors import GateState
from tyst.quiet import fence, process
from tyst.quiet.meter import Meter


async def test_a_loop_that_fails_is_counted_by_place_and_ends_the_agent() -> None:
    from tyst.node.load import load_of

    nobody: Any = None
    agent = Agent(nobody, nobody)

    async def work() -> None:
        load_of("198.51.100.77", 1, 0.0)  # type: ignore[arg-type]

    with fence.muted(Room.NODE) as voice:
        await agent._guarded(work())
        assert not await agent.run()
        assert dict(voice.tally.of(Event.FAULT)) == {"tyst.node.load:load_of": 1}
        assert list(voice.tally.news()) == ["tyst node: fault at tyst.node.load:load_of (1)"]


def test_the_nodes_figures_are_sums_in_tens(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    parts: Any = SimpleNamespace(public="lo", link=SimpleNamespace(state=GateState.CONNECTED))
    now = [1_800_000_000.0]
    meter = Meter(Room.NODE, Tally(Room.NODE), lambda: now[0])
    monkeypatch.setattr(process, "_meter", meter)
    figures = _Figures(room=100)
    figures.show(parts)
    figures.note(9)
    quiet = meter.page()
    assert "tyst_node_gate 1" in quiet and "\ntyst_node_tunnels" not in quiet and "\ntyst_node_sent_mbit" not in quiet
    figures.note(27)
    now[0] += 300
    assert "\ntyst_node_tunnels 20\n" in meter.page()
