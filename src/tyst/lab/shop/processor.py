"""What the fakes of processors have in common: an HTTPS door on loopback, a page with buttons, a postman, and troubles.

A fake's own file (`swish.py`, `coinpayments.py`) answers `api` and `buttons`; this one owns the sockets. `page` is for
a person with a browser and speaks plain HTTP, because a browser does not know the lab's authority.
"""

import html
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tyst.lab.ca import Authority, Issued

TROUBLES = ("down", "slow", "garbage", "error", "cut")
NOISE = "account-of-somebody-else 4111111111111111"
"""What broken answers say: it must turn up nowhere."""
_SLOW = 20.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the fake's API. `who`: the common name of the client's certificate, when it showed one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    who: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The fake's answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """A callback as it was, or will be, posted."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Processor(ABC):
    """A fake processor: `base` is its API (https://localhost:PORT), `page` its page with buttons."""

    title: str

    def __init__(self, folder: Path, authority: Authority, *, mutual: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.authority = folder, authority
        self.trouble, self._relief = "", threading.Event()
        self.posted: list[Letter] = []
        self.posting = True
        """Whether callbacks are delivered; those that aren't are kept in `posted` all the same."""
        write(folder / "authority.pem", authority.certificate)
        self._context = _server_context(folder, authority.issue(["localhost"]), mutual=mutual)
        self._api = _Port(self._answer, self._context)
        self._page = _Port(self._show, None)
        self.base = f"https://localhost:{self._api.number}"
        self.page = f"http://127.0.0.1:{self._page.number}/"

    @abstractmethod
    def api(self, asked: Asked) -> Reply:
        """Answers one request of a merchant's."""

    @abstractmethod
    def buttons(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        """What the page shows: (id, what it says of it, buttons). `?only=ID` shows one of them."""

    @abstractmethod
    def press(self, identity: str, button: str) -> None:
        """What a button does."""

    def back(self, identity: str) -> str:
        """The shop's page to which this one's payer goes back; none for most."""
        return ""

    def close(self) -> None:
        """Stops listening."""
        self._relief.set()
        self._api.close()
        self._page.close()

    def post(self, letter: Letter) -> bool:
        """Posts a callback, once. Whether it was taken (any 2xx)."""
        self.posted.append(letter)
        return self.posting and self.deliver(letter)

    def deliver(self, letter: Letter) -> bool:
        """Posts a letter (again)."""
        try:
            with httpx.Client(verify=False, timeout=10, trust_env=False) as client:  # nosec B501
                return client.post(letter.url, content=letter.body, headers=dict(letter.headers)).is_success
        except (httpx.HTTPError, OSError):
            return False

    @contextmanager
    def troubled(self, trouble: str) -> Iterator[None]:
        """The API broken in one way (`TROUBLES`) for as long as this lasts."""
        self.trouble = trouble
        self._relief.clear()
        if trouble == "down":
            self._api.close()
        try:
            yield
        finally:
            self.trouble = ""
            self._relief.set()
            if trouble == "down":
                self._api = _Port(self._answer, self._context, self._api.number)

    def _answer(self, asked: Asked) -> Reply | None:
        if self.trouble == "slow":
            self._relief.wait(_SLOW)
            return None
        if self.trouble == "garbage":
            return Reply(200, b"\x00\xff{" + NOISE.encode())
        if self.trouble == "error":
            return Reply(500, f"<html>{NOISE}</html>".encode(), {"Content-Type": "text/html"})
        reply = self.api(asked)
        if self.trouble == "cut":
            cut = reply.body[: len(reply.body) // 2] or b"{"
            return Reply(reply.status, cut, {**reply.headers, "Content-Length": str(len(cut) + 100)})
        return reply

    def _show(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            form = dict(parse_qsl(asked.body.decode()))
            self.press(form.get("id", ""), form.get("button", ""))
            return Reply(303, b"", {"Location": f"{asked.path}?{urlencode(asked.query)}"})
        only = asked.query.get("only", "")
        rows = "".join(_row(only, self.back(one[0]), *one) for one in self.buttons() if only in ("", one[0]))
        body = f"<!doctype html><title>{self.title}</title><h1>{self.title}</h1>{rows or '<p>Nothing is open.</p>'}"
        return Reply(200, body.encode(), {"Content-Type": "text/html; charset=utf-8"})


class _Port:
    """A threaded HTTP(S) server on one loopback port."""

    def __init__(self, answer: Any, context: ssl.SSLContext | None, number: int = 0) -> None:
        class Handler(_Handler):
            pass

        Handler.answer = staticmethod(answer)
        self._server = ThreadingHTTPServer(("127.0.0.1", number), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.number: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    answer: Any
    timeout = 10

    def handle(self) -> None:
        """The TLS handshake is done here, in the connection's own thread; who fails it is gone without a word."""
        try:
            super().handle()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def _any(self) -> None:
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, split.path, dict(parse_qsl(split.query)), headers, body, self._who())
        reply: Reply | None = self.answer(asked)
        if reply is None:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def _who(self) -> str:
        if not isinstance(self.connection, ssl.SSLSocket):
            return ""
        shown: Any = self.connection.getpeercert() or {}
        return next((value for part in shown.get("subject", ()) for name, value in part if name == "commonName"), "")

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def write(path: Path, content: str) -> Path:
    """A file for its owner alone."""
    path.touch(0o600)
    path.write_text(content, "utf-8")
    return path


def _server_context(folder: Path, issued: Issued, *, mutual: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = write(folder / "server.pem", issued.certificate), write(folder / "server.key", issued.key)
    context.load_cert_chain(certificate, key)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "authority.pem")
    return context


def _row(only: str, back: str, identity: str, says: str, buttons: Sequence[str]) -> str:
    hidden = f'<input type="hidden" name="id" value="{html.escape(identity)}">'
    pressable = "".join(f'<button name="button" value="{one}">{one}</button> ' for one in map(html.escape, buttons))
    link = f'<p><a href="{html.escape(back)}">Back to the shop</a></p>' if back else ""
    action = "/?" + html.escape(urlencode({"only": only}))
    return f'<form method="post" action="{action}"><p>{html.escape(says)}</p>{hidden}{pressable}</form>{link}<hr>'
