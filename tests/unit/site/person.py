"""People who use the site without a network: each has a browser with a cookie jar, calling the WSGI door directly."""

import html
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from tyst.core.tokens import Session, open_token
from tyst.site.gate_client import GateError


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **words: float) -> None:
        """Turns it forward, as timedelta says it."""
        self.moment += timedelta(**words)


@dataclass
class GateOfTest:
    """Opens the session with the gate's own key, as the gate does."""

    keys: Any
    now: Clock
    counts: dict[bytes, int] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    away: bool = False

    def _handle(self, session: bytes) -> bytes:
        if self.away:
            raise GateError("away")
        return open_token(self.keys.seal, Session, session, now=int(self.now().timestamp())).handle

    def devices(self, session: bytes) -> int:
        return self.counts.get(self._handle(session), 0)

    def loads(self) -> dict[str, int]:
        if self.away:
            raise GateError("away")
        return self.busy

    def drop(self, session: bytes, *, leaving: bool = False) -> int:
        return self.counts.pop(self._handle(session), 0)


@dataclass
class Answer:
    """A response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The page's source with its entities read."""
        return html.unescape(self.body.decode())

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def cookies(self) -> list[str]:
        """Every Set-Cookie of the response."""
        return [value for key, value in self.headers if key.lower() == "set-cookie"]

    def field(self, name: str) -> str:
        """What the account page shows for a field."""
        match = re.search(rf'data-field="{name}">([^<]*)<', self.body.decode())
        assert match, name
        return html.unescape(match.group(1))

    def element(self, identity: str) -> str:
        """The text of the element with this id."""
        match = re.search(rf'id="{identity}"[^>]*>([^<]*)<', self.body.decode())
        assert match, identity
        return html.unescape(match.group(1)).strip()


class Person:
    """Somebody with a browser."""

    def __init__(self, door: Any, address: str = "192.0.2.77", *, https: bool = True) -> None:
        self.door, self.address, self.scheme = door, address, "https" if https else "http"
        self.jar: dict[str, str] = {}
        self.host = "tyst.test"

    def get(self, path: str, **headers: str) -> Answer:
        """Opens a page."""
        return self._send("GET", path, b"", headers)

    def post(self, path: str, data: dict[str, str] | None = None, **headers: str) -> Answer:
        """Sends a form, as our own page does."""
        headers = {"HTTP_ORIGIN": f"{self.scheme}://{self.host}", **headers}
        return self._send("POST", path, urlencode(data or {}).encode(), headers)

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        where, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": where,
            "QUERY_STRING": query,
            "SERVER_NAME": self.host,
            "SERVER_PORT": "443",
            "HTTP_HOST": self.host,
            "REMOTE_ADDR": self.address,
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.jar.items()),
            **{name: value for name, value in headers.items() if value},
        }
        if headers.get("HTTP_ORIGIN") == "":
            environ.pop("HTTP_ORIGIN", None)
        return self._received(environ)

    def _received(self, environ: dict[str, Any]) -> Answer:
        got: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            got.update(status=int(status.split()[0]), headers=headers)

        chunks = self.door(environ, start)
        answer = Answer(got["status"], got["headers"], b"".join(chunks))
        if hasattr(chunks, "close"):
            chunks.close()
        for cookie in answer.cookies:
            self._keep(cookie)
        return answer

    def _keep(self, text: str) -> None:
        for name, morsel in SimpleCookie(text).items():
            if morsel["max-age"] == "0" or morsel["max-age"] == 0:
                self.jar.pop(name, None)
            else:
                self.jar[name] = morsel.value

    def sign_up(self, name: str = "alice", password: str = "a quiet passphrase", **more: str) -> Answer:
        """Makes an account."""
        data = {"username": name, "password": password, "currency": "EUR", "country": "se", **more}
        return self.post("/en/signup", data)

    def sign_in(self, name: str = "alice", password: str = "a quiet passphrase", **more: str) -> Answer:
        """Signs in."""
        return self.post("/en/signin", {"username": name, "password": password, **more})
