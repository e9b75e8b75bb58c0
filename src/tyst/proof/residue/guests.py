"""Marked visitors of a town: a few who do everything, and a crowd that is connected at the same moment.

Each comes from a loopback address of her own, with a browser's name, a path and a password that exist once. What they
sent is known here alone. A guest signs up, says her mail address, registers a device's key and connects with it; the
crowd asks for a page and stays on the line. Counterparts: `town` (where they are looked for), `erase/alice.py`.
"""

import contextlib
import hashlib
import ipaddress
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from tyst.core.residue import Mark, MarkKind
from tyst.core.tags import opener_of, tag_of
from tyst.proof.erase.alice import SECONDS, Alice
from tyst.proof.marks import Draw

LOOPBACK = ipaddress.IPv4Network("127.128.0.0/9")


class Guest(Alice):
    """One who does everything. Her address, browser and path are marks besides what Alice has."""

    def arrive(self, draw: Draw) -> None:
        """Puts on her marks."""
        self.address, self.agent = draw.address4(LOOPBACK), draw.user_agent()
        self.path = f"p{draw.hexadecimal(20)}"
        self.session = ""
        self._browser.close()
        self._browser = httpx.Client(
            base_url=self.town.url,
            headers={"Origin": self.town.url, "User-Agent": self.agent},
            transport=httpx.HTTPTransport(local_address=self.address),
            timeout=SECONDS,
        )

    def use(self) -> None:
        """Signs up, gives her mail address, registers a device's key, looks around, signs out and in again."""
        self.join()
        self.post("/en/account/voucher", 200, code=self.town.voucher(30))
        self._give_an_address()
        self._register()
        self.post("/en/signout", 302)
        self.post("/en/signin", 422, username=self.name, password=f"{self.password}x")
        self.post("/en/signin", 302, username=self.name, password=self.password)
        self._browser.get(f"/en/{self.path}?{self.path}")
        self.session = next((value for name, value in self._browser.cookies.items() if "session" in name), "")
        self._browser.get("/en/account", params={"from": self.path})

    def cookies(self) -> bytes:
        """What her browser keeps."""
        return "\n".join(f"{one.name}={one.value}" for one in self._browser.cookies.jar).encode()

    def marks(self, number: int) -> list[Mark]:
        """All of them, with a decoy each."""
        texts = {"agent": self.agent, "path": self.path, "username": self.name, "password": self.password}
        texts |= {"email": self.email, **({"session": self.session} if self.session else {})}
        keys = {"tag": tag_of(self.public), "opener": opener_of(self.public), "device": self.public}
        marks = [Mark(f"guest{number}.{name}", MarkKind.TEXT, value) for name, value in texts.items()]
        marks += [Mark(f"guest{number}.{name}", MarkKind.TOKEN, value) for name, value in keys.items()]
        return [*marks, Mark(f"guest{number}.address", MarkKind.ADDRESS4, self.address)]


@dataclass
class Crowd:
    """So many visitors on the line at once, each with an address and a browser's name of her own."""

    url: str
    size: int
    draw: Draw = field(repr=False)

    def __post_init__(self) -> None:
        self.people = [(self.draw.address4(LOOPBACK), self.draw.user_agent()) for _ in range(self.size)]

    @contextlib.contextmanager
    def connected(self) -> Iterator[list[socket.socket]]:
        """While the block runs all are on the line."""
        port = urlsplit(self.url).port or 80
        with contextlib.ExitStack() as lines:
            yield [lines.enter_context(self._link(port, address)) for address, _ in self.people]

    def ask(self, links: list[socket.socket]) -> int:
        """All ask for a page at once, before any has its answer. How many got one."""
        at = urlsplit(self.url).netloc
        for link, (_, agent) in zip(links, self.people, strict=True):
            link.sendall(f"GET /en/ HTTP/1.1\r\nHost: {at}\r\nUser-Agent: {agent}\r\n\r\n".encode())
        return sum(_first(link) == b"H" for link in links)

    def _link(self, port: int, address: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(address, 0))

    def marks(self) -> list[Mark]:
        """Theirs."""
        addresses = [Mark(f"crowd{n}.address", MarkKind.ADDRESS4, one) for n, (one, _) in enumerate(self.people)]
        return [*addresses, *(Mark(f"crowd{n}.agent", MarkKind.TEXT, one) for n, (_, one) in enumerate(self.people))]


def _first(link: socket.socket) -> bytes:
    """The first byte of an answer; nothing when the line was cut."""
    try:
        return link.recv(1)
    except OSError:
        return b""


def moments(began: float, ended: float) -> list[Mark]:
    """The seconds of the visit, as databases write them; not the full hours, to which accounts are rounded."""
    seconds = [datetime.fromtimestamp(one, UTC) for one in range(int(began), int(ended) + 1)]
    told = [f"{one:%Y-%m-%d %H:%M:%S}" for one in seconds if one.minute or one.second]
    return [Mark(f"visit.moment{n}", MarkKind.TEXT, text) for n, text in enumerate(told)]


def decoys(marks: list[Mark], draw: Draw) -> list[Mark]:
    """A value like each, that was never sent. A moment's is of another century."""
    return [Mark(f"decoy.{mark.name}", mark.kind, _like(mark, draw), decoy=True) for mark in marks]


def _like(mark: Mark, draw: Draw) -> str | bytes:
    if mark.kind is MarkKind.ADDRESS4:
        return draw.address4(LOOPBACK)
    if isinstance(mark.value, bytes):
        return secrets.token_bytes(len(mark.value))
    if mark.name.startswith("visit."):
        return f"21{mark.value[2:]}"
    return hashlib.blake2b(secrets.token_bytes(16), digest_size=12).hexdigest()


def now() -> float:
    """The clock that moments are made of."""
    return time.time()
