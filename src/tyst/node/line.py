"""A small HTTPS client for one server: POST a body, get a status and a body, on lines that stay open.

Only what the node needs towards its gate, so that a connect costs one round trip and little of the agent's time and
memory: HTTP/1.1 with a length, no redirects, no cookies, no proxies, no headers that tell of a person. Parsing is
httptools' (the parser of Node.js). It has no idea what it carries: `gate_link.py` has.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools

_CONNECT = 1.0
_IDLE = 60.0
_LINES = 16
"""Lines at once; further requests wait for one, so that a flood of questions is not one of handshakes and memory."""


class LineError(ConnectionError):
    """No answer. `stale`: a line that had been idle was closed just as it was used, so asking again is right."""

    def __init__(self, *, stale: bool = False) -> None:
        super().__init__("the server does not answer")
        self.stale = stale


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


class HttpsClient:
    """All lines to one server. `limit`: bytes of a reply that are still read."""

    def __init__(self, url: str, context: ssl.SSLContext, limit: int) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("the gate's address must be an https:// URL")
        self._host, self._port = parts.hostname, parts.port or 443
        self._context, self._limit = context, limit
        self._idle: list[_Line] = []
        self._free = asyncio.Semaphore(_LINES)
        self._addresses: list[str] = []
        name = f"[{self._host}]" if ":" in self._host else self._host
        self._head = f" HTTP/1.1\r\nHost: {name}:{self._port}\r\nContent-Type: application/msgpack\r\nContent-Length: "

    async def post(self, path: str, body: bytes, *, within: float) -> Reply:
        """One request. LineError when no answer comes `within` seconds."""
        try:
            async with asyncio.timeout(within), self._free:
                return await self._post(path, body)
        except (OSError, TimeoutError, httptools.HttpParserError) as failure:
            if isinstance(failure, LineError):
                raise
            raise LineError from None

    async def _post(self, path: str, body: bytes) -> Reply:
        line = self._rested() or await self._connect()
        try:
            reply = await line.ask(f"POST {path}{self._head}{len(body)}\r\n\r\n".encode() + body)
        except BaseException:
            line.close()
            raise
        if line.usable:
            self._idle.append(line)
        else:
            line.close()
        return reply

    def _rested(self) -> "_Line | None":
        """The line used last, if it is still good; older ones than that are not."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            line = self._idle.pop()
            if line.usable and now - line.since < _IDLE:
                return line
            line.close()
        return None

    async def _connect(self) -> "_Line":
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_CONNECT):
            failure: OSError | None = None
            for address in await self._resolved():
                try:
                    _, line = await loop.create_connection(
                        lambda: _Line(self._limit), address, self._port, ssl=self._context, server_hostname=self._host
                    )
                except OSError as error:
                    failure = error
                    continue
                return line
        self._addresses.clear()
        raise failure or LineError

    async def _resolved(self) -> list[str]:
        """The server's addresses: asked for once, and again after nobody answered there."""
        if not self._addresses:
            found = await asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=1)
            self._addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        return self._addresses

    def close(self) -> None:
        """Hangs up; requests under way fail."""
        for line in self._idle:
            line.close()
        self._idle.clear()


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._used = False
        self.usable = True
        self.since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        """Sends one request; the future is its reply, or a LineError."""
        assert self._transport is not None
        self._waiter = asyncio.get_running_loop().create_future()
        self._body = bytearray()
        self._transport.write(request)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        with contextlib.suppress(httptools.HttpParserError):
            self._parser.feed_data(data)
            return
        self.close()

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self._limit:
            self._fail(LineError())
            self.close()

    def on_message_complete(self) -> None:
        self.usable = self._parser.should_keep_alive()
        self._used = True
        self.since = asyncio.get_running_loop().time()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(Reply(self._parser.get_status_code(), bytes(self._body)))
        self._body = bytearray()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._fail(LineError(stale=self._used and not self._body))

    def _fail(self, error: LineError) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.close()
