"""Who may come in through one OpenVPN process, with which addresses, and until when.

A login is sealed to the gate in the moment it is read and asked about in a task of its own, so that a slow gate holds
up nobody else; the pair is dropped. The gate says yes (a lease), no (a reason that the client shows), or nothing (then
`outage` decides). Events come from `core.openvpn.management`, commands go back through `send`; the process itself is
`process`'s business. WireGuard's counterpart keeps its own leases; both are `LeaseHolder`s of `node.doors`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hmac import compare_digest

from msgspec import structs

from tyst.core.openvpn import management as wire
from tyst.core.openvpn.server import Pair, Range, client_options
from tyst.core.transient import Transient
from tyst.messages.admission import Admission, Features, Held, Verdict, Why
from tyst.node.doors import Firewall, GateState, InnerFlows, LoginGate, PassageOf
from tyst.node.openvpn.limiter import LoginLimiter
from tyst.node.openvpn.outage import Outage

ASKING_AT_ONCE = 64
"""Logins that wait for the gate at the same time, per process; more are told to come again."""
ASK_SECONDS = 20.0
"""Below the 60 s in which openvpn waits for our answer (--hand-window)."""
ESTABLISH_SECONDS = 90.0
BACKOFF = {Why.SLOTS: 30, Why.UNREACHABLE: 20, Why.BUSY: 10, Why.DRAINING: 5}
"""Reasons that pass by themselves: the client keeps its password and tries again after so many seconds."""

IDLE_SECONDS = 2.5
"""Without clients for so long, a process that has had some is worth a fresh one (`Door.spent`). It is over well before
a client that was refused or ended comes again (10 s: --auth-retry nointeract)."""

SealLogin = Callable[[Transient[str], Transient[str]], bytes]


@dataclass(frozen=True)
class Shared:
    """What all OpenVPN processes of a node share. `draw(n)`: n random bytes; `clock`: seconds that only go forward."""

    gate: LoginGate
    firewall: Firewall
    flows: InnerFlows
    passage: PassageOf
    seal: SealLogin
    limiter: LoginLimiter
    outage: Outage
    draw: Callable[[int], bytes]
    clock: Callable[[], float]


@dataclass(frozen=True)
class _Tunnel:
    """A login that was let in. `proof` tells the same login again (`outage`); `since` matters until it is up."""

    pair: Pair
    lease: bytes = field(repr=False)
    features: Features
    proof: bytes = field(repr=False)
    since: float = field(repr=False)
    up: bool = False
    entered: bool = False
    framing: wire.Framing = wire.Framing.NONE


class Door:
    """The door of one server process. All methods run in the node's event loop; none waits for the gate but its tasks.

    `send` takes commands for openvpn and drops them when it isn't there.
    """

    def __init__(self, span: Range, send: Callable[[bytes], None], shared: Shared) -> None:
        self._span, self._send, self._with = span, send, shared
        self._asking: dict[int, int] = {}
        self._tunnels: dict[int, _Tunnel] = {}
        self._leaving: dict[int, Pair] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._used = False
        self._idle_since: float | None = None

    def handle(self, event: wire.Event) -> None:
        """One event from openvpn."""
        self._used = self._used or isinstance(event, wire.Connect | wire.Unreadable)
        match event:
            case wire.Connect():
                self._connect(event)
            case wire.Reauth():
                self._reauth(event)
            case wire.Unreadable(cid, kid):
                self._deny(cid, kid, Why.LOGIN)
            case wire.Established(cid):
                self._established(cid)
            case wire.Disconnect(cid):
                self._disconnect(cid)
            case _:
                pass

    @property
    def spent(self) -> bool:
        """Whether the process has had clients and has none now: it still holds the last one's address (its `from`
        fields and a buffer of libc's), which only the next client or its end overwrites."""
        return self._idle_since is not None and self._with.clock() - self._idle_since >= IDLE_SECONDS

    def tick(self) -> None:
        """Once a second: hears of the gate's coming and going, ends what never came up and what an outage outlived."""
        self._observe()
        busy = self._asking or self._tunnels or self._leaving
        if busy or not self._used:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = self._with.clock()
        too_old = self._with.clock() - ESTABLISH_SECONDS
        for cid, tunnel in list(self._tunnels.items()):
            if self._with.outage.over or (not tunnel.up and tunnel.since < too_old):
                self._close(cid)
                self._with.gate.give_back(tunnel.lease)

    def closed(self) -> None:
        """The process is gone, and with it every tunnel of this door."""
        self._observe()
        self._asking.clear()
        for cid in list(self._tunnels):
            self._disconnect(cid)
        self._leaving.clear()
        self._used, self._idle_since = False, None

    async def finish(self) -> None:
        """As `closed`, and waits for answers that are still on their way, so that their slots go back."""
        self.closed()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # LeaseHolder

    def held(self) -> list[Held]:
        """Leases of tunnels that are up. Never quiet: a client that is silent for 60 s is gone (ping-restart)."""
        return [Held(t.lease, entered=t.entered, mine4=t.features.mine4) for t in self._tunnels.values() if t.up]

    async def end(self, lease: bytes, why: Why) -> None:
        """Closes the tunnel now. Its client connects anew and is shown the gate's reason there; it isn't told to exit:
        an exit takes the tunnel's routes away, and her traffic would go on in the clear."""
        for cid, tunnel in list(self._tunnels.items()):
            if compare_digest(tunnel.lease, lease):
                self._close(cid)

    def replace(self, old: bytes, new: bytes) -> None:
        """The gate's fresh bytes for a lease."""
        for cid, tunnel in self._tunnels.items():
            if compare_digest(tunnel.lease, old):
                self._tunnels[cid] = replace(tunnel, lease=new)
                return

    def own(self, lease: bytes, mine4: str) -> None:
        """The account's public IPv4 address here is this one now, or none: in both directions, for flows that begin."""
        for cid, tunnel in self._tunnels.items():
            if tunnel.up and compare_digest(tunnel.lease, lease):
                changed = replace(tunnel, features=structs.replace(tunnel.features, mine4=mine4))
                self._tunnels[cid] = changed
                self._let_out(changed)
                self._with.flows.purge([changed.pair.four])
                return

    # logins

    def _connect(self, login: wire.Connect) -> None:
        self._observe()
        if self._again(login):
            return
        minute = self._with.limiter.take(login.bucket)
        if minute is None or len(self._tasks) >= ASKING_AT_ONCE:
            self._deny(login.cid, login.kid, Why.BUSY)
            return
        self._asking[login.cid] = login.kid
        proof = self._with.outage.proof(login.username, login.password)
        sealed = self._with.seal(login.username, login.password)
        slim = _Asked(login.cid, login.kid, login.bucket, minute, proof, login.framing)
        task = asyncio.get_running_loop().create_task(self._ask(slim, sealed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _again(self, login: wire.Login) -> bool:
        """A login of a client that we let in already: answered here, with the proof that it is the same one."""
        tunnel = self._tunnels.get(login.cid)
        if tunnel is None:
            return False
        if compare_digest(tunnel.proof, self._with.outage.proof(login.username, login.password)):
            options = [] if tunnel.up else client_options(self._span, tunnel.pair, tunnel.framing)
            self._send(wire.client_auth(login.cid, login.kid, options))
        else:
            self._deny(login.cid, login.kid, Why.LOGIN)
        return True

    def _reauth(self, login: wire.Reauth) -> None:
        if not self._again(login):
            self._deny(login.cid, login.kid, Why.GONE)

    async def _ask(self, asked: "_Asked", sealed: bytes) -> None:
        answer = await self._answer(sealed, asked.entered)
        if not _is_wrong(answer):
            self._with.limiter.refund(asked.bucket, asked.minute)
        wanted = self._asking.get(asked.cid) == asked.kid
        if wanted:
            del self._asking[asked.cid]
        if answer.verdict is Verdict.OPEN and not wanted:
            self._with.gate.give_back(answer.lease)
        elif answer.verdict is Verdict.OPEN:
            self._let_in(asked, answer.lease, answer.features)
        elif wanted:
            self._refuse(asked, answer)

    async def _answer(self, sealed: bytes, entered: bool) -> Admission:
        try:
            return await asyncio.wait_for(self._with.gate.admit_login(sealed, entered), ASK_SECONDS)
        except TimeoutError:
            return Admission(Verdict.BUSY, Why.BUSY)

    def _refuse(self, asked: "_Asked", answer: Admission) -> None:
        if answer.why is Why.UNREACHABLE:
            self._observe(lost=True)
            resting = self._with.outage.take(asked.proof)
            if resting is not None and asked.entered and not resting.features.multihop:
                self._with.gate.give_back(resting.lease)
            elif resting is not None:
                self._let_in(asked, resting.lease, resting.features)
                return
        why = answer.why if answer.why is not Why.NONE else _WHY[answer.verdict]
        self._deny(asked.cid, asked.kid, why)

    def _let_in(self, asked: "_Asked", lease: bytes, features: Features) -> None:
        pair = self._draw_pair()
        self._with.flows.purge((pair.four, pair.six))
        framing = asked.framing if features.compression else wire.Framing.NONE
        self._tunnels[asked.cid] = _Tunnel(
            pair, lease, features, asked.proof, self._with.clock(), entered=asked.entered, framing=framing
        )
        self._send(wire.client_auth(asked.cid, asked.kid, client_options(self._span, pair, framing)))

    def _deny(self, cid: int, kid: int, why: Why) -> None:
        backoff = BACKOFF.get(why)
        reason = (
            why.value if backoff is None else wire.temporary(why.value, backoff=backoff, elsewhere=why is Why.DRAINING)
        )
        self._send(wire.client_deny(cid, kid, reason))

    def _draw_pair(self) -> Pair:
        """Random addresses of this process that nobody has now. At most 2,000 of 65,000 are ever taken."""
        taken = [*(tunnel.pair for tunnel in self._tunnels.values()), *self._leaving.values()]
        fours, sixes = {pair.four for pair in taken}, {pair.six for pair in taken}
        while True:
            pair = self._span.pick(int.from_bytes(self._with.draw(8)))
            if pair.four not in fours and pair.six not in sixes:
                return pair

    # tunnels

    def _established(self, cid: int) -> None:
        tunnel = self._tunnels.get(cid)
        if tunnel is None:
            self._send(wire.client_kill(cid))
            return
        self._let_out(tunnel)
        self._tunnels[cid] = replace(tunnel, up=True)

    def _let_out(self, tunnel: _Tunnel) -> None:
        passage = self._with.passage(tunnel.proof, tunnel.features)
        self._with.firewall.admit((tunnel.pair.four, tunnel.pair.six), passage)

    def _close(self, cid: int) -> None:
        """Ends a tunnel from our side. openvpn says Disconnect 5 s later; until then its addresses stay taken."""
        tunnel = self._tunnels.pop(cid)
        self._leaving[cid] = tunnel.pair
        self._shut(tunnel.pair)
        self._send(wire.client_kill(cid))

    def _disconnect(self, cid: int) -> None:
        self._asking.pop(cid, None)
        self._leaving.pop(cid, None)
        tunnel = self._tunnels.pop(cid, None)
        if tunnel is None:
            return
        self._shut(tunnel.pair)
        self._observe()
        if not (tunnel.up and self._with.outage.rest(tunnel.proof, tunnel.lease, tunnel.features)):
            self._with.gate.give_back(tunnel.lease)

    def _shut(self, pair: Pair) -> None:
        self._with.firewall.release((pair.four, pair.six))
        self._with.flows.linger((pair.four, pair.six))

    def _observe(self, *, lost: bool = False) -> None:
        for lease in self._with.outage.observe(lost or self._with.gate.state is GateState.LOST):
            self._with.gate.give_back(lease)


@dataclass(frozen=True)
class _Asked:
    """A login on its way to the gate: what is left of it here."""

    cid: int
    kid: int
    bucket: int
    minute: int
    proof: bytes = field(repr=False)
    framing: wire.Framing = wire.Framing.NONE

    @property
    def entered(self) -> bool:
        """It came through another node of the fleet."""
        return LoginLimiter.entered(self.bucket)


def _is_wrong(answer: Admission) -> bool:
    """Whether the pair itself was refused: only that counts against its network."""
    return answer.verdict in (Verdict.REFUSED, Verdict.UNKNOWN) and answer.why in (Why.NONE, Why.LOGIN)


_WHY = {
    Verdict.REFUSED: Why.LOGIN,
    Verdict.UNKNOWN: Why.LOGIN,
    Verdict.GARDEN: Why.EXPIRED,
    Verdict.BUSY: Why.BUSY,
}
