"""The gate's door when our own code fails on somebody: a fixed answer, a place that is counted, and nothing kept."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from tyst.core.events import Event, Room
from tyst.gate import door
from tyst.gate.door import Door, Path
from tyst.gate.refusals import No
from tyst.gate.room import Gate
from tyst.messages.codec import encode
from tyst.messages.network import NetworkOf
from tyst.quiet import fence, process
from tyst.quiet.fence import Voice

MARK = "alice-at-198.51.100.77"
NO_GATE: Any = None
"""The door alone is tried."""


class Held:
    """What a request brought, as a local of the code that failed."""


@pytest.fixture
def voice(capfd: pytest.CaptureFixture[str]) -> Iterator[Voice]:
    with fence.muted(Room.GATE) as mine:
        yield mine


async def failing(gate: Gate, name: str, asked: Any) -> Any:
    """A handler with a mistake."""
    held = Held()
    seen.append(weakref.ref(held))
    raise RuntimeError(f"{MARK} {held}")


seen: list["weakref.ref[Held]"] = []


async def asked(path: str) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": encode(NetworkOf()), "more_body": False}

    async def send(event: Any) -> None:
        sent.append(event)

    await Door(NO_GATE)({"type": "http", "path": path, "method": "POST"}, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def test_a_fault_is_answered_with_fixed_words_counted_by_place_and_let_go_of(
    voice: Voice, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(door.PATHS, "/v1/enrol", Path(None, NetworkOf, failing))
    seen.clear()
    gc.disable()
    try:
        for _ in range(3):
            status, body = await asked("/v1/enrol")
            assert (status, body) == (No.INTERNAL.status, encode(No.INTERNAL.message))
        assert [one() for one in seen] == [None] * 3, "no frame holds what the requests brought"
    finally:
        gc.enable()
    assert dict(voice.tally.of(Event.FAULT)) == {"tyst.gate.door:_answer": 3}
    voice.tell()
    said = capfd.readouterr()
    assert said.out == "" and said.err == "tyst gate: fault at tyst.gate.door:_answer (3)\n"


async def test_a_refusal_is_no_fault(voice: Voice) -> None:
    status, _ = await asked("/v1/nowhere")
    assert status == No.PATH.status and not voice.tally.of(Event.FAULT)


async def test_without_figures_nothing_is_counted_of_what_is_asked(voice: Voice) -> None:
    assert process._meter is None
    await asked("/v1/nowhere")
    assert list(voice.tally.news()) == []
