"""The door at which tunnels ask for a port of their own: NAT-PMP and PCP on the resolver's address, UDP 5351.

It answers open tunnels only, each where it asked from, and not too often. An answer is a few bytes longer than what was
asked at most, so the door is of no use to whoever wants to send others more than he has. It writes nothing down.
Counterparts: `port_leases.py` decides, `core.natpmp` and `core.pcp` are the two languages. Sources: RFC 6886, RFC 6887.
"""

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any, cast

from tyst.core import natpmp, pcp
from tyst.core.wireguard.addresses import RESOLVER4
from tyst.node.drivers.firewall import FirewallError
from tyst.node.limits import Buckets, Meter
from tyst.node.port_leases import PROTOCOLS, Grant, Leases, No, Wish

_RATE, _BURST, _RATE_ALL, _BURST_ALL = 5.0, 20.0, 500.0, 1000.0
"""Requests per second, and at once: of one tunnel, of all together. What is more gets no answer."""

_NATPMP = {No.ADDRESS: natpmp.Result.NOT_AUTHORIZED, No.NONCE: natpmp.Result.NOT_AUTHORIZED}
_PCP = {
    No.ADDRESS: pcp.Result.NOT_AUTHORIZED,
    No.SHARE: pcp.Result.USER_EX_QUOTA,
    No.FREE: pcp.Result.NO_RESOURCES,
    No.EXTERNAL: pcp.Result.CANNOT_PROVIDE_EXTERNAL,
    No.NONCE: pcp.Result.NOT_AUTHORIZED,
}


class Answers:
    """What the door says to one request: bytes in, bytes out, or nothing."""

    def __init__(self, leases: Leases, clock: Callable[[], float]) -> None:
        self._leases, self._clock, self._began = leases, clock, clock()

    @property
    def epoch(self) -> int:
        """Seconds since the table of ports was empty (RFC 6886, 3.6; RFC 6887, 8.5)."""
        return int(self._clock() - self._began)

    def answer(self, data: bytes, inner: IPv4Address) -> bytes | None:
        """An open tunnel asks."""
        if data[:1] == bytes((natpmp.VERSION,)):
            return self._natpmp(natpmp.parse(data), inner)
        return self._pcp(pcp.parse(data, inner), inner)

    def _natpmp(self, asked: natpmp.Request | None, inner: IPv4Address) -> bytes | None:
        if isinstance(asked, natpmp.AskAddress):
            address = self._leases.address(inner)
            result = natpmp.Result.SUCCESS if address else natpmp.Result.NOT_AUTHORIZED
            return natpmp.address_answer(result, self.epoch, address)
        if isinstance(asked, natpmp.Unknown):
            return natpmp.unknown_answer(asked)
        return None if asked is None else self._natpmp_port(asked, inner)

    def _natpmp_port(self, asked: natpmp.AskPort, inner: IPv4Address) -> bytes:
        done: Grant | No | None
        if asked.lifetime == 0:
            done = self._leases.give_back(inner, asked.protocol, asked.internal)
        elif asked.internal == 0:
            done = No.NONCE
        else:
            done = self._leases.grant(inner, Wish(asked.protocol, asked.internal, asked.external, None, asked.lifetime))
        if isinstance(done, No):
            result = _NATPMP.get(done, natpmp.Result.OUT_OF_RESOURCES)
            return natpmp.port_answer(asked, result, self.epoch, 0, 0)
        external, lifetime = (done.external, done.lifetime) if done else (0, 0)
        return natpmp.port_answer(asked, natpmp.Result.SUCCESS, self.epoch, external, lifetime)

    def _pcp(self, asked: pcp.Request | None, inner: IPv4Address) -> bytes | None:
        if isinstance(asked, pcp.Wrong):
            return pcp.error_answer(asked.data, asked.result, self.epoch)
        if isinstance(asked, pcp.Announce):
            return pcp.announce_answer(asked, self.epoch)
        return None if asked is None else self._pcp_map(asked, inner)

    def _pcp_map(self, asked: pcp.Map, inner: IPv4Address) -> bytes:
        whole = asked.protocol == 0 or asked.internal == 0
        if asked.protocol not in (0, *PROTOCOLS) or (whole and asked.lifetime):
            return pcp.error_answer(asked.data, pcp.Result.UNSUPP_PROTOCOL, self.epoch)
        done: Grant | No | None
        if asked.lifetime == 0:
            done = self._leases.give_back(inner, asked.protocol, asked.internal, asked.nonce)
        else:
            done = self._leases.grant(inner, _wish(asked))
        if isinstance(done, No):
            return pcp.error_answer(asked.data, _PCP[done], self.epoch)
        if done is None:
            return pcp.map_answer(asked, self.epoch, asked.external, asked.address or IPv4Address(0), 0)
        return pcp.map_answer(asked, self.epoch, done.external, done.address, done.lifetime)


def _wish(asked: pcp.Map) -> Wish:
    return Wish(
        asked.protocol, asked.internal, asked.external, asked.address, asked.lifetime, asked.nonce, asked.exactly
    )


class PortDoor(asyncio.DatagramProtocol):
    """The socket in the tunnel. It answers open tunnels only, each where it asked from, and not too often."""

    def __init__(self, leases: Leases, clock: Callable[[], float]) -> None:
        self._leases, self._answers = leases, Answers(leases, clock)
        self._each, self._all = Buckets(_RATE, _BURST, clock), Meter(_RATE_ALL, _BURST_ALL, clock)
        self._transport: asyncio.DatagramTransport | None = None
        self._failed: FirewallError | None = None

    async def start(self, address: IPv4Address = RESOLVER4, port: int = natpmp.PORT) -> None:
        """Serves on this address, which exists already. OSError when it doesn't."""
        await self._leases.begin()
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(str(address), port))

    async def stop(self) -> None:
        """Closes the port; leases go with their tunnels."""
        if self._transport is not None:
            self._transport.close()
        self._transport = None

    async def tick(self) -> None:
        """See `Leases.tick`. FirewallError when the kernel refused a lease and everything else: the agent stops."""
        if self._failed is not None:
            raise self._failed
        await self._leases.tick()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is none by its class

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """One request; one answer at most."""
        inner = IPv4Address(addr[0])
        if self._transport is None or not self._leases.is_open(inner):
            return
        if not self._each.take(inner.packed) or not self._all.take():
            return
        try:
            answer = self._answers.answer(data, inner)
        except FirewallError as error:
            self._failed = error
            return
        if answer is not None:
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        """A client that closed its socket; nothing is to be done about it, or said."""
