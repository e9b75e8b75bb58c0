"""How busy this node is, as one of eleven numbers: all that the site ever hears of it, to show customers another first.

Told with each renewal. It is so coarse that no one tunnel makes a difference that somebody could watch, but for one in
a thousand that fills a step. Counterparts: `gate.loads` holds the newest in RAM, `tyst.site.steering` orders by it.
"""

import os

MOST = 10


def load_of(tunnels: int, room: int, busy: float) -> int:
    """0 (idle) to 10 (full), by whichever is nearer its end. `room`: tunnels when full; `busy`: 1.0 is every core."""
    return max(0, min(MOST, round(MOST * max(tunnels / room, busy))))


def load_now(tunnels: int, room: int) -> int:
    """With the last minute's load of this machine's cores (getloadavg(3))."""
    return load_of(tunnels, room, os.getloadavg()[0] / (os.cpu_count() or 1))
