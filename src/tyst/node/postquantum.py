"""The in-tunnel service that agrees on a post-quantum preshared key with a client, for the tunnel that asks.

One datagram in, one out, on an address that only open tunnels reach. It keeps nothing: the key goes to WireGuard, and
with the peer it is gone. Who asks too often, with an old number or from a tunnel that isn't open gets no answer.
Counterparts: `core.postquantum` (both halves and the format), `rekeyed.py` (pace, and when a tunnel is stuck).
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from ipaddress import IPv6Address

from tyst.core.postquantum import ASK_BYTES, PORT, Ask, ExchangeError, answer, read_ask
from tyst.core.wireguard.addresses import RESOLVER6
from tyst.node.drivers.wireguard import WireGuard, WireGuardError
from tyst.node.limits import Meter
from tyst.node.rekeyed import Rekeyed
from tyst.node.states import State
from tyst.node.table import Table, Tunnel

RATE, BURST = 200, 200
"""Exchanges a second (0.1 ms each) on the whole node; each tunnel has a pace of its own (`rekeyed.py`)."""


class PostQuantum(asyncio.DatagramProtocol):
    """The service. `public`: the node's own WireGuard key."""

    def __init__(self, public: bytes, table: Table, wireguard: WireGuard, clock: Callable[[], float]) -> None:
        self._public, self._table, self._wireguard, self._clock = public, table, wireguard, clock
        self._meter = Meter(RATE, BURST, clock)
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Serves on an address that exists already."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(str(RESOLVER6), PORT), family=socket.AF_INET6
        )

    async def stop(self) -> None:
        """Hears nothing more."""
        if self._transport is not None:
            self._transport.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def datagram_received(self, data: bytes, addr: tuple[str, int, int, int]) -> None:
        """One question. Silence is the answer to everything that is not in order."""
        if len(data) != ASK_BYTES:
            return
        with contextlib.suppress(ExchangeError):
            ask = read_ask(data)
            tunnel = self._table.at(IPv6Address(addr[0]))
            if tunnel is not None and self._may(tunnel, ask) and self._meter.take():
                task = asyncio.get_running_loop().create_task(self._agree(tunnel, ask, addr))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _may(self, tunnel: Tunnel, ask: Ask) -> bool:
        """An open tunnel, at its own pace, with a number that grows."""
        if tunnel.state is not State.OPEN:
            return False
        tunnel.rekeyed = tunnel.rekeyed or Rekeyed()
        return tunnel.rekeyed.takes(ask.number, self._clock())

    async def _agree(self, tunnel: Tunnel, ask: Ask, addr: tuple[str, int, int, int]) -> None:
        """The key first, the answer after: a client that has its half finds the node ready."""
        with contextlib.suppress(ExchangeError, WireGuardError):
            message, preshared = answer(ask, device=tunnel.public, node=self._public)
            await self._wireguard.set_preshared(tunnel.public, preshared)
            if tunnel.state is State.OPEN and self._transport is not None:
                self._transport.sendto(message, addr)

    def error_received(self, exc: Exception) -> None:
        """A client that went away meanwhile is no matter."""
