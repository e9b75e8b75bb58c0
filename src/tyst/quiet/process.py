"""One running process of ours: its fence, its voice, its figures if they are asked for, and the day's turn.

Used by the commands of gate, site, node and jobs around all that they do. What was counted is told once a day, when the
UTC day turns, and at the end: a line at the moment of an event would be a line about somebody's moment.
"""

import argparse
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from tyst.core.events import Room
from tyst.core.metric import Labels, Metric
from tyst.quiet import fence, listener
from tyst.quiet.fence import Voice
from tyst.quiet.meter import Meter
from tyst.quiet.unsafe import UnsafeDebugLogging, UnsafeRefused, own_addresses

QuietError = (listener.MetricsError, UnsafeRefused)
"""What a command says in a sentence: figures or debug logging can't be had like that."""
DAY = 86400

_meter: Meter | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said to every room."""
    parser.add_argument(
        "--metrics", type=_loopback, metavar="ADDR:PORT", help="show figures for Prometheus, on loopback only"
    )
    parser.add_argument(
        "--unsafe-debug-logging", action="store_true", help="log everything; refuses to start outside a lab"
    )


def _loopback(text: str) -> tuple[str, int]:
    try:
        return listener.where(text)
    except listener.MetricsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@contextlib.contextmanager
def running(room: Room, args: argparse.Namespace) -> Iterator[Voice]:
    """Around everything that a room does. Raises one of `QuietError` before anything has begun."""
    with _loud(room) if args.unsafe_debug_logging else fence.raised(room) as voice, _metered(room, voice, args.metrics):
        over = threading.Event()
        threading.Thread(target=_days, args=(voice, over), name="day", daemon=True).start()
        try:
            yield voice
        finally:
            over.set()


@contextlib.contextmanager
def _loud(room: Room) -> Iterator[Voice]:
    switch = UnsafeDebugLogging(own_addresses())
    switch.start()
    with fence.open_for(Voice(room)) as voice:
        yield voice


@contextlib.contextmanager
def _metered(room: Room, voice: Voice, address: tuple[str, int] | None) -> Iterator[None]:
    global _meter
    if address is None:
        yield
        return
    _meter = Meter(room, voice.tally, time.time)
    door = listener.Listener(address, _meter)
    door.start()
    voice.began = _meter.begin
    try:
        yield
    finally:
        door.stop()
        _meter = None


def _days(voice: Voice, over: threading.Event) -> None:
    while not over.wait(DAY - time.time() % DAY):
        voice.tell()


def count(metric: Metric, *labels: str) -> None:
    """Counts, where figures were asked for; else nothing is counted at all."""
    if _meter is not None:
        _meter.count(metric, *labels)


def ask(metric: Metric, value: Callable[[], int | None]) -> None:
    """Where a figure without labels comes from; None: it has none now."""

    def labelled() -> Mapping[Labels, int]:
        found = value()
        return {} if found is None else {(): found}

    if _meter is not None:
        _meter.ask(metric, labelled)


def ask_labelled(metric: Metric, value: Callable[[], Mapping[Labels, int]]) -> None:
    """The same for one with labels."""
    if _meter is not None:
        _meter.ask(metric, value)
