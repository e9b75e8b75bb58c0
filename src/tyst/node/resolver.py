"""Runs unbound for the tunnels: with a configuration that exists in memory only, as an unprivileged user, silently.

Restarted once a day, because nothing else makes unbound forget the names it was asked (clearing its cache leaves them
in its memory). What it answers is decided in `core.dns`; who reaches it, in `core.firewall`.
"""

import asyncio
import contextlib
import os
import pwd

from tyst.core.dns import Resolver
from tyst.node.drivers.process import Daemon, ProgramError

ANCHORS = ("/usr/share/dns/root.key",)
_USER = "unbound"
_DAY = 86400.0


def anchor() -> str:
    """The system's DNSSEC trust anchor for the root (Debian's dns-root-data), or nothing."""
    return next((path for path in ANCHORS if os.path.exists(path)), "")


class UnboundResolver:
    """The resolver's process; a door of the node."""

    def __init__(self, resolver: Resolver, *, restart_every: float = _DAY) -> None:
        self._resolver, self._every = resolver, restart_every
        self._daemon: Daemon | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts it, and from now on starts it again when it ends or has had its day. Its addresses exist already."""
        self._daemon = await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._daemon is not None:
            await self._daemon.stop()

    async def _launch(self) -> Daemon:
        hints = _in_memory("hints", self._resolver.hints_text())
        config = _in_memory("unbound.conf", self._resolver.text(hints=f"/proc/self/fd/{hints}"))
        try:
            argv = ["unbound", "-d", "-c", f"/proc/self/fd/{config}"]
            return await Daemon.start(argv, fds=(hints, config), setpriv=_unprivileged())
        finally:
            os.close(hints)
            os.close(config)

    async def _keep(self) -> None:
        while True:
            assert self._daemon is not None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._daemon.ended(), self._every)
                await asyncio.sleep(1.0)  # it ended by itself: not in a tight circle
            await self._daemon.stop()
            self._daemon = await self._launch()


def _in_memory(name: str, text: str) -> int:
    """A file that has no place in any file system (memfd_create(2)), with this text."""
    handle = os.memfd_create(name, 0)
    os.write(handle, text.encode())
    return handle


def _unprivileged() -> tuple[str, ...]:
    """setpriv(1) options: unbound's own user, and no right but to bind a low port."""
    try:
        pwd.getpwnam(_USER)
    except KeyError:
        raise ProgramError("there is no user `unbound`: install Debian's unbound") from None
    only = "-all,+net_bind_service"
    return (
        f"--reuid={_USER}",
        f"--regid={_USER}",
        "--clear-groups",
        f"--inh-caps={only}",
        f"--ambient-caps={only}",
        f"--bounding-set={only}",
        "--no-new-privs",
    )
