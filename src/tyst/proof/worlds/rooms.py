"""The rooms of one world: the real gate at its real door, the real site, and the real node down to the kernel.

All in one process: the gate and the node on an event loop in a thread, over TLS on loopback; the site is called as its
listener would call it. Clock and randomness are a `Hand`'s. What isn't here: listeners' sockets, the kernel
(`kernel.py`), the OpenVPN program (its management events come from the script), unbound. Those are in the lab.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import time as TimeOfDay
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

from tyst.core.openvpn.server import Range
from tyst.core.wireguard.handshake import Responder
from tyst.gate import wiring as gate_wiring
from tyst.gate.room import Gate
from tyst.messages.fleet import Announced
from tyst.node import identity
from tyst.node.clock import Clock
from tyst.node.egress import Egress
from tyst.node.gate_link import GateLink
from tyst.node.identity import Identity
from tyst.node.network import Fleet
from tyst.node.openvpn.door import Door, Shared
from tyst.node.openvpn.limiter import LoginLimiter
from tyst.node.openvpn.outage import Outage
from tyst.node.openvpn.wiring import seal_login
from tyst.node.port_leases import Leases
from tyst.node.renewals import Renewals
from tyst.node.settings import Settings
from tyst.node.tunnels import Tunnels
from tyst.proof.worlds.hand import Hand
from tyst.proof.worlds.kernel import Flows, Peers, firewall
from tyst.site import wiring as site_wiring

T = TypeVar("T")
PATIENCE = 60
NODE = "se-sto"
NO_COUNTRIES = "countries"


@dataclass(frozen=True)
class Place:
    """Where a world's files are, and the gate's listening socket, which all worlds share one after the other.

    `root`: all that is persisted; `ram`: a folder on a tmpfs.
    """

    root: Path
    ram: Path
    ear: socket.socket

    @property
    def state(self) -> Path:
        """The control host's state folder."""
        return self.root / "state"

    @property
    def node(self) -> Path:
        """The node's folder, which the node itself takes only in RAM (a tmpfs)."""
        return self.ram / "node"

    @property
    def gate(self) -> str:
        """The gate's address."""
        return f"https://localhost:{self.ear.getsockname()[1]}"


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for it."""
        return self.begin(work).result(PATIENCE)

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Doesn't."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)


class GateRoom:
    """The gate, open. `change` may put something in its place before it opens: that is how weaknesses are planted."""

    def __init__(self, place: Place, hand: Hand, loop: Loop, change: Callable[[Gate], None] = lambda _: None) -> None:
        self._options = gate_wiring.Options(place.state, "127.0.0.1", 0, TimeOfDay(4), ("192.0.2.1",))
        self.gate: Gate = loop.do(self._built(hand, change))
        self._server = gate_wiring.server(self.gate, self._options)
        loop.begin(self._server.serve(sockets=[place.ear]))

    async def _built(self, hand: Hand, change: Callable[[Gate], None]) -> Gate:
        gate = gate_wiring.build(self._options, hand.sources("gate"))
        change(gate)
        return gate


def site(place: Place, hand: Hand) -> Any:
    """The site's door."""
    countries = place.root / NO_COUNTRIES
    options = site_wiring.Options(place.state, place.gate, [countries])
    return site_wiring.assembled(options, hand.when, hand.stream("site"))


class NodeRoom:
    """The node: tunnels by WireGuard, logins by OpenVPN, forwarded ports, renewals; and its line to the gate."""

    def __init__(self, who: Identity, hand: Hand) -> None:
        self.hand, self.draw = hand, hand.stream("node")
        self.who, self.link = who, GateLink(who.gate, who.context, hand)
        self.peers, self.responder = Peers(), Responder(who.secrets.wireguard_private)
        self.firewall, self.flows, self.sent = firewall(), Flows(), list[bytes]()
        self.fleet = Fleet(self.link, None, who.keep_network, hand)
        self.egress = Egress(lambda: self.fleet.addresses, hand)
        self.tunnels = Tunnels(
            gate=self.link,
            wireguard=self.peers,
            firewall=self.firewall,
            flows=self.flows,
            passage=self.egress.passage,
            hand_on=lambda _: None,
            clock=Clock(hand, hand),
            settings=Settings(),
        )
        exits = partial(_exits, self.fleet)
        below = lambda top: int.from_bytes(self.draw(8)) % top  # noqa: E731 - one line of arithmetic
        self.ports = Leases(self.firewall, self.flows, exits, frozenset[int], hand, below)

    async def join(self) -> Announced:
        """Announces itself, hears what the fleet looks like, and opens its door for OpenVPN."""
        announced = await self.who.announce(self.link)
        await self.fleet.refresh()
        seal = partial(seal_login, announced.gate_public, self.who.name, clock=self.hand)
        limiter, outage = LoginLimiter(self.hand, self.draw), Outage(self.hand, self.draw(32))
        shared = Shared(
            gate=self.link,
            firewall=self.firewall,
            flows=self.flows,
            passage=self.egress.passage,
            seal=seal,
            limiter=limiter,
            outage=outage,
            draw=self.draw,
            clock=self.hand,
        )
        self.door = Door(Range(0), self.sent.append, shared)
        self.renewals = Renewals(self.link, [self.tunnels, self.door], self.tunnels.note)
        return announced


def _exits(fleet: Fleet) -> tuple[IPv4Address, ...]:
    return fleet.addresses.exit4


class Rooms:
    """All three."""

    def __init__(self, place: Place, hand: Hand, change: Callable[[Gate], None] = lambda _: None) -> None:
        self.place, self.hand, self.loop = place, hand, Loop()
        self.gate = GateRoom(place, hand, self.loop, change).gate
        self.site = site(place, hand)
        self.node: NodeRoom = self.loop.do(self._node())

    async def _node(self) -> NodeRoom:
        who = identity.resume(self.place.node)
        assert who is not None, "the ground has a node"
        node = NodeRoom(who, self.hand)
        await node.join()
        return node
