"""One confined openvpn process and the socket over which it asks its door: started, listened to, started again.

The agent listens and openvpn connects (--management-client): so the process needs no path to write to, and when the
agent dies, the socket's end ends openvpn: a door without a doorkeeper is shut. Exactly one connection is taken, and
only from the process that was just started (SO_PEERCRED); the socket's name is gone afterwards. The configuration with
the private key crosses a pipe. Deciding who comes in is `door`'s; what the process may do is `confine`'s.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from tyst.core.openvpn.management import (
    HOLD_RELEASE,
    STATE_ON,
    STATUS,
    STOP,
    Event,
    Hold,
    Listed,
    ListEnd,
    Parser,
    State,
)
from tyst.core.openvpn.server import Server, server_text
from tyst.node.drivers.process import end_now
from tyst.node.openvpn import confine, tun

FIRST_USER = 64200
"""User and group numbers of the processes: 64200 + index; Debian leaves this range to what is installed on demand."""
NET_BIND_SERVICE = "10"
START_SECONDS, STOP_SECONDS = 15.0, 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


class Doorkeeper(Protocol):
    """What a process tells: `door.Door` is one."""

    def handle(self, event: Event) -> None: ...

    def closed(self) -> None: ...


class ProcessError(RuntimeError):
    """openvpn didn't come up. Says at which step."""


class ServerProcess:
    """One openvpn server. `start` returns when it accepts clients; it is started again whenever it ends by itself.

    `trouble` is set when something that must not fail did (the firewall, say): openvpn is ended then and stays so.
    """

    def __init__(self, server: Server, folder: Path, bucket_of: Callable[[str], int], trouble: asyncio.Event) -> None:
        self._server, self._folder, self._bucket_of, self._trouble = server, folder, bucket_of, trouble
        self._keeper: Doorkeeper | None = None
        self._process: Process | None = None
        self._writer: asyncio.WriteTransport | None = None
        self._serving = asyncio.Event()
        self._renewing = False
        self._nobody = False
        self._life: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    def send(self, command: bytes) -> None:
        """A command for openvpn; dropped when it isn't there."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(command)

    async def start(self, keeper: Doorkeeper) -> None:
        """Makes the device, starts the process and waits until it serves; ProcessError when it doesn't."""
        self._keeper = keeper
        await tun.make(self._server.range, self._user)
        self._life = asyncio.create_task(self._live())
        self._life.add_done_callback(self._note_trouble)
        try:
            await asyncio.wait_for(self._serving.wait(), START_SECONDS)
        except TimeoutError:
            await self.stop()
            raise ProcessError("openvpn did not open its port: is another program on it?") from None

    def renew(self) -> None:
        """A fresh process in place of this one, in about a tenth of a second, if it says that nobody is there.

        It knows better than the door: a client in the middle of its handshake hasn't been heard of yet, and would wait
        a minute for an answer that doesn't come.
        """
        self._nobody = True
        self.send(STATUS)

    def _list_ended(self) -> None:
        if self._nobody:
            self._renewing = True
            self.send(STOP)

    async def stop(self) -> None:
        """Ends the process (its UDP clients are told to connect elsewhere) and takes the device away."""
        self.send(STOP)
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        await tun.remove(self._server.range)

    def _note_trouble(self, life: "asyncio.Task[None]") -> None:
        if not life.cancelled() and life.exception() is not None:
            self._trouble.set()

    @property
    def _user(self) -> int:
        return FIRST_USER + self._server.range.index

    async def _live(self) -> None:
        pause = FIRST_PAUSE
        while True:
            self._serving.clear()
            with contextlib.suppress(OSError, ProcessError, TimeoutError):
                await self._once()
            pause = FIRST_PAUSE if self._serving.is_set() else min(2 * pause, LONGEST_PAUSE)
            if not self._renewing:
                await asyncio.sleep(pause)
            self._renewing = False

    async def _once(self) -> None:
        """One life of the process, from its start to its end."""
        path = self._folder / f"openvpn-{self._server.range.index}.sock"
        with _listening(path, self._user) as listener:
            self._process = await self._spawn(path)
            try:
                connection = await _first_call(listener, self._process)
                path.unlink(missing_ok=True)
                await self._converse(connection)
            finally:
                await _ended(self._process)
                self._keeper_of_this().closed()

    async def _spawn(self, path: Path) -> Process:
        openvpn = shutil.which("openvpn", path="/usr/local/sbin:/usr/sbin:/usr/bin")
        if openvpn is None:
            raise ProcessError("openvpn is not installed")
        capabilities = NET_BIND_SERVICE if self._server.port < 1024 else ""
        who = [str(os.getpid()), str(self._user), capabilities, str(path)]
        launcher = [sys.executable, "-I", confine.__file__, *who]
        program = [openvpn, "--config", "stdin"]
        process = await asyncio.create_subprocess_exec(
            *launcher, *program, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, cwd="/", env=_environment()
        )
        assert process.stdin is not None
        process.stdin.write(server_text(self._server).encode())
        process.stdin.close()
        return process

    async def _converse(self, connection: socket.socket) -> None:
        talk = _Talk(Parser(self._bucket_of), self._hear)
        self._writer, _ = await asyncio.get_running_loop().create_unix_connection(lambda: talk, sock=connection)
        self.send(STATE_ON)
        try:
            await talk.over.wait()
            if talk.error is not None:
                raise talk.error
        finally:
            self._writer.close()
            self._writer = None

    def _hear(self, event: Event) -> None:
        if isinstance(event, Hold):
            self.send(HOLD_RELEASE)
        elif event == State("CONNECTED"):
            self._serving.set()
        elif isinstance(event, Listed):
            self._nobody = False
        elif isinstance(event, ListEnd):
            self._list_ended()
        else:
            self._keeper_of_this().handle(event)

    def _keeper_of_this(self) -> Doorkeeper:
        assert self._keeper is not None
        return self._keeper


class _Talk(asyncio.Protocol):
    """Bytes from openvpn to the parser, and no further: a StreamReader would keep the last login in its buffer."""

    def __init__(self, parser: Parser, hear: Callable[[Event], None]) -> None:
        self._parser, self._hear = parser, hear
        self.over = asyncio.Event()
        self.error: Exception | None = None

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._parser.feed(data):
                self._hear(event)
        except Exception as error:  # noqa: BLE001 -- raised again by the task that waits for `over`
            self.error = error
            self.over.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


def _environment() -> dict[str, str]:
    """Little more than nothing: freed memory is overwritten in openvpn too, so that logins and addresses don't stay.

    Without the thread caches: glibc overwrites nothing that goes there (_int_free in malloc.c).
    """
    scrubbing = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"
    return {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8", "GLIBC_TUNABLES": scrubbing}


@contextlib.contextmanager
def _listening(path: Path, user: int) -> Iterator[socket.socket]:
    """A listening socket that only `user` may connect to, gone again afterwards."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        os.chown(path, user, user)
        listener.listen(4)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


async def _first_call(listener: socket.socket, process: Process) -> socket.socket:
    """The process's connection; ProcessError when it ends, or takes too long, without one."""
    calling, ending = asyncio.create_task(_accept(listener, process.pid)), asyncio.create_task(process.wait())
    await asyncio.wait((calling, ending), timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if calling.done():
        return calling.result()
    calling.cancel()
    raise ProcessError("openvpn ended before it connected")


async def _accept(listener: socket.socket, pid: int) -> socket.socket:
    """The connection of the process with this id. Anybody else is hung up on, unheard."""
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        if peer_of(connection) == pid:
            return connection
        connection.close()


def peer_of(connection: socket.socket) -> int:
    """The process id that connected (SO_PEERCRED, unix(7))."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", raw)[0])


async def _ended(process: Process) -> None:
    """Sees to it that the process is gone."""
    end_now(process)
    await process.wait()
