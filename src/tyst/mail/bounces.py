"""Letters that came back: after three the address goes. Who counts how often is known to this process's memory alone.

Counted by a keyed hash of the address, under a key that lives as long as the process, so that the counts name nobody;
a restart forgets them, and a dead address is then written to a few times more. The clearing itself finds the account by
its address: the one write in the system that does, and it tells nobody whether there was one.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from importlib import import_module

from tyst.mail.config import Config
from tyst.mail.letter import ForgedError

LIMIT = 3
MOST = 50_000
"""Addresses that are counted at most; the one that bounced longest ago makes room."""


class Bounces:
    """`clear(address)` is called when an address has come back `LIMIT` times. `key`: 32 random bytes."""

    def __init__(self, found: Config | None, key: bytes, clear: Callable[[str], None]) -> None:
        self._answers = dict(found.answers) if found else {}
        self._key, self._clear = key, clear
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._lock = threading.Lock()

    def hear(self, service: str, headers: Mapping[str, str], body: bytes, now: int) -> None:
        """What a service tells. `headers`: names in small letters; `now`: seconds since 1970. ForgedError."""
        if service not in self._answers or service == "smtp":
            raise ForgedError("no such mail service is set up")
        told = import_module(f"tyst.mail.{service}.bounces").bounced(headers, body, self._answers[service], now)
        for address in told:
            if address and self._full(address):
                self._clear(address)

    def count(self, address: str) -> int:
        """How often letters to this address came back."""
        with self._lock:
            return self._counts.get(self._name(address), 0)

    def forget(self, address: str) -> None:
        """Her account is gone: so is the count."""
        with self._lock:
            self._counts.pop(self._name(address), None)

    def _name(self, address: str) -> bytes:
        return hashlib.blake2b(address.lower().encode(), key=self._key, digest_size=16).digest()

    def _full(self, address: str) -> bool:
        name = self._name(address)
        with self._lock:
            count = self._counts.pop(name, 0) + 1
            if count >= LIMIT:
                return True
            self._counts[name] = count
            if len(self._counts) > MOST:
                self._counts.popitem(last=False)
            return False
