"""Runs unbound for the tunnels: with configurations that exist in memory only, as an unprivileged user, silently.

One process for tunnels, and a plain one behind the streaming relay while there are streaming names. Both are restarted
once a day, because nothing else makes unbound forget the names it was asked (clearing its cache leaves them in its
memory), and when the operator's lists change. What they answer is decided in `core.dns`; who reaches them, in
`core.firewall`.
"""

import asyncio
import contextlib
import os
import pwd
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from tyst.core.dns import Files, Resolver
from tyst.core.lists import Lists
from tyst.node.doors import Door
from tyst.node.drivers.process import Daemon, ProgramError

ANCHORS = ("/usr/share/dns/root.key",)
_USER = "unbound"
_DAY = 86400.0


def anchor() -> str:
    """The system's DNSSEC trust anchor for the root (Debian's dns-root-data), or nothing."""
    return next((path for path in ANCHORS if os.path.exists(path)), "")


@dataclass(frozen=True, slots=True)
class Tls:
    """What the resolver shows to those who ask over TLS: certificate chain and private key, PEM."""

    certificate: str
    key: str = field(repr=False)


class _Unbound:
    """One process, started again whenever it ends, has had its day, or is to read another text."""

    def __init__(self, text: Callable[[Files], str], files: Callable[[], dict[str, str]], every: float) -> None:
        self._text, self._files, self._every = text, files, every
        self._daemon: Daemon | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._again = asyncio.Event()

    @property
    def kept(self) -> bool:
        """Whether it is meant to run."""
        return self._keeper is not None

    async def start(self) -> None:
        self._daemon = await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    def again(self) -> None:
        """Starts it anew, with the text of now."""
        self._again.set()

    async def stop(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        if self._daemon is not None:
            await self._daemon.stop()

    async def _launch(self) -> Daemon:
        self._again.clear()
        handles = {name: _in_memory(name, text) for name, text in self._files().items() if text}
        try:
            text = self._text(Files(**{name: f"/proc/self/fd/{handle}" for name, handle in handles.items()}))
            handles["config"] = _in_memory("unbound.conf", text)
            argv = ["unbound", "-d", "-c", f"/proc/self/fd/{handles['config']}"]
            return await Daemon.start(argv, fds=tuple(handles.values()), setpriv=_unprivileged())
        finally:
            for handle in handles.values():
                os.close(handle)

    async def _keep(self) -> None:
        while True:
            assert self._daemon is not None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_first(self._daemon.ended(), self._again.wait()), self._every)
            if not self._daemon.running:
                await asyncio.sleep(1.0)  # it ended by itself: not in a tight circle
            await self._daemon.stop()
            self._daemon = await self._launch()


class UnboundResolver:
    """The resolver's processes; a door of the node.

    `relay`: by which names of the streaming list are asked for. `tls`: for DNS over TLS and HTTPS, or without them.
    """

    def __init__(self, resolver: Resolver, *, relay: Door, tls: Tls | None = None, restart_every: float = _DAY) -> None:
        self._resolver, self._relay, self._tls = resolver, relay, tls
        self._inner = _Unbound(self._inner_text, self._inner_files, restart_every)
        self._outer = _Unbound(self._outer_text, self._outer_files, restart_every)

    async def start(self) -> None:
        """Starts what is needed. The service addresses exist already."""
        await self._fit_inner()
        await self._outer.start()

    async def stop(self) -> None:
        await self._outer.stop()
        await self._relay.stop()
        await self._inner.stop()

    async def use(self, lists: Lists) -> None:
        """From now on with these lists: nobody is answered for the moment that a start takes."""
        self._resolver = replace(self._resolver, lists=lists)
        await self._fit_inner()
        self._outer.again()

    async def _fit_inner(self) -> None:
        if self._resolver.streams and not self._inner.kept:
            await self._inner.start()
            await self._relay.start()
        elif self._inner.kept and not self._resolver.streams:
            await self._relay.stop()
            await self._inner.stop()

    def _outer_text(self, files: Files) -> str:
        return self._resolver.text(files)

    def _inner_text(self, files: Files) -> str:
        return self._resolver.inner_text(files)

    def _outer_files(self) -> dict[str, str]:
        shown = {"certificate": self._tls.certificate, "key": self._tls.key} if self._tls else {}
        return {**self._inner_files(), **shown}

    def _inner_files(self) -> dict[str, str]:
        return {"hints": self._resolver.hints_text()}


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Until one of these is over; the others are given up."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _in_memory(name: str, text: str) -> int:
    """A file that has no place in any file system (memfd_create(2)), with this text."""
    handle = os.memfd_create(name, 0)
    data = memoryview(text.encode())
    while data:
        data = data[os.write(handle, data) :]
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
