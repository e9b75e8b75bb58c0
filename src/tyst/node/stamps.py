"""When each tunnel last shook hands, read from WireGuard's own dump, by the node's own clock.

WireGuard tells wall-clock time, which may jump; a *changed* stamp is dated between the last reading and now.
Counterpart: `tunnels.py` says what follows from it.
"""

from tyst.node.clock import Clock
from tyst.node.drivers.wireguard import WireGuard
from tyst.node.table import Table


class Stamps:
    """Writes what WireGuard says into a table of tunnels."""

    def __init__(self, table: Table, wireguard: WireGuard, clock: Clock) -> None:
        self._table, self._wireguard, self._clock = table, wireguard, clock
        self._noted = clock.now()

    async def read(self) -> list[bytes]:
        """Notes all handshakes; the keys of peers that the table doesn't know."""
        stamps = await self._wireguard.handshakes()
        now, wall = self._clock.now(), self._clock.wall()
        for public, stamp in stamps.items():
            tunnel = self._table.get(public)
            if tunnel is not None and stamp != tunnel.stamp:
                tunnel.stamp = stamp
                tunnel.fresh = now - min(max(wall - stamp, 0.0), now - self._noted)
                self._table.touch(tunnel)
            if tunnel is not None and stamp:  # before its first packet WireGuard doesn't know where it is
                tunnel.entered = public in self._wireguard.entered
        self._noted = now
        return [public for public in stamps if public not in self._table]
