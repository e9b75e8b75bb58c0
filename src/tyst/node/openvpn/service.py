"""OpenVPN on a node, whole: one UDP and one TCP process (or more), a door for each, one holder of their leases.

The node knows only this (`node.doors.VpnDoor`); `wiring.build` makes it.
"""

import asyncio

from tyst.messages.admission import Held, Why
from tyst.node.openvpn.door import Door
from tyst.node.openvpn.process import ServerProcess

TICK_SECONDS = 1.0


class OpenVpn:
    """Starts and stops all processes, and speaks for all their tunnels."""

    def __init__(self, parts: list[tuple[ServerProcess, Door]], trouble: asyncio.Event) -> None:
        self._parts = parts
        self.trouble = trouble
        """Set when a part failed that must not: the agent should stop, closed."""
        self._ticking: asyncio.Task[None] | None = None

    @property
    def pids(self) -> list[int]:
        """The ids of the server processes that run now."""
        return [process.pid for process, _ in self._parts if process.pid is not None]

    async def start(self) -> None:
        """Returns when every process accepts clients; ProcessError when one doesn't (then none runs)."""
        try:
            await asyncio.gather(*(process.start(door) for process, door in self._parts))
        except BaseException:
            await self.stop()
            raise
        self._ticking = asyncio.create_task(self._tick())
        self._ticking.add_done_callback(self._note_trouble)

    async def stop(self) -> None:
        """Ends every tunnel, gives every lease back, and leaves no process and no device."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        await asyncio.gather(*(process.stop() for process, _ in self._parts))
        await asyncio.gather(*(door.finish() for _, door in self._parts))

    def held(self) -> list[Held]:
        """The leases of all tunnels that are up."""
        return [held for _, door in self._parts for held in door.held()]

    async def end(self, lease: bytes, why: Why) -> None:
        """The gate ended this lease."""
        for _, door in self._parts:
            await door.end(lease, why)

    def replace(self, old: bytes, new: bytes) -> None:
        """The gate gave fresh bytes for a lease."""
        for _, door in self._parts:
            door.replace(old, new)

    def own(self, lease: bytes, mine4: str) -> None:
        """The account behind this lease has this public IPv4 address here now, or none."""
        for _, door in self._parts:
            door.own(lease, mine4)

    def _note_trouble(self, ticking: "asyncio.Task[None]") -> None:
        if not ticking.cancelled() and ticking.exception() is not None:
            self.trouble.set()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for process, door in self._parts:
                door.tick()
                if door.spent:
                    process.renew()
