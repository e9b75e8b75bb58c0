"""How busy this node is, as one of eleven numbers: all that the site ever hears of it, to show customers another first.

Told with each renewal. It is so coarse that no one tunnel makes a difference that somebody could watch, but for one in
a thousand that fills a step. Counterparts: `gate.loads` holds the newest in RAM, `tyst.site.steering` orders by it.

`Uplink` says what the node as a whole sent since the last round, for a city's monthly figures, and says nothing while
fewer than ten tunnels are open: that would be one customer's traffic. Counterpart: `gate.totals`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tyst.core.openness.traffic import MIN_TUNNELS, STEP_MBIT

MOST = 10


def load_of(tunnels: int, room: int, busy: float) -> int:
    """0 (idle) to 10 (full), by whichever is nearer its end. `room`: tunnels when full; `busy`: 1.0 is every core."""
    return max(0, min(MOST, round(MOST * max(tunnels / room, busy))))


def load_now(tunnels: int, room: int) -> int:
    """With the last minute's load of this machine's cores (getloadavg(3))."""
    return load_of(tunnels, room, os.getloadavg()[0] / (os.cpu_count() or 1))


@dataclass
class Uplink:
    """One look after another at how many bytes the machine has sent by its public interface (proc_net_dev(5)).

    `sent`: the counter; None where it can't be read. `now`: seconds that only go forward.
    """

    sent: Callable[[], int | None]
    now: Callable[[], float]
    _before: tuple[int, float] | None = None

    def step(self, tunnels: int) -> int | None:
        """Since the last look, to the nearest step of 10 Mbit/s; None for few tunnels at either end, or no figure."""
        sent, now = self.sent(), self.now()
        before, self._before = self._before, None if sent is None or tunnels < MIN_TUNNELS else (sent, now)
        if before is None or self._before is None or sent is None:
            return None
        took = now - before[1]
        return None if sent < before[0] or took <= 0 else round((sent - before[0]) * 8 / took / (STEP_MBIT * 1_000_000))


def sent_bytes(interface: str, table: Path = Path("/proc/self/net/dev")) -> int | None:
    """The interface's count of bytes sent since it came up: the ninth number of its line. None where there is none."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, colon, numbers = line.partition(":")
        if colon and name.strip() == interface:
            return int(numbers.split()[8])
    return None
