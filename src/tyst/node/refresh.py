"""Replaces a daemon that served and serves nobody any more, so that nothing in its memory outlives the last tunnel.

Programs that we did not write keep an endpoint or a packet in buffers of their own until something else overwrites it.
An unused one can simply be ended: whoever keeps it running (`agent.py`) starts a fresh one, within a tenth of a second.
OpenVPN's door does the same for its processes.
"""

from collections.abc import Awaitable, Callable


class Refresher:
    """`tunnels` says how many there are now; `end` ends the daemon."""

    def __init__(self, tunnels: Callable[[], int], end: Callable[[], Awaitable[None]]) -> None:
        self._tunnels, self._end = tunnels, end
        self._used = False

    async def look(self) -> None:
        """Called again and again, more often than the shortest tunnel lives."""
        if self._tunnels():
            self._used = True
        elif self._used:
            self._used = False
            await self._end()
