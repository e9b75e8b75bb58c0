"""Waiting for a condition with a deadline: the only way in which lab code and its tests wait.

Not for measuring time. A bare sleep says how long somebody once waited; a condition says what for.
"""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class NotInTime(AssertionError):
    """A condition did not come true before its deadline."""


def wait_until(
    condition: Callable[[], Answer], *, within: float, every: float = 0.1, what: str = "the condition to hold"
) -> Answer:
    """Asks `condition` every `every` seconds and returns its first true answer.

    Raises `NotInTime`, naming `what` and the last answer, when `within` seconds have passed. The condition is asked at
    least once, and what it raises goes through.
    """
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise NotInTime(f"waited {within:g} s for {what}; the last answer was {answer!r}")
        time.sleep(min(every, max(0.0, deadline - time.monotonic())))
