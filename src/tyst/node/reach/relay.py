"""One relay: a program of somebody else's that takes TCP connections and leads them to this node's own VPN ports.

It is started by `node.openvpn.confine` (no file that it could write, a user of its own, no capability) as the first
process of a process namespace, so that all its children end with it, and it ends with the agent; it is started again
when it ends by itself. What it must read lies in memory files. A relay that served somebody and serves nobody now still
holds her address somewhere: it is replaced by a fresh one, as OpenVPN's processes are. Whether somebody is there is
read from how many sockets it has open, and whether something passed unseen from whether it ever woke; from neither
follows who. Counterparts: `core.reach` (with which words), `core.firewall.reach` (what it may reach).
"""

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tyst.node.drivers.process import Daemon, ProgramError
from tyst.node.openvpn import confine

LOOK_SECONDS = 0.25
OLD_SECONDS = 60.0
"""At least so often a relay that woke and serves nobody is replaced, even when nobody was seen at a look."""
PAUSE_SECONDS = 1.0
_ADD_SEALS, _SEALS = 1033, 0xF
"""F_ADD_SEALS; F_SEAL_SEAL, _SHRINK, _GROW and _WRITE (fcntl(2))."""
_CHILDREN = "/proc/{0}/task/{0}/children"


@dataclass(frozen=True)
class Program:
    """`words`: its arguments, from the paths of its memory files; `files`: their names and contents; `idle`: how many
    sockets it has open while it serves nobody."""

    name: str
    user: int
    idle: int
    words: Callable[[Mapping[str, str]], Sequence[str]]
    files: Mapping[str, str] = field(repr=False)


class Relay:
    """A door of the node (`node.doors.Door`). `clock`: seconds that only go forward."""

    def __init__(self, program: Program, clock: Callable[[], float]) -> None:
        self._program, self._clock = program, clock
        self._daemon: Daemon | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The outermost process of the relay that runs now."""
        return self._daemon.pid if self._daemon is not None and self._daemon.running else None

    async def start(self) -> None:
        """Starts it, and from now on starts it again whenever it must. ProgramError when it isn't installed."""
        self._daemon = await self._launch()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends it, with every connection."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._daemon is not None:
            await self._daemon.stop(0.5)

    async def _keep(self) -> None:
        while True:
            assert self._daemon is not None
            watch = asyncio.create_task(self._until_spent(self._daemon))
            ended = asyncio.create_task(self._daemon.ended())
            try:
                await asyncio.wait((watch, ended), return_when=asyncio.FIRST_COMPLETED)
                died = ended.done() and not watch.done()
            finally:
                for task in (watch, ended):
                    task.cancel()
            await self._daemon.stop(0.5)
            if died:
                await asyncio.sleep(PAUSE_SECONDS)  # it ended by itself: not in a tight circle
            with contextlib.suppress(ProgramError):
                self._daemon = await self._launch()

    async def _until_spent(self, daemon: Daemon) -> None:
        """Returns when it served somebody, serves nobody, and is worth a fresh one."""
        await asyncio.sleep(LOOK_SECONDS)
        born, first, used = self._clock(), traces(daemon.pid), False
        while True:
            now = traces(daemon.pid)
            old = self._clock() - born >= OLD_SECONDS and now.woke != first.woke
            if now.sockets > self._program.idle:
                used = True
            elif used or old:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _launch(self) -> Daemon:
        program = self._program
        where = shutil.which(program.name, path="/usr/local/bin:/usr/bin")
        if where is None:
            raise ProgramError(f"{program.name} is missing: it is in requirements/debian.txt")
        handles = {name: _in_memory(name, text) for name, text in program.files.items()}
        try:
            words = program.words({name: f"/proc/self/fd/{handle}" for name, handle in handles.items()})
            apart = ["unshare", "--pid", "--fork", "--kill-child=KILL", "--"]
            inside = [sys.executable, "-I", confine.__file__, "0", str(program.user), "", "", where, *words]
            return await Daemon.start([*apart, *inside], fds=tuple(handles.values()))
        finally:
            for handle in handles.values():
                os.close(handle)


@dataclass(frozen=True)
class Traces:
    """What can be seen of a relay without looking at anybody."""

    sockets: int
    woke: int
    """How often its processes have waited and been woken."""


def traces(pid: int) -> Traces:
    """Of a process and all its descendants; zeros when it is gone."""
    found = list(_family(pid))
    return Traces(sum(map(_sockets, found)), sum(map(_woke, found)))


def _family(pid: int) -> list[int]:
    try:
        children = Path(_CHILDREN.format(pid)).read_text().split()
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _sockets(pid: int) -> int:
    count = 0
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                count += os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:")
    return count


def _woke(pid: int) -> int:
    try:
        found = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _in_memory(name: str, text: str) -> int:
    """A file that has no place in any file system (memfd_create(2)), with this text, open for reading and sealed."""
    handle = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(handle, text.encode())
        fcntl.fcntl(handle, _ADD_SEALS, _SEALS)
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(handle)
