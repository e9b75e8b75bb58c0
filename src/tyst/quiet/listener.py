"""`/metrics` for the operator's monitoring, on this machine's loopback only, and only where it was asked for.

One thread, one question at a time, one page (`meter.py`). It writes nothing, remembers nobody, and answers everything
but `GET /metrics` with a bare status. A page of the web that a browser on this machine has open can't read it: the
question's `Host` must be a loopback address, and one that carries an `Origin` is refused.
"""

import re
import socket
import threading
from collections.abc import Mapping
from ipaddress import ip_address

from tyst.quiet import fence
from tyst.quiet.meter import Meter

PATH = "/metrics"
_MOST, _PATIENCE = 8192, 2.0
_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsError(ValueError):
    """Figures can't be shown there. Says what to do about it."""


def where(text: str) -> tuple[str, int]:
    """(host, port) of ADDR:PORT. MetricsError for anything but a loopback address."""
    host, _, port = text.rpartition(":")
    try:
        if port.isdigit() and int(port) < 65536 and ip_address(host.strip("[]")).is_loopback:
            return host.strip("[]"), int(port)
    except ValueError:
        pass
    raise MetricsError("figures are shown on this machine's loopback only: --metrics 127.0.0.1:9464 or [::1]:9464")


class Listener:
    """`address`: from `where`. `start` binds, so that a port in use is heard of; `port` is the one that was bound."""

    def __init__(self, address: tuple[str, int], meter: Meter) -> None:
        self._address, self._meter = address, meter
        self._over = threading.Event()

    def start(self) -> None:
        """Opens the door. MetricsError when it can't be opened."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        try:
            self._door = socket.create_server(self._address, family=family, backlog=4)
        except OSError:
            raise MetricsError("figures can't be shown there: the address is taken, or not this machine's") from None
        self.port: int = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes the door."""
        self._over.set()
        self._door.close()
        self._thread.join(2 * _PATIENCE)

    def _run(self) -> None:
        while not self._over.is_set():
            self._door.settimeout(max(0.01, min(1.0, self._meter.tick())))
            try:
                asking, _ = self._door.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with fence.counted(), asking:
                self._answer(asking)

    def _answer(self, asking: socket.socket) -> None:
        asking.settimeout(_PATIENCE)
        try:
            status = judged(_head(asking))
            page = self._meter.page().encode() if status == "200 OK" else b""
            head = f"HTTP/1.1 {status}\r\nContent-Type: {_TYPE}\r\nContent-Length: {len(page)}\r\nConnection: close\r\n"
            asking.sendall(f"{head}Cache-Control: no-store\r\n\r\n".encode() + page)
        except OSError:  # whoever asked is gone, or too slow
            return


def _head(asking: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received and len(received) < _MOST:
        part = asking.recv(2048)
        if not part:
            break
        received += part
    return received


def judged(head: bytes) -> str:
    """The status for a request's head (RFC 9112)."""
    first, *lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    match first.split(" "):
        case ["GET", path, "HTTP/1.1" | "HTTP/1.0"] if path.partition("?")[0] == PATH:
            return "200 OK" if _from_here(fields) else "403 Forbidden"
        case [_, _, "HTTP/1.1" | "HTTP/1.0"]:
            return "404 Not Found"
    return "400 Bad Request"


def _from_here(fields: Mapping[str, str]) -> bool:
    return bool(_HOST.fullmatch(fields.get("host", "localhost"))) and "origin" not in fields
