"""The connection below the door: HTTP/1.1 over TLS 1.3, with the peer's certificate and without its address.

A subclass of uvicorn's httptools protocol. It never asks the transport where the peer is, so no address reaches the
application, a log or an exception; instead it hands on who the certificate says the peer is. It also bounds what a
stranger (no certificate: enrolling, or nobody) may hold: few connections, for a short time, with short headers.
"""

import asyncio
import ssl
from pathlib import Path
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tyst.gate.identity import Peer, peer_of

PEER = "tyst.peer"
MAX_HEAD = 16 << 10
STRANGERS = 64
STRANGER_SECONDS = 15.0


def tls_context(certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    """TLS 1.3 only; a client certificate of the fleet's authority if there is one, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_OPTIONAL
    # No tickets: a resumed session would carry a certificate that may have ended since.
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    return context


class PeerProtocol(HttpToolsProtocol):
    """One connection. `peer` is None for a stranger."""

    strangers: ClassVar[set["PeerProtocol"]] = set()
    peer: Peer | None = None
    _head = 0
    _past_head = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As uvicorn's, less the question where the peer is."""
        self.connections.add(self)
        self.transport = cast(asyncio.Transport, transport)
        self.flow = FlowControl(self.transport)
        self.scheme = "https"
        session = self.transport.get_extra_info("ssl_object")
        certificate = session.getpeercert(binary_form=True) if session is not None else None
        self.peer = peer_of(certificate) if certificate else None
        if self.peer is None:
            self._admit_stranger()

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's."""
        self.strangers.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, with a bound on the head, which the parser itself does not have."""
        if not self._past_head:
            self._head += len(data)
        super().data_received(data)
        if not self._past_head and self._head > MAX_HEAD:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Hands the peer to the application."""
        super().on_message_begin()
        cast(dict[str, Any], self.scope)[PEER] = self.peer

    def on_headers_complete(self) -> None:
        """From here on the door bounds the body."""
        self._past_head = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next head begins."""
        self._past_head, self._head = False, 0
        super().on_message_complete()

    def _admit_stranger(self) -> None:
        if len(self.strangers) >= STRANGERS:
            self.transport.abort()
            return
        self.strangers.add(self)
        self._deadline = self.loop.call_later(STRANGER_SECONDS, self.transport.abort)
