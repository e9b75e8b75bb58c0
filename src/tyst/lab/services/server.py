"""The process on host `web`: echo server and authoritative DNS in one event loop, because the one tells of the other.

Run as `python -m tyst.lab.services.server`; prints `ready` when it listens. Counterparts: `web.py`, `zone.py`.
"""

import asyncio
import contextlib
from typing import cast

from tyst.lab import topology
from tyst.lab.services.web import Echo
from tyst.lab.services.zone import Witness, Zone

_PATIENCE = 10.0


class Questions(asyncio.DatagramProtocol):
    """DNS over UDP."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answers, or says nothing to what is no question."""
        reply = self._zone.answer(data, addr[0])
        if reply is not None:
            self._transport.sendto(reply, addr)


async def _question_stream(zone: Zone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """DNS over TCP: each message behind its length (RFC 7766)."""
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        while True:
            async with asyncio.timeout(_PATIENCE):
                length = int.from_bytes(await reader.readexactly(2))
                question = await reader.readexactly(length)
            reply = zone.answer(question, writer.get_extra_info("peername")[0])
            if reply is None:
                break
            writer.write(len(reply).to_bytes(2) + reply)
            await writer.drain()
    writer.close()


async def main() -> None:
    """Listens at the lab's addresses for ever."""
    witness = Witness()
    zone, echo = Zone(witness), Echo(witness)
    loop = asyncio.get_running_loop()

    async def questions(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _question_stream(zone, reader, writer)

    listening = []
    for address in (str(topology.AUTHORITATIVE_V4), str(topology.AUTHORITATIVE_V6)):
        await loop.create_datagram_endpoint(lambda: Questions(zone), (address, 53))
        listening.append(await asyncio.start_server(questions, address, 53))
    for address in map(str, (topology.ECHO_V4, topology.ECHO_V6, topology.FILM_V4, topology.FILM_V6)):
        listening.append(await asyncio.start_server(echo.serve, address, 80))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
