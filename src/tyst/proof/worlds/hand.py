"""Time and chance in the hand: a clock that moves when it is told to, and streams of bytes that can be had again.

For proofs alone: whoever knows the seed knows all that is drawn. Counterpart: `core.sources`, what rooms take.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import shake_256

from tyst.core.sources import Sources


class Hand:
    """`moment`: seconds since 1970 at the beginning. Two hands with the same moment and seed are the same for ever."""

    def __init__(self, moment: float, seed: bytes) -> None:
        self.moment, self._seed = moment, seed

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.moment

    def when(self) -> datetime:
        """The same, as the site has it."""
        return datetime.fromtimestamp(self.moment, UTC)

    def forward(self, seconds: float) -> None:
        """Time passes."""
        self.moment += seconds

    def stream(self, name: str) -> Callable[[int], bytes]:
        """A source of bytes of its own for each room, so that one room's thirst doesn't change another's bytes."""
        number = 0

        def draw(size: int) -> bytes:
            nonlocal number
            number += 1
            return shake_256(self._seed + name.encode() + number.to_bytes(8)).digest(size)

        return draw

    def sources(self, name: str) -> Sources:
        """Everything that a room takes."""
        draw = self.stream(name)
        return Sources(self, self, draw, lambda items: random.Random(draw(16)).shuffle(items))  # noqa: S311
