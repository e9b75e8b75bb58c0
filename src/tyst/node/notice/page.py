"""Serves the notice page over HTTP inside the tunnel: one request, one answer, closed.

The protocol is h11's; sockets and limits are here. aiohttp isn't used, because its errors name the peer in a log and
give parts of a request back, and it waits for a request's head as long as the peer likes. A peer's address is used
once, to ask why its tunnel is in the garden, and nothing is written about any of it.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

import h11

from tyst.messages.admission import Why
from tyst.node.doors import ReasonOf, TunnelAddress
from tyst.node.notice.answers import Answer, Notices, Question

PORT = 80
PATIENCE = 5.0
"""Seconds that one connection may take from its first packet to its end."""
AT_ONCE = 256
LONGEST_HEAD = 8192


class NoticePage:
    """`site`: the site's address, https://…; `reason_of`: why a tunnel is in the garden; `place`: the node's city."""

    def __init__(self, site: str, reason_of: ReasonOf, place: str = "Tyst") -> None:
        self._notices, self._reason_of = Notices(site, place), reason_of
        self._servers: list[asyncio.Server] = []
        self._open = 0

    async def start(self, addresses: Sequence[TunnelAddress], port: int = PORT) -> None:
        """Serves on these addresses, which exist already. OSError when one doesn't or its port is taken."""
        for address in addresses:
            self._servers.append(await asyncio.start_server(self._serve, str(address), port, limit=LONGEST_HEAD))

    async def stop(self) -> None:
        """Closes the port and every connection."""
        for server in self._servers:
            server.close()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    @property
    def ports(self) -> list[int]:
        """The ports it listens on."""
        return [int(sock.getsockname()[1]) for server in self._servers for sock in server.sockets]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= AT_ONCE:
                with contextlib.suppress(TimeoutError, OSError):
                    await asyncio.wait_for(self._converse(reader, writer), PATIENCE)
        finally:
            self._open -= 1
            _hang_up(writer)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
        try:
            request = await _request(connection, reader)
        except h11.RemoteProtocolError:
            writer.write(_REFUSED)
            await writer.drain()
            return
        if request is not None:
            writer.write(_bytes(connection, self._answer(request, writer), request.method == b"HEAD"))
            await writer.drain()

    def _answer(self, request: h11.Request, writer: asyncio.StreamWriter) -> Answer:
        at = ip_address(writer.get_extra_info("sockname")[0])
        peer = ip_address(writer.get_extra_info("peername")[0])
        why = self._reason_of(peer) if isinstance(peer, IPv6Address) else Why.NONE
        headers = {name: value.decode("ascii", "replace") for name, value in request.headers}
        question = Question(
            at,
            request.method.decode("ascii", "replace"),
            request.target.decode("ascii", "replace"),
            headers.get(b"host", ""),
            headers.get(b"accept-language", ""),
        )
        return self._notices.answer(question, why)


def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes, and doesn't wait for a peer that takes no bytes."""
    if writer.transport.get_write_buffer_size():
        writer.transport.abort()
    else:
        writer.close()


_REFUSED = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n"


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The head of the first request; None when the peer went away. A body is never read."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await reader.read(LONGEST_HEAD))


def _bytes(connection: h11.Connection, answer: Answer, head: bool) -> bytes:
    headers = [*answer.headers, ("Content-Length", str(len(answer.body))), ("Connection", "close")]
    parts = [connection.send(h11.Response(status_code=answer.status, headers=headers))]
    if not head:
        parts.append(connection.send(h11.Data(data=answer.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)
