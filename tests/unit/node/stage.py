"""A stage for the node's state machine: a clock in the hand, a gate, a kernel that note what they are told."""

import asyncio
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from tyst.core.wireguard.handshake import Initiation
from tyst.messages.admission import Admission, AdmitKey, Features, Verdict, Why
from tyst.node.clock import Clock
from tyst.node.doors import GateState, Passage
from tyst.node.egress import plain
from tyst.node.packets import Captured, Knock
from tyst.node.settings import Settings
from tyst.node.tunnels import Tunnels

Address = IPv4Address | IPv6Address
PACKET = Captured(b"\xc6\x33\x64\x0b", 4444, b"\xc0\x00\x02\x0a", 51820, bytes(148))
DAWN = 1_700_000_000.0


class Gate:
    """Answers from a list; its last answer stays."""

    def __init__(self) -> None:
        self.state, self.lost_for = GateState.CONNECTED, 0.0
        self.admissions: list[Admission] = [Admission(Verdict.OPEN, features=Features(ipv6=True))]
        self.confirmations: list[Admission] = [Admission(Verdict.OPEN, features=Features(ipv6=True))]
        self.asked: list[str] = []
        self.returned: list[bytes] = []
        self.leases = 0

    def _next(self, answers: list[Admission]) -> Admission:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.verdict is not Verdict.OPEN:
            return answer
        self.leases += 1
        return Admission(answer.verdict, answer.why, b"lease %d" % self.leases, answer.features)

    async def admit_key(self, question: AdmitKey) -> Admission:
        if self.state is GateState.LOST:
            return Admission(Verdict.GARDEN, Why.UNREACHABLE)
        self.asked.append("admit")
        return self._next(self.admissions)

    async def confirm(self, lease: bytes) -> Admission:
        if self.state is GateState.LOST:
            return Admission(Verdict.GARDEN, Why.UNREACHABLE)
        self.asked.append("confirm")
        return self._next(self.confirmations)

    def give_back(self, lease: bytes) -> None:
        if lease:
            self.returned.append(lease)


class Kernel:
    """WireGuard, firewall and inner flows in one, as sets."""

    def __init__(self) -> None:
        self.peers: dict[bytes, list[Address]] = {}
        self.stamps: dict[bytes, int] = {}
        self.entered: set[bytes] = set()
        self.preshared: dict[bytes, bytes] = {}
        self.open: set[Address] = set()
        self.egress6: set[Address] = set()
        self.garden: set[Address] = set()
        self.purged: list[Address] = []
        self.lingering: list[Address] = []
        self.handed: list[Captured] = []

    async def start(self, private: bytes, port: int) -> None: ...

    async def adopt(self) -> dict[bytes, frozenset[Address]] | None:
        return None

    async def stop(self) -> None: ...

    async def gone(self) -> None: ...

    async def add_peer(self, public: bytes, addresses: Sequence[Address], preshared: bytes = b"") -> None:
        self.peers[public] = list(addresses)
        if preshared:
            self.preshared[public] = preshared

    async def set_preshared(self, public: bytes, preshared: bytes) -> None:
        if public in self.peers:
            self.preshared[public] = preshared

    async def remove_peers(self, publics: Iterable[bytes]) -> None:
        for public in publics:
            self.peers.pop(public, None)
            self.stamps.pop(public, None)
            self.preshared.pop(public, None)

    async def handshakes(self) -> dict[bytes, int]:
        return {public: self.stamps.get(public, 0) for public in self.peers}

    def admit(self, addresses: Iterable[Address], passage: Passage) -> None:
        for address in addresses:
            self.open.add(address)
            self.garden.discard(address)
            if address.version == 6:
                (self.egress6.add if passage.ipv6 else self.egress6.discard)(address)

    def confine(self, address: IPv6Address) -> None:
        self.release([address])
        self.garden.add(address)

    def release(self, addresses: Iterable[Address]) -> None:
        for address in addresses:
            for held in (self.open, self.egress6, self.garden):
                held.discard(address)

    def linger(self, addresses: Iterable[Address]) -> None:
        self.lingering += addresses

    def welcome(self, addresses: Iterable[Address]) -> None: ...

    def purge(self, addresses: Iterable[Address]) -> None:
        self.purged += addresses


class Stage:
    """Tunnels between them. `people.key("alice")` is Alice's public key."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.time = self.wall = 0.0
        self.gate, self.kernel = Gate(), Kernel()
        self.tunnels = Tunnels(
            gate=self.gate,
            wireguard=self.kernel,
            firewall=self.kernel,
            flows=self.kernel,
            passage=plain,
            hand_on=self.kernel.handed.append,
            clock=Clock(lambda: self.time, lambda: DAWN + self.time + self.wall),
            settings=settings or Settings(),
        )

    @staticmethod
    def key(name: str) -> bytes:
        return name.encode().ljust(32, b"\1")

    async def knock(self, name: str, number: int = 0) -> None:
        """A device proves itself; `number` tells initiations apart."""
        stamp = int(self.time * 1000 + number).to_bytes(12)
        self.tunnels.knock(Knock(Initiation(self.key(name), stamp), PACKET))
        await self.settle()

    async def speak(self, name: str) -> None:
        """WireGuard saw an authenticated packet of hers just now."""
        self.kernel.stamps[self.key(name)] = int(DAWN + self.time + self.wall)
        await self.tunnels.look()
        await self.settle()

    async def connect(self, name: str) -> None:
        await self.knock(name)
        await self.speak(name)

    async def later(self, seconds: float) -> None:
        """Time passes, with the sweep's usual steps at the end of it."""
        self.time += seconds
        await self.tunnels.look()
        await self.tunnels.sweep()
        await self.settle()

    @staticmethod
    async def settle() -> None:
        for _ in range(12):
            await asyncio.sleep(0)

    def lose_gate(self) -> None:
        self.gate.state, self.gate.lost_for = GateState.LOST, 0.001

    async def find_gate(self) -> None:
        self.gate.state, self.gate.lost_for = GateState.CONNECTED, 0.0
        await self.tunnels.gate_found()
        await self.settle()
