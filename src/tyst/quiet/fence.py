"""The fence: inside it nothing that we did not write says a word, on any stream, in any file, to any log daemon.

Libraries speak in many ways: through `logging`, `warnings`, the hooks for uncaught exceptions of the interpreter, of
threads, of the collector and of event loops, `syslog`, `print`, and straight to file descriptors 1 and 2. Each is
stopped here, once for a whole process, and counted as an event where it can be. A level, a handler or a configuration
that a library sets later changes nothing. Our own words pass: lines of `core.events`, to descriptors of their own.
Nothing here reads a record's message, an exception's text or a frame's locals.
"""

import contextlib
import faulthandler
import logging
import os
import sys
import syslog
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from tyst.core.events import ELSEWHERE, Event, Room, Tally, line, place_of, release


class Voice:
    """What a process says to whoever started it. `out`, `err`: file descriptors of its own."""

    def __init__(self, room: Room, out: int = 1, err: int = 2) -> None:
        self.tally = Tally(room)
        self.out, self.err = out, err
        self.began: Callable[[], None] = lambda: None
        """Called when `ready` is said."""
        self.loud = False
        """Under the unsafe switch: faults are logged with all they hold, before they are let go of."""

    def say(self, event: Event, *, place: str = "", count: int = 0) -> None:
        """One line, at once: for what happens whether or not anybody uses anything."""
        self.tally.said(event, place)
        if event is Event.READY:
            self.began()
        written = line(self.tally.room, event, place=place, count=count)
        self._write(self.out if event is Event.READY else self.err, written)

    def tell(self) -> None:
        """What was counted since the last time: at the day's turn and at the end, so that no line has a moment."""
        for one in self.tally.news():
            self._write(self.err, one)

    def _write(self, to: int, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(to, f"{text}\n".encode())


_voice: Voice | None = None


def voice() -> Voice | None:
    """This process's voice, once it is fenced."""
    return _voice


def count(event: Event, place: str = "") -> None:
    """Counts an event in this process; nothing where there is no fence (a command at an operator's terminal)."""
    if _voice is not None:
        _voice.tally.count(event, place)


def say(event: Event) -> None:
    """Says an event without a place at once, in a process that has a voice."""
    if _voice is not None:
        _voice.say(event)


def tell() -> None:
    """Tells what was counted, in a process that is about to end without coming back here."""
    if _voice is not None:
        _voice.tell()


def fault(error: BaseException) -> None:
    """A door caught what it doesn't know: counted by its place, and let go of. Also without a fence nothing is kept."""
    if _voice is None:
        release(error)
        return
    if _voice.loud:
        logging.getLogger("tyst").error("fault", exc_info=error)
    _voice.tally.fault(error)


@contextlib.contextmanager
def raised(room: Room) -> Iterator[Voice]:
    """Inside, the process is fenced; descriptors 1 and 2 lead nowhere. Afterwards they are what they were, for a
    command's last sentence. When something ends it that nobody caught, the hooks stay: it comes to them next."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    kept = os.dup(1), os.dup(2)
    with _silent(Voice(room, *kept)) as mine:
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        for number in (1, 2):
            os.dup2(nowhere, number)
        os.close(nowhere)
        try:
            yield mine
        finally:
            mine.tell()
            _give_back(mine, kept)


@contextlib.contextmanager
def open_for(mine: Voice) -> Iterator[Voice]:
    """No fence at all, for `UnsafeDebugLogging` alone: events are counted as ever, and doors' faults are logged too."""
    global _voice
    before, _voice, mine.loud = _voice, mine, True
    try:
        yield mine
    finally:
        mine.tell()
        _voice = before


@contextlib.contextmanager
def muted(room: Room) -> Iterator[Voice]:
    """The same for a command at an operator's terminal, whose own sentences go where they always go."""
    with _silent(Voice(room)) as mine:
        try:
            yield mine
        finally:
            mine.tell()


def _give_back(mine: Voice, kept: tuple[int, int]) -> None:
    """What libraries left in Python's buffers is thrown away with the streams it was for."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    for number, old in zip((1, 2), kept, strict=True):
        os.dup2(old, number)
        os.close(old)
    mine.out, mine.err = 1, 2


@contextlib.contextmanager
def _silent(mine: Voice) -> Iterator[Voice]:
    """Stops every way that goes through Python itself; the descriptors are `raised`'s."""
    global _voice
    before, _voice = _voice, mine
    changes = [*_logging(mine), *_warnings(mine), *_hooks(mine), *_words()]
    level, old = logging.root.manager.disable, [getattr(of, name) for of, name, _ in changes]
    logging.disable(logging.INFO)  # what is not counted need not be made
    faulthandler.disable()
    for of, name, value in changes:
        setattr(of, name, value)
    yield mine
    _voice = before
    logging.disable(level)
    for (of, name, _), value in zip(changes, old, strict=True):
        setattr(of, name, value)


_Change = tuple[Any, str, Any]


def _logging(mine: Voice) -> Iterator[_Change]:
    """Records end at the logger, whatever its level, its handlers and its class; a handler takes none either."""

    def dropped(self: logging.Logger, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            mine.tally.count(Event.LIBRARY)

    yield logging.Logger, "handle", dropped
    yield logging.Logger, "callHandlers", dropped
    yield logging.Handler, "handle", lambda self, record: False
    yield logging, "lastResort", None
    yield logging, "raiseExceptions", False


def _warnings(mine: Voice) -> Iterator[_Change]:
    def warned(*_: Any, **__: Any) -> None:
        mine.tally.count(Event.WARNING)

    for name in ("showwarning", "_showwarnmsg", "_showwarnmsg_impl", "_showwarning_orig"):  # `catch_warnings` uses all
        yield warnings, name, warned


def _words() -> Iterator[_Change]:
    """Ways that print or log of their own accord."""
    for name in ("openlog", "syslog"):
        yield syslog, name, lambda *_, **__: None
    for name in traceback.__all__:
        if name.startswith("print_"):
            yield traceback, name, lambda *_, **__: None


def _hooks(mine: Voice) -> Iterator[_Change]:
    def died(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """The process ends of it: said at once, because it is silent from here on."""
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            mine.say(Event.STOPPED, place=place_of(trace))
        release(error)

    def lost(told: Any) -> None:
        """A thread or a destructor ended of it; the process goes on."""
        kind, error = told.exc_type, told.exc_value
        if not issubclass(kind, KeyboardInterrupt | SystemExit):
            mine.tally.count(Event.FAULT, place_of(told.exc_traceback))
        if error is not None:
            release(error)

    yield sys, "excepthook", died
    yield threading, "excepthook", lost
    yield sys, "unraisablehook", lost


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """Whatever fails inside is no matter for what comes after: it is counted by its place."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 -- the door's last line
        fault(error)


def loop_fault(_: Any, context: dict[str, Any]) -> None:
    """An event loop's handler (`loop.set_exception_handler`): its default logs the task, and so its arguments."""
    broken(context.get("exception"))


def broken(error: object) -> None:
    """A library says that something failed: a fault of ours where a line of ours is on its way, else no matter: the
    other side broke a connection off, or its handshake was none."""
    if not isinstance(error, BaseException):
        return
    if isinstance(error, OSError) or place_of(error.__traceback__) == ELSEWHERE:
        release(error)
    else:
        fault(error)


def hush(*names: str) -> None:
    """For libraries used at an operator's terminal too, where there is no fence: these loggers say nothing."""
    for name in names:
        logging.getLogger(name).setLevel(sys.maxsize)
