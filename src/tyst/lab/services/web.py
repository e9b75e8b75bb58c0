"""The echo server: a web page that tells callers their own address, and who asked for a DNS name.

    GET /                     the caller's address, text
    GET /json                 {"address", "port"}
    GET /resolvers?name=N     {"resolvers": [...]} that asked the authoritative server for N
    GET /bytes?n=N            N bytes (at most 1 GiB), for throughput

Requests are answered one per connection (RFC 9112), and nothing is kept. Counterpart: `server.py`, which listens.
"""

import asyncio
import contextlib
import json
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from tyst.lab.services.zone import Witness

_PATIENCE = 10.0
_LARGEST = 1 << 30
_CHUNK = bytes(65536)


class Echo:
    """Serves connections; knows of nothing but the witness of the DNS server beside it."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, one answer."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._answer(head, writer)
            await writer.drain()
        writer.close()

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(words) != 3 or words[0] not in ("GET", "HEAD"):
            _write(writer, "400 Bad Request", "text/plain", b"GET only\n")
            return
        url = urlsplit(words[1])
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        if url.path == "/bytes":
            await _stream(writer, query.get("n", "0"))
            return
        status, kind, body = self._page(url.path, query, writer.get_extra_info("peername"))
        _write(writer, status, kind, body)

    def _page(self, path: str, query: dict[str, str], peer: tuple[str, int]) -> tuple[str, str, bytes]:
        address = str(ip_address(peer[0].partition("%")[0]))
        if path == "/":
            return "200 OK", "text/plain", f"{address}\n".encode()
        if path == "/json":
            return "200 OK", "application/json", json.dumps({"address": address, "port": peer[1]}).encode()
        if path == "/resolvers":
            found = self._witness.askers(query.get("name", ""))
            return "200 OK", "application/json", json.dumps({"resolvers": found}).encode()
        return "404 Not Found", "text/plain", b"no such page\n"


def _write(writer: asyncio.StreamWriter, status: str, kind: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n".encode() + body)


async def _stream(writer: asyncio.StreamWriter, wanted: str) -> None:
    """Sends as many zero bytes as asked for."""
    left = min(int(wanted), _LARGEST) if wanted.isascii() and wanted.isdigit() else 0
    kind = "application/octet-stream"
    writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {left}\r\nConnection: close\r\n\r\n".encode()
    )
    while left:
        writer.write(_CHUNK[: min(left, len(_CHUNK))])
        left -= min(left, len(_CHUNK))
        await writer.drain()
