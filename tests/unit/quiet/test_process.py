"""A running process: what was counted is told when the UTC day turns, and figures exist only where they were asked for."""

import argparse
import logging
from typing import Any

import pytest

from tyst.core import metric
from tyst.core.events import Event, Room
from tyst.core.rounding import month_of
from tyst.quiet import fence, process
from tyst.quiet.fence import Voice


class Nights:
    """Stands for the event that ends the process: so many nights pass first."""

    def __init__(self, count: int) -> None:
        self.left, self.waited = count, list[float]()

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.left -= 1
        return self.left < 0


def test_counts_are_told_at_midnight_and_at_no_other_time(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tyst.quiet.process.time.time", lambda: 20_000 * 86400.0 + 82_800)
    voice = Voice(Room.SITE)
    voice.tally.count(Event.FAULT, "tyst.site.pages.join:sign_in")
    nights: Any = Nights(2)
    process._days(voice, nights)
    assert nights.waited == [3600.0] * 3, "until the day turns"
    assert capfd.readouterr().err == "tyst site: fault at tyst.site.pages.join:sign_in (1)\n", "told once"


def test_without_the_option_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    args = argparse.Namespace(metrics=None, unsafe_debug_logging=False)
    with process.running(Room.SITE, args):
        process.count(metric.SITE_ANSWERS, "2xx")
        process.ask(metric.LETTERS, lambda: 1)
        assert process._meter is None
        assert fence.voice() is not None
    assert fence.voice() is None


def test_the_words_of_every_room(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    process.add_arguments(parser)
    assert parser.parse_args([]) == argparse.Namespace(metrics=None, unsafe_debug_logging=False)
    assert parser.parse_args(["--metrics", "[::1]:9464"]).metrics == ("::1", 9464)
    with pytest.raises(SystemExit):
        parser.parse_args(["--metrics", "0.0.0.0:9464"])
    assert "loopback only" in capsys.readouterr().err


def test_no_environment_variable_opens_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEBUG", "TYST_DEBUG", "PYTHONASYNCIODEBUG", "PYTHONWARNINGS", "PYTHONDEVMODE", "LOGLEVEL"):
        monkeypatch.setenv(name, "1")
    with fence.muted(Room.GATE) as voice:
        library = logging.getLogger("library")
        library.setLevel(logging.DEBUG)
        library.error("alice")
        assert voice.tally._counts[Event.LIBRARY, ""] == 1


def test_the_other_sides_doing_is_no_fault_of_ours() -> None:
    with fence.muted(Room.SITE) as voice:
        fence.broken(ConnectionResetError("alice"))
        fence.broken(RuntimeError("a library's own, of alice's handshake"))
        fence.broken(None)
        fence.loop_fault(None, {"message": "alice", "exception": OSError("alice")})
        assert dict(voice.tally.of(Event.FAULT)) == {} and list(voice.tally.news()) == []
        try:
            month_of(None)  # type: ignore[arg-type]
        except AttributeError as error:
            fence.broken(error)
        assert dict(voice.tally.of(Event.FAULT)) == {"tyst.core.rounding:_aware": 1}
