"""The parent of the node's agent: starts it, and another one when it died; else it does nothing and knows nobody.

It holds the memory file through which an agent finds what the one before left (`handover.py`), and is the parent of
WireGuard, so that open tunnels go on while there is no agent. Everything here dies with it: agent and daemons ask the
kernel for that (PR_SET_PDEATHSIG, prctl(2)). It fails closed: an agent that ends by itself has closed everything; one
that dies before it serves, or too often, is not started again: then forwarding is switched off, whatever still runs is
killed, and an empty ruleset is loaded. Agents are forked from this process, which has all of their code and none of
their data, so that the next one serves within a fraction of a second.
"""

import contextlib
import ctypes
import gc
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tyst.core.events import Event, Room
from tyst.node.handover import Handover
from tyst.quiet.fence import Voice

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_STOPS = (signal.SIGTERM, signal.SIGINT)
_SIGNALS = (*_STOPS, signal.SIGCHLD)
LIVES, WITHIN = 3, 60.0
"""An agent that died so often in so many seconds is not started again."""
PATIENCE = 30.0
"""Seconds that a successor has until it serves."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What an agent is given. `keeper`: the supervisor's process id; `successor`: another agent served before it."""

    handover: Handover
    keeper: int
    successor: bool


class Supervisor:
    """`agent`: one life of the agent, to its exit code. `close`: closes the node's network; called in this process."""

    def __init__(self, agent: Callable[[Estate], int], close: Callable[[], None]) -> None:
        self._agent, self._close = agent, close
        self._deaths: deque[float] = deque(maxlen=LIVES)
        self._told = False

    def run(self) -> int:
        """Until the node ends; its exit code. An agent that is killed before it serves takes this process along."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        handover = Handover.create()
        gc.collect()
        gc.freeze()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        while True:
            lived = handover.serving
            status = self._live(Estate(handover, os.getpid(), successor=lived > 0))
            if os.WIFEXITED(status):
                _end_children()
                return os.WEXITSTATUS(status)
            if self._told or handover.serving == lived or self._too_often():
                break
        self._shut()
        if self._told:  # so early that the agent could not yet listen
            return 0
        if lived == handover.serving == 0:
            _die_of(os.WTERMSIG(status))
        Voice(Room.NODE).say(Event.AGENT_DIED)
        return 1

    def _too_often(self) -> bool:
        now = time.monotonic()
        self._deaths.append(now)
        return len(self._deaths) == LIVES and now - self._deaths[0] < WITHIN

    def _shut(self) -> None:
        """No packet passes from here on."""
        with contextlib.suppress(Exception):
            self._close()
        _end_children()

    def _live(self, estate: Estate) -> int:
        """One agent, from its fork to its end; the status it ended with (wait(2))."""
        agent = os.fork()
        if agent == 0:
            self._be_agent(estate)
        before, deadline = estate.handover.serving, time.monotonic() + PATIENCE
        while True:
            got = signal.sigtimedwait(_SIGNALS, 1.0)
            if got is not None and got.si_signo in _STOPS:
                self._told = True
                os.kill(agent, signal.SIGTERM)
            ended = _reaped().get(agent)
            if ended is not None:
                return ended
            late = estate.successor and estate.handover.serving == before and time.monotonic() > deadline
            if late:
                os.kill(agent, signal.SIGKILL)

    def _be_agent(self, estate: Estate) -> NoReturn:
        """In the child: dies with its parent, and never returns into the parent's code."""
        code = 1
        try:
            _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
            _prctl(_PR_SET_CHILD_SUBREAPER, 0)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            if os.getppid() == estate.keeper:
                code = self._agent(estate)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 -- shown as any program's, and never let into the parent's code
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def _reaped() -> dict[int, int]:
    """All children that have ended, and how; among them daemons that this process was given."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = status
    return ended


def _end_children() -> None:
    """Kills what is left, however often something new is given to this process meanwhile."""
    while children := _children():
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)
        _reaped()


def _children() -> list[int]:
    """proc_pid_stat(5): whose parent is this process."""
    found = []
    for one in os.listdir("/proc"):
        if one.isdigit():
            with contextlib.suppress(OSError):
                state, parent = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == os.getpid() and state != "Z":
                    found.append(int(one))
    return found


def _die_of(number: int) -> None:
    """Ends as the agent did, so that whoever started the node sees how."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    sys.stderr.flush()
    os.kill(os.getpid(), number)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
