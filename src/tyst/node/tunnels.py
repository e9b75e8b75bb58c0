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
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Any

from msgspec import structs

from tyst.core.tags import opener_of, tag_of
from tyst.core.wireguard.handshake import Initiation
from tyst.messages.admission import Admission, AdmitKey, Features, Held, Verdict, Why
from tyst.node import rekeyed
from tyst.node.chores import Chores
from tyst.node.clock import Clock
from tyst.node.doors import Firewall, GateState, InnerFlows, KeyGate, PassageOf
from tyst.node.dormant import Dormant
from tyst.node.drivers.wireguard import WireGuard, WireGuardError
from tyst.node.handover import Handover
from tyst.node.limits import Meter, ShortMemory
from tyst.node.packets import Captured, Knock
from tyst.node.settings import Settings
from tyst.node.stamps import Stamps
from tyst.node.states import Event, State
from tyst.node.table import Table, Tunnel

_TO_GARDEN = (Why.EXPIRED, Why.SLOTS, Why.UNREACHABLE, Why.MULTIHOP, Why.DRAINING)


class Tunnels:
    """All WireGuard tunnels of this node."""

    def __init__(
        self,
        *,
        gate: KeyGate,
        wireguard: WireGuard,
        firewall: Firewall,
        flows: InnerFlows,
        passage: PassageOf,
        hand_on: Callable[[Captured], None],
        clock: Clock,
        settings: Settings,
        handover: Handover | None = None,
        from_entry: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._gate, self._wireguard, self._firewall, self._flows = gate, wireguard, firewall, flows
        self._passage, self._hand_on, self._clock, self._settings = passage, hand_on, clock, settings
        self._from_entry = from_entry
        self.table = Table(handover)
        self.waiting = asyncio.Event()
        """Set while some tunnel has not yet sent its first authenticated packet."""
        self.trouble = asyncio.Event()
        """Set when something failed that must not: the agent stops, with everything closed."""
        self._unknown = ShortMemory(settings.unknown, settings.unknown_cap, clock.now)
        self._heard = ShortMemory(settings.idle, settings.unknown_cap, clock.now)
        self._asks = Meter(settings.asks_rate, settings.asks_burst, clock.now)
        self._silent: dict[bytes, Tunnel] = {}
        self._dormant = Dormant()
        self._stamps = Stamps(self.table, wireguard, clock)
        self._chores = Chores(self.trouble)

    # --- knocks -------------------------------------------------------------------------------------------------

    def served(self, public: bytes) -> bool:
        """Whether this key has a peer in WireGuard, so that its handshakes go there."""
        tunnel = self.table.get(public)
        return tunnel is not None and tunnel.state is not State.ASKING

    def doubts(self, public: bytes) -> bool:
        """Whether its initiations are counted: it may have lost a preshared key that it agreed on."""
        tunnel = self.table.get(public)
        return tunnel is not None and tunnel.rekeyed is not None

    def tried(self, initiation: Initiation) -> None:
        """A device with a peer began a handshake, and proved to be it."""
        tunnel = self.table.get(initiation.public)
        if tunnel is None or tunnel.rekeyed is None:
            return
        if tunnel.rekeyed.knocked(initiation.timestamp, self._clock.now()):
            self._spawn(tunnel, self._free(tunnel, tunnel.rekeyed.since))

    async def _free(self, tunnel: Tunnel, since: float) -> None:
        """Ends a tunnel whose device has lost the preshared key of an exchange (see `rekeyed.py`): it knocks again."""
        await asyncio.sleep(rekeyed.LOOKS_AFTER)
        await self.note()
        if tunnel.state is State.OPEN and tunnel.fresh < since - 1:
            await self._close([tunnel], Event.ENDED)

    def knock(self, knock: Knock) -> None:
        """A device that has no tunnel proved itself. Returns at once; refuses silently what is too much."""
        public = knock.initiation.public
        if public in self.table or self.table.counts[State.ASKING] >= self._settings.asking_cap:
            return
        if public in self._unknown or knock.initiation.name in self._heard or not self._asks.take():
            return
        tunnel = self.table.begin(public, self._clock.now())
        tunnel.entered = self._from_entry(knock.packet.source)
        self._spawn(tunnel, self._admit(tunnel, knock))

    async def _admit(self, tunnel: Tunnel, knock: Knock) -> None:
        """From ASKING to a peer, or to nothing."""
        self._heard.add(knock.initiation.name)  # the same initiation never opens anything twice
        event, admission = Event.LET_IN, self._resumable(tunnel)
        if admission is not None:
            event = Event.RESUMED
        else:
            admission = await self._ask(tunnel)
        if tunnel.state is not State.ASKING:
            return
        if admission.verdict is Verdict.OPEN:
            await self._let_in(tunnel, admission, event, knock.packet)
        elif admission.verdict is Verdict.GARDEN:
            await self._confine(tunnel, admission.why, knock.packet, admission.features.preshared)
        else:
            if admission.verdict is Verdict.UNKNOWN:
                self._unknown.add(tunnel.public)
            self.table.move(tunnel, Event.DECLINED)

    async def _ask(self, tunnel: Tunnel) -> Admission:
        """The gate's answer to this device, as it comes now."""
        tag, opener = tag_of(tunnel.public), opener_of(tunnel.public)
        return await self._gate.admit_key(AdmitKey(tag, opener, entered=tunnel.entered))

    async def _let_in(self, tunnel: Tunnel, admission: Admission, event: Event, packet: Captured) -> None:
        if not self.table.claim6(tunnel):
            self.table.move(tunnel, Event.DECLINED)
            return
        self.table.lease(tunnel, admission.lease)
        self.table.move(tunnel, event)
        tunnel.deadline = self._clock.now() + self._settings.provisional
        await self._open_up(tunnel, admission.features)
        self._give(tunnel, packet)

    async def _open_up(self, tunnel: Tunnel, features: Features) -> None:
        """Address, firewall, peer. A tunnel whose IPv4 address is another's gets IPv6 egress whatever its settings.

        A preshared key goes on to WireGuard and is kept nowhere else; a confirmation, which brings none, leaves it.
        """
        preshared, features = features.preshared, structs.replace(features, preshared=b"")
        tunnel.keyed = tunnel.keyed or bool(preshared)
        self.table.claim4(tunnel)
        tunnel.features, tunnel.why = features, Why.NONE
        addresses = tunnel.addresses
        self._flows.welcome(addresses)
        self.table.keep(tunnel)
        self._let_out(tunnel)
        await self._wireguard.add_peer(tunnel.public, addresses, preshared)

    def _let_out(self, tunnel: Tunnel) -> None:
        """Through the firewall, by the addresses that are this tunnel's. A recorded initiation brings no tunnel further
        than PROVISIONAL, so until then a public address goes on leading to whoever has it."""
        features = tunnel.features if tunnel.has4 else structs.replace(tunnel.features, ipv6=True)
        passage = self._passage(tunnel.public, features)
        led = tunnel.state is State.OPEN
        self._firewall.admit(tunnel.addresses, passage if led else replace(passage, led=False))

    async def _confine(self, tunnel: Tunnel, why: Why, packet: Captured | None = None, preshared: bytes = b"") -> None:
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
        await self._wireguard.add_peer(tunnel.public, [tunnel.address6], preshared)
        if packet is not None:
            self._give(tunnel, packet)

    def _give(self, tunnel: Tunnel, packet: Captured) -> None:
        """Hands the initiation on and has `look` wait for the answer. A full queue is no harm: the client retries."""
        self._silent[tunnel.public] = tunnel
        with contextlib.suppress(OSError):
            self._hand_on(packet)
        self.waiting.set()

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
                self.table.touch(tunnel)
            elif now >= tunnel.deadline and tunnel.state is not State.GONE:
                lapsed.append(tunnel)
        await self._close(lapsed, Event.LAPSED)
        if not self._silent:
            self.waiting.clear()

    async def note(self) -> None:
        """Reads all handshakes from WireGuard. A peer that the table doesn't know has no business there: it goes. One
        that has moved to an entry of the fleet, and may not come by one, goes to the garden.
        """
        strangers = await self._stamps.read()
        for public in self._wireguard.entered:
            await self._still_may_enter(self.table.get(public))
        await self._wireguard.remove_peers(strangers)

    async def _still_may_enter(self, tunnel: Tunnel | None) -> None:
        """An open tunnel that has come through an entry since it was let in needs its account's right to that."""
        if tunnel is not None and tunnel.state is State.OPEN and tunnel.entered and not tunnel.features.multihop:
            self._gate.give_back(tunnel.lease)
            await self._confine(tunnel, Why.MULTIHOP)

    async def _confirm(self, tunnel: Tunnel) -> None:
        """Tells the gate that a provisional tunnel is alive: it takes its slot, or goes to the garden."""
        admission = await self._gate.confirm(tunnel.lease)
        if tunnel.state is not State.CONFIRMING:
            self._gate.give_back(admission.lease)
        elif admission.verdict is Verdict.OPEN:
            self.table.lease(tunnel, admission.lease)
            self.table.move(tunnel, Event.CONFIRMED)
            if not tunnel.has4 or tunnel.why is not Why.NONE or admission.features != tunnel.features:
                self._flows.purge([tunnel.address6])
                await self._open_up(tunnel, admission.features)
            elif tunnel.features.mine4:
                self._let_out(tunnel)
            await self._still_may_enter(tunnel)
        elif admission.verdict is Verdict.GARDEN:
            await self._confine(tunnel, admission.why)
        else:
            await self._close([tunnel], Event.DECLINED)

    async def _ask_anew(self, tunnel: Tunnel) -> None:
        """A lease of 24 hours has ended under an open tunnel: it goes on without a break if the gate still says yes."""
        admission = await self._ask(tunnel)
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
            admission = await self._ask(tunnel)
            if tunnel.state is State.GARDEN:
                await self._judge_again(tunnel, admission)

    async def _judge_again(self, tunnel: Tunnel, admission: Admission) -> None:
        if admission.verdict is Verdict.OPEN:
            self.table.lease(tunnel, admission.lease)
            self.table.move(tunnel, Event.PROMOTED)
            await self._confirm(tunnel)
        elif admission.verdict is Verdict.GARDEN:
            tunnel.why = admission.why
            self.table.keep(tunnel)
        elif admission.verdict is not Verdict.BUSY:
            await self._close([tunnel], Event.DECLINED)

    # --- the end of tunnels -------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Ends what is idle, what was long enough in the garden, and leases of an outage that lasted too long."""
        now = self._clock.now()
        if self._gate.lost_for >= self._settings.outage:
            self._dormant.empty()
            await self._close([t for t in self.table if t.state is State.OPEN], Event.ENDED)
        if self.table.idle(now - self._settings.idle):
            await self.note()
            await self._close(self.table.idle(now - self._settings.idle), Event.IDLED)
        await self._close([t for t in self.table.aside(State.GARDEN) if now >= t.deadline], Event.LAPSED)
        self._unknown.forget_old()
        self._heard.forget_old()

    async def _close(self, tunnels: Iterable[Tunnel], event: Event) -> None:
        """Ends tunnels: firewall first, then WireGuard; leases go back, or sleep while the gate is lost."""
        closing = [one for one in tunnels if one.state is not State.GONE]
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
        # A device with a preshared key can't return without the gate, which alone can say the key.
        asleep = tunnel.state is State.OPEN and event in (Event.IDLED, Event.LAPSED) and not tunnel.keyed
        if asleep and self._gate.state is GateState.LOST:
            self._dormant.rest(tunnel.public, tunnel.lease, multihop=tunnel.features.multihop)
        else:
            self._gate.give_back(tunnel.lease)

    async def close_all(self) -> None:
        """The node stops, or WireGuard died: every tunnel ends and every lease goes back."""
        await self._close(list(self.table), Event.ENDED)

    # --- the gate lost and found --------------------------------------------------------------------------------

    def _resumable(self, tunnel: Tunnel) -> Admission | None:
        """The sleeping lease of this device, while the gate is lost."""
        if self._gate.state is not GateState.LOST or self._gate.lost_for >= self._settings.outage:
            return None
        return self._dormant.wake(tunnel.public, entered=tunnel.entered)

    async def gate_found(self) -> None:
        """The gate is back: sleeping leases are returned (their devices ask anew), the garden is asked for."""
        for lease in self._dormant.empty():
            self._gate.give_back(lease)
        await self.ask_again()

    def held(self) -> list[Held]:
        """Every open tunnel's lease; quiet when its last handshake is older than 130 s."""
        before = self._clock.now() - self._settings.quiet
        open_now = (t for t in self.table if t.state is State.OPEN and t.lease)
        return [Held(t.lease, t.fresh < before, t.entered, t.features.mine4) for t in open_now]

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

    def own(self, lease: bytes, mine4: str) -> None:
        """The account's public IPv4 address here is this one now, or none: in both directions, for flows that begin."""
        tunnel = self.table.by_lease(lease)
        if tunnel is None or tunnel.state is not State.OPEN:
            return
        tunnel.features = structs.replace(tunnel.features, mine4=mine4)
        self.table.keep(tunnel)
        self._let_out(tunnel)
        if tunnel.has4:
            self._flows.purge([tunnel.address4])

    def reason_of(self, address: IPv6Address) -> Why:
        """Why the tunnel with this inner address is in the garden; NONE when it isn't."""
        tunnel = self.table.at(address)
        return tunnel.why if tunnel is not None and tunnel.state is State.GARDEN else Why.NONE

    def resume(self, tunnel: Tunnel) -> None:
        """Goes on with a tunnel of the agent before, whatever that one was about to do with it."""
        if tunnel.state is State.CONFIRMING:
            self._spawn(tunnel, self._confirm(tunnel) if tunnel.lease else self._ask_anew(tunnel))
        if not tunnel.spoken:
            self._silent[tunnel.public] = tunnel
            self.waiting.set()

    def _spawn(self, tunnel: Tunnel, work: Coroutine[Any, Any, None]) -> None:
        self._chores.begin(self._guarded(tunnel, work))

    async def _guarded(self, tunnel: Tunnel, work: Coroutine[Any, Any, None]) -> None:
        """WireGuard refused or is gone: this tunnel ends. (That it is gone, the agent sees and ends them all.)"""
        try:
            await work
        except WireGuardError:
            with contextlib.suppress(WireGuardError):
                await self._close([tunnel], Event.DECLINED if tunnel.state is State.ASKING else Event.ENDED)
