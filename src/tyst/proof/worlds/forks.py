"""A piece of work in a child of this process, and what it says: through a pipe, with no value of a run in an error."""

import os
import pickle
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")
LONGEST = 240
"""Seconds."""


class WorldError(Exception):
    """A world did not go as it should have. Says at which step; no value of the run."""


def forked(work: Callable[[], T], ready: Callable[[], None] = lambda: None) -> T:
    """What a child says; its standard output goes nowhere. `ready` comes before, in this process. WorldError.

    Work that did not get through is begun once more: on a busy machine a door may answer too late. What the child
    found is never asked for twice.
    """
    try:
        ready()
        return _once(work)
    except WorldError:
        ready()
        return _once(work)


def _once(work: Callable[[], T]) -> T:
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        _say(work, writes)
    os.close(writes)
    try:
        said = _heard(reads, child)
    finally:
        os.close(reads)
        os.waitpid(child, 0)
    if not said:
        raise WorldError("a world died, or took too long")
    good, result = pickle.loads(said)  # noqa: S301  # nosec B301: our own child
    if not good:
        raise WorldError(str(result))
    return cast(T, result)


def _say(work: Callable[[], object], pipe: int) -> None:
    """Works, says what came of it, and ends this process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        said = pickle.dumps((True, work()))
    except (LookupError, WorldError) as error:  # in our own words
        said = pickle.dumps((False, str(error)))
    except BaseException as error:  # noqa: BLE001 - the kind alone: a text may have a value
        said = pickle.dumps((False, f"{type(error).__name__} in a world"))
    with os.fdopen(pipe, "wb") as file:
        file.write(said)
    os._exit(0)


def _heard(pipe: int, child: int) -> bytes:
    parts: list[bytes] = []
    deadline = time.monotonic() + LONGEST
    while select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(pipe, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)
    os.kill(child, signal.SIGKILL)
    return b""
