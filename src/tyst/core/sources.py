"""Where a door's time and chance come from: the machine's own, or another's who wants the same hours twice.

Only the shape; each room's `wiring` has the machine's. `proof.worlds` hands in a clock in its hand and a stream that
can be had again, and runs the same use for Alice and for Bob.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sources:
    """`clock`: seconds since 1970; `ticks`: seconds that never go backwards; `draw(n)`: n random bytes; `shuffle`: puts
    a list in an order that tells nothing."""

    clock: Callable[[], float]
    ticks: Callable[[], float]
    draw: Callable[[int], bytes] = field(repr=False)
    shuffle: Callable[[list[bytes]], None]
