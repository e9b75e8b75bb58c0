"""The streaming relay: what listed names lead to is in the firewall's sets before the one who asked hears of it.

The resolver (`core.dns`) asks here for names of the streaming list, over UDP at an address of the node's own that no
tunnel reaches; this asks the plain resolver and puts the addresses into vp_streams4 and vp_streams6. They hold
destinations and end by themselves; who asked is not known here. What is kept: questions under way (for seconds), and
until when an address is in its set. Only tunnels whose account wants streaming leave by another address for these
(`core.firewall`, `node.egress`), so it changes nothing for others who ask.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol, cast

from tyst.core.dns import INNER_PORT, RELAY_PORT
from tyst.core.dns_answer import (
    AAAA,
    HTTPS,
    SVCB,
    A,
    Answer,
    MalformedError,
    Question,
    answer_of,
    asked,
    number_of,
    question_of,
    renumbered,
    reply,
)
from tyst.core.firewall.collections import STREAMS4, STREAMS6, Collection, Element
from tyst.core.wireguard.addresses import RESOLVER4

LINGER = 600
"""Seconds that an address stays in its set beyond its answer's lifetime: programs keep answers longer than they may."""
MOST = 8192
"""Addresses in both sets together; what comes when they are full leaves as everything else does."""
MOST_WAITING = 2048
PATIENCE = 8.0
_SERVFAIL = Answer(2, 1)
_NOTHING = Answer(0, 60)


class Sets(Protocol):
    """The firewall, as the relay needs it."""

    def put(self, collection: Collection, element: Element) -> None:
        """One element in, or renewed."""


@dataclass(slots=True)
class _Waiting:
    """A question that the plain resolver has. `until`: when nobody waits for its answer any more."""

    question: Question
    asker: tuple[str, int]
    until: float


class Destinations:
    """Which addresses are in the sets, and until when: an element is renewed before it ends, and not at each answer."""

    def __init__(self, sets: Sets, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._sets, self._clock, self._most = sets, clock, most
        self._until: dict[IPv4Address | IPv6Address, float] = {}

    def add(self, answer: Answer) -> None:
        """Every address of an answer stays for its lifetime and a while more."""
        now = self._clock()
        if len(self._until) + len(answer.addresses) > self._most:
            self._until = {address: until for address, until in self._until.items() if until > now}
        for address in answer.addresses:
            known = self._until.get(address)
            if known is None and len(self._until) >= self._most:
                return
            if known is None or known < now + answer.seconds + LINGER / 2:
                self._put(address, answer.seconds + LINGER, now)

    def _put(self, address: IPv4Address | IPv6Address, seconds: int, now: float) -> None:
        self._until[address] = now + seconds
        collection = STREAMS4 if isinstance(address, IPv4Address) else STREAMS6
        self._sets.put(collection, Element(address.packed, b"", seconds))


class Relay:
    """A door of the node; it serves from `start` to `stop`."""

    def __init__(self, sets: Sets, clock: Callable[[], float] = time.monotonic) -> None:
        self._destinations, self._clock = Destinations(sets, clock), clock
        self._waiting: dict[int, _Waiting] = {}
        self._transports: list[asyncio.DatagramTransport] = []

    async def start(self) -> None:
        """Opens both sides. The service addresses exist already."""
        loop, host = asyncio.get_running_loop(), str(RESOLVER4)
        inner, _ = await loop.create_datagram_endpoint(lambda: _Side(self._answered), remote_addr=(host, INNER_PORT))
        outer, _ = await loop.create_datagram_endpoint(lambda: _Side(self.asked), local_addr=(host, RELAY_PORT))
        self._transports = [inner, outer]

    async def stop(self) -> None:
        """Closes both; a second call does nothing."""
        for transport in self._transports:
            transport.close()
        self._transports = []
        self._waiting.clear()

    def asked(self, message: bytes, asker: tuple[str, int]) -> None:
        """A question. Hints of addresses (RFC 9460) are not given: a program would take one that no set holds."""
        try:
            question = question_of(message)
        except MalformedError:
            return
        if question.kind in (SVCB, HTTPS):
            self._say(reply(question, _NOTHING), asker)
        elif (number := self._free()) is not None:
            self._waiting[number] = _Waiting(question, asker, self._clock() + PATIENCE)
            self._transports[0].sendto(asked(question, number))

    def _free(self) -> int | None:
        """A number that no question under way has; None when there are too many."""
        if len(self._waiting) >= MOST_WAITING:
            now = self._clock()
            self._waiting = {number: one for number, one in self._waiting.items() if one.until > now}
        if len(self._waiting) >= MOST_WAITING:
            return None
        while (number := secrets.randbits(16)) in self._waiting:
            pass
        return number

    def _answered(self, message: bytes, _: object) -> None:
        """The plain resolver's answer: first into the sets, then to the one who asked."""
        try:
            waiting = self._waiting.pop(number_of(message), None)
            if waiting is not None:
                self._say(self._made(message, waiting.question), waiting.asker)
        except MalformedError:
            return

    def _made(self, message: bytes, question: Question) -> bytes:
        if question.kind not in (A, AAAA):
            return renumbered(message, question.number)
        try:
            answer = answer_of(message, question)
        except MalformedError:
            answer = _SERVFAIL
        self._destinations.add(answer)
        return reply(question, answer)

    def _say(self, message: bytes, asker: tuple[str, int]) -> None:
        if self._transports:
            self._transports[-1].sendto(message, asker)


class _Side(asyncio.DatagramProtocol):
    """One of the two sockets."""

    def __init__(self, heard: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Hands it on."""
        self._heard(data, cast(tuple[str, int], addr))

    def error_received(self, exc: Exception) -> None:
        """A resolver that is just restarting: whoever asked asks again."""
