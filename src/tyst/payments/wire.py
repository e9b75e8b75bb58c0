"""Asking a processor over HTTPS: with limits of time and size, no redirects, no proxy, no log, no word of the answer in
an error.

Each question has a connection of its own, so that nothing stays behind in a pool. Used by the providers' `client.py`.
Amounts in an answer stay text: JSON's numbers are never made floats here.
"""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib import parse

import httpx

from tyst.payments.provider import PaymentError
from tyst.quiet import fence

PATIENCE = 10.0
"""Seconds for each step (connect, send, read), and for the whole answer twice that."""
MOST = 2**20
"""Bytes of an answer: an invoice is 10 KB."""
_PLAIN = {"accept-encoding": "identity", "user-agent": "Tyst"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self, who: str) -> Any:
        """The body, numbers as text. PaymentError when it isn't JSON."""
        return from_json(self.body, who)


def from_json(body: bytes, who: str) -> Any:
    """JSON with numbers left as they were written, or PaymentError. The fault, which holds the body, is dropped."""
    try:
        return json.loads(body.decode("utf-8"), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        pass
    raise PaymentError(f"{who} said something that makes no sense")


def text(value: Any, *path: str) -> str:
    """The text at a path of names inside nested objects; empty where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def forget_addresses() -> None:
    """Empties urllib's caches: httpx's cookie jar takes each address apart with it, and a payment's id is in many."""
    clear: Callable[[], None] = vars(parse)["clear_cache"]
    clear()


class Wire:
    """One processor's server. `who`: its name in our sentences."""

    def __init__(self, base: str, who: str, context: ssl.SSLContext | None = None) -> None:
        self.base, self.who = base.rstrip("/"), who
        self._context = context or ssl.create_default_context()
        self.patience = PATIENCE
        fence.hush("httpx", "httpcore")  # they would log what is asked

    def ask(self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One question. PaymentError: not reached, too slow, too long, or broken off. Any status is an answer."""
        try:
            return self._ask(method, path, body, dict(headers or {}))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError):
            pass  # the fault holds our request, and maybe their answer: it is dropped here
        finally:
            forget_addresses()
        raise PaymentError(f"{self.who} can't be reached, or doesn't answer as it should")

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        ends = time.monotonic() + 2 * self.patience
        with (
            httpx.Client(verify=self._context, timeout=self.patience, trust_env=False) as client,
            client.stream(method, self.base + path, content=body, headers=_PLAIN | headers) as reply,
        ):
            received = b""
            for part in reply.iter_raw():
                received += part
                if len(received) > MOST or time.monotonic() > ends:
                    raise ValueError("too much, or too slow")
            return Answer(reply.status_code, reply.headers, received)
