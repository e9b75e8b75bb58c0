"""WireGuard tunnels from knock to end: asks the gate, adds and removes peers, opens and closes addresses.

The acting half of the state machine in `states.py`; the values are in `table.py`. Peers appear when a device proved
itself and the gate said yes, and disappear 180 s after their last handshake. Rules that live here: an inner IPv4
address that somebody holds is given to nobody else; a provisional peer that sends nothing goes after ten seconds; a
lease from before the gate was lost lets its own device return, under a hash, for at most 24 hours.

It hears nothing (`listener.py`), has no timer (`agent.py` calls `look`, `sweep` and `ask_again`) and speaks no HTTP
(`gate_link.py`).
"""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any, Protocol

from tyst.core.tags import opener_of, tag_of
from tyst.messages.admission import Admission, AdmitKey, Held, Verdict, Why
from tyst.node.doors import Firewall, GateState, InnerFlows
from tyst.node.drivers.wireguard import WireGuard, WireGuardError
from tyst.node.limits import Meter, ShortMemory
from tyst.node.packets import Captured, Knock
from tyst.node.settings import Settings
from tyst.node.states import Event, State
from tyst.node.table import Table, Tunnel

_TO_GARDEN = (Why.EXPIRED, Why.SLOTS, Why.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Clock:
    """`now`: seconds that only go forward; `wall`: seconds since 1970, as WireGuard tells its handshakes."""

    now: Callable[[], float]
    wall: Callable[[], float]


class KeyGate(Protocol):
    """The gate, as WireGuard tunnels need it. Nothing here raises for an absent gate."""

    @property
    def state(self) -> GateState: ...

    @property
    def lost_for(self) -> float:
        """Seconds since the gate was lost; 0 while it is connected."""

    async def admit_key(self, question: AdmitKey) -> Admission: ...

    async def confirm(self, lease: bytes) -> Admission: ...

    def give_back(self, lease: bytes) -> None: ...


class Tunnels:
    """All WireGuard tunnels of this node."""

    def __init__(
        self,
        *,
        gate: KeyGate,
        wireguard: WireGuard,
        firewall: Firewall,
        flows: InnerFlows,
        hand_on: Callable[[Captured], None],
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._gate, self._wireguard, self._firewall, self._flows = gate, wireguard, firewall, flows
        self._hand_on, self._clock, self._settings = hand_on, clock, settings
        self.table = Table()
        self.waiting = asyncio.Event()
        """Set while some tunnel has not yet sent its first authenticated packet."""
        self.trouble = asyncio.Event()
        """Set when something failed that must not: the agent stops, with everything closed."""
        self._unknown = ShortMemory(settings.unknown, settings.unknown_cap, clock.now)
        self._heard = ShortMemory(settings.idle, settings.unknown_cap, clock.now)
        self._asks = Meter(settings.asks_rate, settings.asks_burst, clock.now)
        self._silent: dict[bytes, Tunnel] = {}
        self._dormant: dict[bytes, bytes] = {}
        self._dormant_key = secrets.token_bytes(16)
        self._noted = clock.now()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- knocks -------------------------------------------------------------------------------------------------

    def served(self, public: bytes) -> bool:
        """Whether this key has a peer in WireGuard, so that its handshakes go there."""
        tunnel = self.table.get(public)
        return tunnel is not None and tunnel.state is not State.ASKING

    def knock(self, knock: Knock) -> None:
        """A device that has no tunnel proved itself. Returns at once; refuses silently what is too much."""
        public = knock.initiation.public
        if public in self.table or self.table.counts[State.ASKING] >= self._settings.asking_cap:
            return
        if public in self._unknown or self._replay_name(knock) in self._heard:
            return
        if not self._asks.take():
            return
        tunnel = self.table.begin(public, self._clock.now())
        self._spawn(tunnel, self._admit(tunnel, knock))

    @staticmethod
    def _replay_name(knock: Knock) -> bytes:
        return knock.initiation.public + knock.initiation.timestamp

    async def _admit(self, tunnel: Tunnel, knock: Knock) -> None:
        """From ASKING to a peer, or to nothing."""
        self._heard.add(self._replay_name(knock))  # the same initiation never opens anything twice
        event, admission = Event.LET_IN, self._resumable(tunnel)
        if admission is not None:
            event = Event.RESUMED
        else:
            admission = await self._gate.admit_key(AdmitKey(tag_of(tunnel.public), opener_of(tunnel.public)))
        if tunnel.state is not State.ASKING:
            return
        if admission.verdict is Verdict.OPEN:
            await self._let_in(tunnel, admission, event, knock.packet)
        elif admission.verdict is Verdict.GARDEN:
            await self._confine(tunnel, admission.why, knock.packet)
        else:
            if admission.verdict is Verdict.UNKNOWN:
                self._unknown.add(tunnel.public)
            self.table.move(tunnel, Event.DECLINED)

    async def _let_in(self, tunnel: Tunnel, admission: Admission, event: Event, packet: Captured) -> None:
        if not self.table.claim6(tunnel):
            self.table.move(tunnel, Event.DECLINED)
            return
        self.table.lease(tunnel, admission.lease)
        self.table.move(tunnel, event)
        tunnel.deadline = self._clock.now() + self._settings.provisional
        await self._open_up(tunnel, admission.features.ipv6)
        self._give(tunnel, packet)

    async def _open_up(self, tunnel: Tunnel, wants6: bool) -> None:
        """Address, firewall, peer. A tunnel whose IPv4 address is another's gets IPv6 egress whatever its settings."""
        self.table.claim4(tunnel)
        tunnel.wants6, tunnel.why = wants6, Why.NONE
        addresses = tunnel.addresses
        self._flows.welcome(addresses)
        self._firewall.admit(addresses, ipv6=wants6 or not tunnel.has4)
        await self._wireguard.add_peer(tunnel.public, addresses)

    async def _confine(self, tunnel: Tunnel, why: Why, packet: Captured | None = None) -> None:
        """Into the garden with a reason, from wherever the tunnel is; out altogether when the garden is full."""
        if tunnel.state is not State.GARDEN and self.table.counts[State.GARDEN] >= self._settings.garden_cap:
            await self._close([tunnel], Event.DECLINED if tunnel.state is State.ASKING else Event.ENDED)
            return
        if not self.table.claim6(tunnel):
            self.table.move(tunnel, Event.DECLINED)
            return
        if tunnel.state is not State.ASKING:
            self._flows.purge(tunnel.addresses)
        self._firewall.release([tunnel.address4] if tunnel.has4 else [])
        self.table.leave4(tunnel)
        self.table.lease(tunnel, b"")
        tunnel.why = why
        patience = self._settings.garden_life if tunnel.spoken else self._settings.provisional
        tunnel.deadline = self._clock.now() + patience
        self.table.move(tunnel, Event.CONFINED)
        self._firewall.confine(tunnel.address6)
        await self._wireguard.add_peer(tunnel.public, [tunnel.address6])
        if packet is not None:
            self._give(tunnel, packet)

    def _give(self, tunnel: Tunnel, packet: Captured) -> None:
        """Hands the initiation on and has `look` wait for the answer. A full queue is no harm: the client retries."""
        self._silent[tunnel.public] = tunnel
        with contextlib.suppress(OSError):
            self._hand_on(packet)
        self.waiting.set()

    # --- the first authenticated packet -------------------------------------------------------------------------

    async def look(self) -> None:
        """Notes handshakes; confirms tunnels that spoke, and removes those whose time is up."""
        await self.note()
        now, lapsed = self._clock.now(), []
        for tunnel in list(self._silent.values()):
            if tunnel.spoken or tunnel.state is State.GONE:
                del self._silent[tunnel.public]
            if tunnel.spoken and tunnel.state is State.PROVISIONAL:
                self.table.move(tunnel, Event.SPOKE)
                self._spawn(tunnel, self._confirm(tunnel))
            elif tunnel.spoken and tunnel.state is State.GARDEN:
                tunnel.deadline = now + self._settings.garden_life
            elif now >= tunnel.deadline and tunnel.state is not State.GONE:
                lapsed.append(tunnel)
        await self._close(lapsed, Event.LAPSED)
        if not self._silent:
            self.waiting.clear()

    async def note(self) -> None:
        """Reads all handshakes from WireGuard. A peer that the table doesn't know has no business there: it goes.

        WireGuard tells wall-clock time, which may jump; a *changed* stamp is dated between the last look and now.
        """
        stamps = await self._wireguard.handshakes()
        now, wall = self._clock.now(), self._clock.wall()
        for public, stamp in stamps.items():
            tunnel = self.table.get(public)
            if tunnel is not None and stamp != tunnel.stamp:
                tunnel.stamp = stamp
                tunnel.fresh = now - min(max(wall - stamp, 0.0), now - self._noted)
        self._noted = now
        await self._wireguard.remove_peers(public for public in stamps if public not in self.table)

    async def _confirm(self, tunnel: Tunnel) -> None:
        """Tells the gate that a provisional tunnel is alive: it takes its slot, or goes to the garden."""
        admission = await self._gate.confirm(tunnel.lease)
        if tunnel.state is not State.CONFIRMING:
            self._gate.give_back(admission.lease)
        elif admission.verdict is Verdict.OPEN:
            self.table.lease(tunnel, admission.lease)
            self.table.move(tunnel, Event.CONFIRMED)
            if not tunnel.has4 or tunnel.why is not Why.NONE or admission.features.ipv6 != tunnel.wants6:
                self._flows.purge([tunnel.address6])
                await self._open_up(tunnel, admission.features.ipv6)
        elif admission.verdict is Verdict.GARDEN:
            await self._confine(tunnel, admission.why)
        else:
            await self._close([tunnel], Event.DECLINED)

    async def _ask_anew(self, tunnel: Tunnel) -> None:
        """A lease of 24 hours has ended under an open tunnel: it goes on without a break if the gate still says yes."""
        admission = await self._gate.admit_key(AdmitKey(tag_of(tunnel.public), opener_of(tunnel.public)))
        if tunnel.state is not State.CONFIRMING:
            self._gate.give_back(admission.lease)
        elif admission.verdict is Verdict.OPEN:
            self.table.lease(tunnel, admission.lease)
            await self._confirm(tunnel)
        elif admission.verdict is Verdict.GARDEN:
            await self._confine(tunnel, admission.why)
        else:
            await self._close([tunnel], Event.DECLINED)

    async def ask_again(self) -> None:
        """Asks once more for every tunnel in the garden; called every 20 s, and when the gate is back."""
        for tunnel in self.table.aside(State.GARDEN):
            if self._gate.state is GateState.LOST:
                return
            if not tunnel.spoken:
                continue
            admission = await self._gate.admit_key(AdmitKey(tag_of(tunnel.public), opener_of(tunnel.public)))
            if tunnel.state is State.GARDEN:
                await self._judge_again(tunnel, admission)

    async def _judge_again(self, tunnel: Tunnel, admission: Admission) -> None:
        if admission.verdict is Verdict.OPEN:
            self.table.lease(tunnel, admission.lease)
            self.table.move(tunnel, Event.PROMOTED)
            await self._confirm(tunnel)
        elif admission.verdict is Verdict.GARDEN:
            tunnel.why = admission.why
        elif admission.verdict is not Verdict.BUSY:
            await self._close([tunnel], Event.DECLINED)

    # --- the end of tunnels -------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Ends what is idle, what was long enough in the garden, and leases of an outage that lasted too long."""
        now = self._clock.now()
        if self._gate.lost_for >= self._settings.outage:
            self._dormant.clear()
            await self._close([t for t in self.table if t.state is State.OPEN], Event.ENDED)
        if self._idle(now):
            await self.note()
            await self._close(self._idle(now), Event.IDLED)
        await self._close([t for t in self.table.aside(State.GARDEN) if now >= t.deadline], Event.LAPSED)
        self._unknown.forget_old()
        self._heard.forget_old()

    def _idle(self, now: float) -> list[Tunnel]:
        before, can = now - self._settings.idle, (State.OPEN, State.GARDEN, State.CONFIRMING)
        return [t for t in self.table if t.fresh <= before and t.spoken and t.state in can]

    async def _close(self, tunnels: Iterable[Tunnel], event: Event) -> None:
        """Ends tunnels: firewall first, then WireGuard; leases go back, or sleep while the gate is lost."""
        closing = [tunnel for tunnel in tunnels if tunnel.state is not State.GONE]
        self._firewall.release(address for tunnel in closing for address in tunnel.addresses)
        for tunnel in closing:
            if tunnel.state is not State.ASKING:
                self._flows.linger(tunnel.addresses)
            self._part_with_lease(tunnel, event)
            self._silent.pop(tunnel.public, None)
            self.table.move(tunnel, event)
        await self._wireguard.remove_peers([tunnel.public for tunnel in closing])

    def _part_with_lease(self, tunnel: Tunnel, event: Event) -> None:
        if not tunnel.lease:
            return
        asleep = tunnel.state is State.OPEN and event in (Event.IDLED, Event.LAPSED)
        if asleep and self._gate.state is GateState.LOST:
            self._dormant[self._dormant_name(tunnel.public)] = tunnel.lease
        else:
            self._gate.give_back(tunnel.lease)

    async def close_all(self) -> None:
        """The node stops, or WireGuard died: every tunnel ends and every lease goes back."""
        await self._close(list(self.table), Event.ENDED)

    # --- the gate lost and found --------------------------------------------------------------------------------

    def _dormant_name(self, public: bytes) -> bytes:
        return hashlib.blake2s(public, key=self._dormant_key, digest_size=16).digest()

    def _resumable(self, tunnel: Tunnel) -> Admission | None:
        """The sleeping lease of this device, while the gate is lost."""
        if self._gate.state is not GateState.LOST or self._gate.lost_for >= self._settings.outage:
            return None
        lease = self._dormant.pop(self._dormant_name(tunnel.public), None)
        return None if lease is None else Admission(Verdict.OPEN, lease=lease)

    async def gate_found(self) -> None:
        """The gate is back: sleeping leases are returned (their devices ask anew), the garden is asked for."""
        for lease in self._dormant.values():
            self._gate.give_back(lease)
        self._dormant.clear()
        await self.ask_again()

    # --- leases, for the renewals -------------------------------------------------------------------------------

    def held(self) -> list[Held]:
        """Every open tunnel's lease; quiet when its last handshake is older than 130 s."""
        before = self._clock.now() - self._settings.quiet
        return [Held(t.lease, t.fresh < before) for t in self.table if t.state is State.OPEN and t.lease]

    async def end(self, lease: bytes, why: Why) -> None:
        """The gate ended a lease: to the garden for a reason a customer can mend, else out. BUSY: ask anew."""
        tunnel = self.table.by_lease(lease)
        if tunnel is None:
            return
        self.table.lease(tunnel, b"")
        if why is Why.BUSY and tunnel.state is State.OPEN:
            self.table.move(tunnel, Event.OUTLIVED)
            self._spawn(tunnel, self._ask_anew(tunnel))
        elif why in _TO_GARDEN and tunnel.state is State.OPEN:
            await self._confine(tunnel, why)
        else:
            await self._close([tunnel], Event.ENDED)

    def replace(self, old: bytes, new: bytes) -> None:
        """Fresh bytes for a lease."""
        tunnel = self.table.by_lease(old)
        if tunnel is not None:
            self.table.lease(tunnel, new)

    def reason_of(self, address: IPv6Address) -> Why:
        """Why the tunnel with this inner address is in the garden; NONE when it isn't."""
        tunnel = self.table.at(address)
        return tunnel.why if tunnel is not None and tunnel.state is State.GARDEN else Why.NONE

    # --- tasks --------------------------------------------------------------------------------------------------

    def _spawn(self, tunnel: Tunnel, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(tunnel, work))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def _guarded(self, tunnel: Tunnel, work: Coroutine[Any, Any, None]) -> None:
        """WireGuard refused or is gone: this tunnel ends. (That it is gone, the agent sees and ends them all.)"""
        try:
            await work
        except WireGuardError:
            with contextlib.suppress(WireGuardError):
                await self._close([tunnel], Event.DECLINED if tunnel.state is State.ASKING else Event.ENDED)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.trouble.set()
