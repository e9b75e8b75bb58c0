"""The listeners: one process, a few threads, HTTPS for the world and plain HTTP for this machine's own loopback.

No access log, no error log: what goes wrong in a request is answered with fixed words, counted by its place in our code
and forgotten. A request's bytes are bounded before anything of it is read.
"""

import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from django.core.signals import got_request_exception

from tyst.quiet import fence

THREADS = 8
MOST_BODY, MOST_HEADERS = 64 * 1024, 32 * 1024
TIMEOUT_SECONDS = 10
WAITING = 1024
"""Connections that the kernel keeps until they are taken. With cheroot's five, a crowd waits a second for each few."""


class ForgettingConnection(HTTPConnection):
    """A connection that forgets its peer and its buffers when it closes: an idle worker refers to its last one."""

    def close(self) -> None:
        """Closes, and lets go of everything that came over it."""
        super().close()
        self.remote_addr = self.remote_port = None
        self.rfile = self.wfile = None


class SilentServer(Server):
    """cheroot without a word."""

    ConnectionClass = ForgettingConnection

    def error_log(self, *_: Any, **__: Any) -> None:
        """Says nothing, because what it would say holds addresses. The fault behind it is counted."""
        fence.broken(sys.exc_info()[1])


def listener(address: tuple[str, int], application: Any, tls: Path | None = None) -> SilentServer:
    """A server bound to an address; with `tls`, a folder that holds site.crt and site.key, it speaks HTTPS."""
    server = SilentServer(
        address,
        application,
        numthreads=THREADS,
        max=THREADS,
        server_name="tyst",
        timeout=TIMEOUT_SECONDS,
        request_queue_size=WAITING,
    )
    server.max_request_body_size = MOST_BODY
    server.max_request_header_size = MOST_HEADERS
    if tls is not None:
        server.ssl_adapter = BuiltinSSLAdapter(str(tls / "site.crt"), str(tls / "site.key"))
        server.ssl_adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
    return server


def serve(servers: list[SilentServer], ready: Callable[[], None]) -> None:
    """Runs the listeners until this thread is interrupted, then stops them all."""
    for server in servers:
        server.prepare()
    threads = [threading.Thread(target=server.serve, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    ready()
    try:
        for thread in threads:
            thread.join()
    finally:
        for server in servers:
            server.stop()


def count_faults() -> None:
    """What a page didn't catch is counted by its place, and its traceback let go of."""
    got_request_exception.connect(_fault, weak=False)


def _fault(**_: Any) -> None:
    error = sys.exc_info()[1]
    if error is not None:
        fence.fault(error)
