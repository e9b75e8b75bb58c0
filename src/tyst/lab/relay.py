"""Makes a port of a lab host reachable at an address of the real machine, for people with a browser.

It listens on the real machine and, for each connection, opens one inside the host; bytes go through untouched and are
kept nowhere. Bounded in connections and buffers. All it changes about the machine's network is one listening socket.
"""

import asyncio
import contextlib
import socket
import threading
from types import TracebackType

from tyst.lab.host import Host

_CONNECTIONS = 256
_CHUNK = 65536
_PATIENCE = 10.0


class Relay:
    """Relays the real machine's loopback at `port` to `target` (as seen in the host), from `start` to `stop`.

    It has a thread of its own, and is a context manager too. `start` raises `OSError` when the address is taken.
    """

    def __init__(self, host: Host, target: tuple[str, int] = ("127.0.0.1", 8000), *, port: int = 8000) -> None:
        self._host, self._target, self._listen = host, target, ("127.0.0.1", port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens (with the port that the system chose, if `port` was 0)."""
        if self._server is None:
            raise RuntimeError("the relay isn't started")
        address, port = self._server.sockets[0].getsockname()[:2]
        return address, port

    def start(self) -> "Relay":
        """Begins to listen."""
        self._thread.start()
        try:
            self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        except BaseException:
            self._end_loop()
            raise
        return self

    def stop(self) -> None:
        """Ends all connections and the thread; again: does nothing."""
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
            self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> "Relay":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._relay, *self._listen, limit=_CHUNK)

    async def _shut(self) -> None:
        if self._server:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it or it can't be made."""
        task = asyncio.current_task()
        if task is None or len(self._tasks) >= _CONNECTIONS:
            writer.close()
            return
        self._tasks.add(task)
        try:
            await self._both_ways(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # a browser that left, or a site that isn't up yet: the other side sees the connection end
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _both_ways(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await self._connect()
        try:
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            inner_writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the target from inside the host's network."""
        inside = self._host.socket(socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET, socket.SOCK_STREAM)
        inside.setblocking(False)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._loop.sock_connect(inside, self._target)
            return await asyncio.open_connection(sock=inside, limit=_CHUNK)
        except BaseException:
            inside.close()
            raise


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carries bytes one way until there are no more, then tells the other side so."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
