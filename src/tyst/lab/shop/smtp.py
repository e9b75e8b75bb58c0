"""A mail server that keeps what it gets, for tests and for `./tyst lab shop`: real SMTP with TLS, a page to read it.

It listens on loopback with STARTTLS or TLS from the first byte, asks for a user name and password, and refuses a sender
before TLS. `letters` is everything that arrived; `page` shows it to a person.
"""

import asyncio
import email
import email.policy
import html
import logging
import secrets
import ssl
import threading
import time
import warnings
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tyst.lab.ca import Authority
from tyst.lab.shop.letters import Received, received
from tyst.lab.shop.processor import Asked, Reply, _Port, write


class FakeSmtp:
    """A mail server. `implicit`: TLS from the first byte instead of STARTTLS. `refused`: addresses it doesn't know."""

    def __init__(self, folder: Path, authority: Authority, *, implicit: bool = False) -> None:
        logging.getLogger("mail.log").disabled = True  # the library's words about each letter
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.implicit = folder, implicit
        self.user, self.password = "tyst", secrets.token_hex(12)
        self.letters: list[Received] = []
        self.refused: set[str] = set()
        self.greeted: list[str] = []
        self._changed = threading.Condition()
        write(folder / "authority.pem", authority.certificate)
        issued = authority.issue(["localhost"])
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(
            write(folder / "smtp.pem", issued.certificate), write(folder / "smtp.key", issued.key)
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._page = _Port(self._show, None)
        self.page = f"http://127.0.0.1:{self._page.number}/"

    async def _listen(self) -> asyncio.Server:
        words: dict[str, Any] = {"hostname": "mail.tyst.test", "auth_required": True, "authenticator": self._known}
        words |= {"require_starttls": not self.implicit, "auth_require_tls": not self.implicit}
        if not self.implicit:
            words["tls_context"] = self._context

        def make() -> SMTP:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # with TLS from the first byte it sees none, and says so
                return SMTP(self, loop=self._loop, **words)

        context = self._context if self.implicit else None
        return await self._loop.create_server(make, "127.0.0.1", 0, ssl=context)

    def answers(self) -> dict[str, str]:
        """Its table of mail.toml."""
        where = {"host": "localhost", "port": str(self.port), "tls": "tls" if self.implicit else "starttls"}
        return {**where, "user": self.user, "password": self.password, "ca": str(self.folder / "authority.pem")}

    def call_at(self, address: str) -> None:
        """A mail server tells nobody of bounces."""

    def close(self) -> None:
        """Stops listening."""
        self._page.close()
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Received]:
        """The letters, once there are so many of them; fewer when the time is over."""
        ends = time.monotonic() + seconds
        with self._changed:
            while len(self.letters) < count and (left := ends - time.monotonic()) > 0:
                self._changed.wait(left)
            return list(self.letters)

    def _known(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.login == self.user.encode()
        return AuthResult(success=right and data.password == self.password.encode(), handled=False)

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, name: str, answers: list[str]) -> list[str]:
        """Remembers how the sender introduced itself."""
        session.host_name = name
        self.greeted.append(name)
        return answers

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Refuses whom it doesn't know."""
        if address in self.refused:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        """Keeps a letter."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        with self._changed:
            self.letters += [received(message, to) for to in envelope.rcpt_tos]
            self._changed.notify_all()
        return "250 OK"

    def _show(self, asked: Asked) -> Reply:
        rows = "".join(_row(one) for one in reversed(self.letters)) or "<p>No letters yet.</p>"
        body = f"<!doctype html><title>Mail</title><h1>Mail</h1>{rows}"
        return Reply(200, body.encode(), {"Content-Type": "text/html; charset=utf-8"})


def _row(one: Received) -> str:
    files = ", ".join(f"{name} ({len(content)} bytes)" for name, content in one.files)
    head = f"<h2>{html.escape(one.subject)}</h2><p>To {html.escape(one.to)} {html.escape(files)}</p>"
    return f"<article>{head}<pre>{html.escape(one.text)}</pre></article><hr>"
