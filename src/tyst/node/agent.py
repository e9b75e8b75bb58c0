"""The node's agent: brings everything up in an order in which nothing is ever open too early, and takes it down again.

First the firewall (closed: no tunnel address is in any set) with forwarding off, then the daemons, then the listener,
then forwarding. Every part that came up is noted, and goes down in the opposite order, whatever goes wrong. An agent
that follows one that was killed leaves rules and forwarding as they are until it has taken over (`takeover.py`). The
agent says one word, `ready`. It decides nothing about tunnels (`tunnels.py`) and chooses no parts (`wiring.py`).
"""

import asyncio
import contextlib
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import SystemRandom

from tyst.core import metric
from tyst.core.firewall import Ruleset
from tyst.core.openness.traffic import STEP_MBIT
from tyst.node.doors import Door, GateState, NoticePage, VpnDoor
from tyst.node.drivers.firewall import NftFirewall
from tyst.node.drivers.flows import LingeringFlows
from tyst.node.drivers.network import SERVICES, Network
from tyst.node.drivers.wireguard import WireGuard, WireGuardError
from tyst.node.gate_link import GateAbsent, GateLink, GateRefused
from tyst.node.handover import Handover
from tyst.node.identity import Identity
from tyst.node.listener import Listener
from tyst.node.load import Uplink, load_now, sent_bytes
from tyst.node.network import Fleet
from tyst.node.ports import PortDoor
from tyst.node.refresh import Refresher
from tyst.node.renewals import Renewals
from tyst.node.settings import Settings
from tyst.node.takeover import Takeover
from tyst.node.tunnels import Tunnels
from tyst.quiet import fence, process

_LOOK_EVERY, _LOOK_SELDOM, _LOOK_SHARE = 0.05, 1.0, 20
"""Seconds between two looks at newcomers; with many tunnels a look takes at most a twentieth of the time."""
_MINUTE = 60.0


@dataclass(slots=True)
class Parts:
    """Everything the agent runs, chosen in `wiring.py`."""

    interface: str
    public: str
    """The public interface, such as eth0."""
    port: int
    ruleset: Callable[[], Ruleset]
    fleet: Fleet
    settings: Settings
    identity: Identity
    link: GateLink
    wireguard: WireGuard
    tunnels: Tunnels
    listener: Listener
    flows: LingeringFlows
    resolver: Door
    doors: Sequence[VpnDoor]
    notice: NoticePage
    ports: PortDoor
    relays: Sequence[Door]
    """The ways in where UDP is blocked."""
    wall: Callable[[], float]
    inside: Sequence[Door] = ()
    """Further services inside the tunnels."""
    handover: Handover | None = None
    """What a next agent will need; none where nobody would start one."""
    takeover: Takeover | None = None
    """How this agent goes on with what the one before left; none when there was none."""


class Agent:
    """One run of a node, from closed to closed."""

    def __init__(self, network: Network, firewall: NftFirewall) -> None:
        self._network, self._firewall = network, firewall
        self._stack = contextlib.AsyncExitStack()
        self._over = asyncio.Event()
        self._failed = False

    async def close_first(self, ruleset: Ruleset) -> None:
        """Before anything else: forwarding off and a firewall that lets nobody through."""
        self._network.close_forwarding()
        self._stack.callback(self._firewall.remove)
        self._firewall.load(ruleset)
        self._stack.push_async_callback(self._network.undo)
        await self._network.prepare()

    async def follow(self) -> None:
        """Instead of `close_first`, after an agent that was killed: its rules stand, and packets go on passing them."""
        self._stack.callback(self._firewall.remove)
        self._stack.push_async_callback(self._network.undo)
        self._stack.callback(self._network.close_forwarding)
        await self._network.prepare()

    async def start(self, parts: Parts) -> None:
        """Everything up; returns when a device can connect."""
        self._stack.push_async_callback(parts.link.close)
        taken = await self._take_over(parts)
        if not taken:
            self._firewall.load(parts.ruleset())
        parts.fleet.on_change(lambda: self._firewall.load(parts.ruleset()))
        await self._network.own(parts.public, parts.fleet.addresses.all4)
        self._stack.callback(parts.flows.purge_all)
        self._stack.push_async_callback(parts.wireguard.stop)
        if not taken:
            await parts.wireguard.start(parts.identity.secrets.wireguard_private, parts.port)
        await self._network.attach(parts.interface)
        if taken:  # handshakes have waited; all else may take its second
            self._hear(parts)
            if parts.handover is not None:
                parts.handover.serve()
        await self._start(parts.resolver.stop, parts.resolver.start())
        await self._start(parts.notice.stop, parts.notice.start(SERVICES[1::2]))
        await self._start(parts.ports.stop, parts.ports.start())
        for door in (*parts.inside, *parts.doors):
            await self._start(door.stop, door.start())
        if not taken:
            self._hear(parts)
        for relay in parts.relays:
            await self._start(relay.stop, relay.start())
        self._network.open_forwarding()
        self._stack.callback(self._network.close_forwarding)
        self._begin(parts)
        if taken:
            parts.link.found.set()  # leases are renewed at once, and what waited is settled
        elif parts.handover is not None:
            parts.handover.serve()

    async def _take_over(self, parts: Parts) -> bool:
        """Goes on with open tunnels, if there are some. A WireGuard without any is replaced: it may know the last."""
        if parts.takeover is None:
            return False
        peers = await parts.wireguard.adopt()
        if await parts.takeover.run(peers or {}, parts.ruleset):
            return True
        await parts.wireguard.stop()
        return False

    def _hear(self, parts: Parts) -> None:
        """From here on devices can knock."""
        self._stack.push_async_callback(_quietly(parts.tunnels.close_all))
        self._stack.callback(parts.listener.stop)
        parts.listener.start()

    async def _start(self, stop: Callable[[], Awaitable[None]], starting: Awaitable[None]) -> None:
        """A part that fails while starting is stopped too."""
        self._stack.push_async_callback(stop)
        await starting

    def _begin(self, parts: Parts) -> None:
        """The loops; and what was made until now is left out of garbage collection from here on."""
        fresh = Refresher(lambda: len(parts.tunnels.table), parts.wireguard.stop)
        figures = _Figures(parts.settings.room)
        figures.show(parts)
        uplink = Uplink(partial(sent_bytes, parts.public), asyncio.get_running_loop().time)
        renewals = Renewals(parts.link, [parts.tunnels, *parts.doors], parts.tunnels.note, figures.note, uplink.step)
        work = [
            self._look(parts.tunnels),
            self._every(parts.settings.sweep, parts.tunnels.sweep, fresh.look),
            self._every(parts.settings.sweep, parts.ports.tick),
            self._every(parts.settings.renew, renewals.round, parts.tunnels.ask_again),
            self._every(parts.settings.renew, parts.fleet.refresh, partial(self._own, parts)),
            self._every(_MINUTE, self._reseed),
            self._every(_MINUTE / 4, parts.flows.tick),
            self._welcome_gate(parts, renewals),
            self._keep_identity(parts),
            self._keep_wireguard(parts),
            self._watch(parts.tunnels),
            *([self._every(1.0, partial(_mirror, parts.handover, parts.doors))] if parts.handover else []),
        ]
        tasks = [asyncio.create_task(self._guarded(one)) for one in work]
        self._stack.push_async_callback(_cancel, tasks)
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)

    def finish(self) -> None:
        """Ends `run`; safe in a signal handler of the loop."""
        self._over.set()

    async def run(self) -> bool:
        """Serves until `finish`, or until something failed that must not: then False."""
        await self._over.wait()
        return not self._failed

    async def close(self) -> None:
        """Everything down, in the opposite order: forwarding first, the firewall last."""
        await self._stack.aclose()

    # --- loops --------------------------------------------------------------------------------------------------

    async def _guarded(self, work: Awaitable[None]) -> None:
        """A loop that ends by itself ends the agent; nothing is said about why, because it may name somebody."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- the agent stops, closed; the exception's text may hold an address
            fence.fault(error)
            self._failed = True
            self._over.set()

    async def _every(self, seconds: float, *actions: Callable[[], Awaitable[object]]) -> None:
        """Again and again, with a tenth of jitter, so that a fleet doesn't march in step."""
        jitter = SystemRandom()
        while True:
            await asyncio.sleep(seconds * jitter.uniform(0.9, 1.0))
            for action in actions:
                with contextlib.suppress(WireGuardError):
                    await action()

    async def _look(self, tunnels: Tunnels) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await tunnels.waiting.wait()
            before = loop.time()
            with contextlib.suppress(WireGuardError):
                await tunnels.look()
            took = loop.time() - before
            await asyncio.sleep(min(_LOOK_SELDOM, max(_LOOK_EVERY, took * _LOOK_SHARE)))

    async def _own(self, parts: Parts) -> None:
        """The pool's addresses are the node's; nothing happens when they are already."""
        await self._network.own(parts.public, parts.fleet.addresses.all4)

    async def _reseed(self) -> None:
        self._firewall.reseed()

    async def _welcome_gate(self, parts: Parts, renewals: Renewals) -> None:
        """The gate is back: it hears of all leases at once, then what slept or waited is settled."""
        while True:
            await parts.link.found.wait()
            parts.link.found.clear()
            with contextlib.suppress(WireGuardError):
                await renewals.round()
                await parts.tunnels.gate_found()

    async def _keep_identity(self, parts: Parts) -> None:
        while True:
            await asyncio.sleep(max(1.0, min(3600.0, parts.identity.half_life(parts.wall()))))
            if parts.identity.half_life(parts.wall()) > 0:
                continue
            try:
                await parts.identity.renew(parts.link)
            except (GateAbsent, GateRefused):
                await asyncio.sleep(_MINUTE)

    async def _keep_wireguard(self, parts: Parts) -> None:
        """A WireGuard that died takes its sessions along: tunnels end, leases go back, devices come again."""
        while True:
            await parts.wireguard.gone()
            with contextlib.suppress(WireGuardError):
                await parts.tunnels.close_all()
            await parts.wireguard.start(parts.identity.secrets.wireguard_private, parts.port)
            await self._network.attach(parts.interface)

    async def _watch(self, tunnels: Tunnels) -> None:
        await tunnels.trouble.wait()
        self._failed = True
        self._over.set()


@dataclass(slots=True)
class _Figures:
    """What the last round of renewals counted: read by the thread of figures, which must not walk the tables itself."""

    room: int
    tunnels: int = 0

    def note(self, tunnels: int) -> int:
        """So many leases of all protocols were presented; how busy the node is with them."""
        self.tunnels = tunnels
        return load_now(tunnels, room=self.room)

    def show(self, parts: Parts) -> None:
        """The figures of this room, where they are asked for: sums over tunnels, never one's own."""
        uplink = Uplink(partial(sent_bytes, parts.public), time.monotonic)
        process.ask(metric.NODE_TUNNELS, lambda: self.tunnels)
        process.ask(metric.NODE_LOAD, lambda: load_now(self.tunnels, self.room))
        process.ask(metric.NODE_GATE, lambda: int(parts.link.state is GateState.CONNECTED))
        process.ask(metric.NODE_MBIT, lambda: _mbit(uplink.step(self.tunnels)))


def _mbit(step: int | None) -> int | None:
    return None if step is None else step * STEP_MBIT


def _quietly(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """While going down, a WireGuard that is gone already is no matter."""

    async def wrapped() -> None:
        with contextlib.suppress(WireGuardError):
            await work()

    return wrapped


async def _mirror(handover: Handover, doors: Sequence[VpnDoor]) -> None:
    """OpenVPN's leases of now, for whoever has to give them back."""
    handover.mirror(held.lease for door in doors for held in door.held())


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
