"""The listeners: one process, a few threads, HTTPS for the world and plain HTTP for this machine's own loopback.

No access log, no error log: what goes wrong in a request is answered with fixed words and forgotten. A request's bytes
are bounded before anything of it is read.
"""

import ssl
import threading
from pathlib import Path
from typing import Any

from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server

THREADS = 8
MOST_BODY, MOST_HEADERS = 64 * 1024, 32 * 1024
TIMEOUT_SECONDS = 10


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
        """Says nothing, because what it would say holds addresses."""


def listener(address: tuple[str, int], application: Any, tls: Path | None = None) -> SilentServer:
    """A server bound to an address; with `tls`, a folder that holds site.crt and site.key, it speaks HTTPS."""
    server = SilentServer(
        address, application, numthreads=THREADS, max=THREADS, server_name="tyst", timeout=TIMEOUT_SECONDS
    )
    server.max_request_body_size = MOST_BODY
    server.max_request_header_size = MOST_HEADERS
    if tls is not None:
        server.ssl_adapter = BuiltinSSLAdapter(str(tls / "site.crt"), str(tls / "site.key"))
        server.ssl_adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
    return server


def serve(servers: list[SilentServer]) -> None:
    """Runs the listeners until this thread is interrupted, then stops them all."""
    for server in servers:
        server.prepare()
    threads = [threading.Thread(target=server.serve, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    try:
        for thread in threads:
            thread.join()
    finally:
        for server in servers:
            server.stop()


def quiet_threads() -> None:
    """A thread that dies says one fixed word: a traceback could hold a value of a request."""
    threading.excepthook = lambda _: print("tyst: a worker of the site failed", flush=True)
