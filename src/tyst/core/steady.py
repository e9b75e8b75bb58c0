"""A clock that does not believe in jumps: small corrections of the wall clock are followed, large ones are not.

Expiries are days of the wall clock. Were it set forward by a year while a gate runs, by mistake or by somebody between
it and its time server, every subscription would end at once and key records would be swept; set back, every ended one
would live again. So time here goes on with the seconds since the machine's start, and a wall clock that disagrees with
them by more than `BELIEVED` is ignored for as long as it does. A process that starts takes the wall clock as it is:
an operator who mends a clock restarts gate and site. Both clocks are given; this reads none.
"""

from collections.abc import Callable

BELIEVED = 3600.0
"""Seconds by which the wall clock may be corrected at once: a time server's step, a leap second, not a wrong date."""


class SteadyClock:
    """Seconds since 1970. `wall`: what the machine says; `ticks`: seconds that go on evenly, also while it sleeps."""

    __slots__ = ("_at", "_then", "_ticks", "_wall")

    def __init__(self, wall: Callable[[], float], ticks: Callable[[], float]) -> None:
        self._wall, self._ticks = wall, ticks
        self._then, self._at = wall(), ticks()

    def __call__(self) -> float:
        """Now."""
        said, at = self._wall(), self._ticks()
        expected = self._then + (at - self._at)
        if abs(said - expected) > BELIEVED:
            return expected
        self._then, self._at = said, at
        return said
