"""The two clocks of a node: one that only goes forward, and the one on the wall, which WireGuard tells."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """`now`: seconds that only go forward; `wall`: seconds since 1970, as WireGuard tells its handshakes."""

    now: Callable[[], float]
    wall: Callable[[], float]
