"""What this node knows of its fleet: pools, other nodes, the operator's blocks and orders; asked for again and again.

A change is told to those who asked for it (`on_change`), in the order in which they did; the first is the agent, which
loads a new ruleset. The last answer lies in RAM beside the node's identity, for a start while the gate is away; the
operator's blocks don't, because nobody could say how much of their time is left.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

from msgspec import structs

from tyst.core.firewall.abuse import Blocked
from tyst.core.firewall.relay import Exit
from tyst.messages.network import Block, Network, NetworkOf
from tyst.node.egress import Addresses
from tyst.node.gate_link import GateAbsent, GateRefused


class NetworkGate(Protocol):
    """The gate, as this needs it."""

    async def network(self, question: NetworkOf) -> Network:
        """The newest; GateAbsent, GateRefused."""


class Fleet:
    """`now`: the newest that is known. `keep`: puts it where a restart finds it. `clock`: seconds that go forward."""

    def __init__(
        self,
        gate: NetworkGate,
        before: Network | None,
        keep: Callable[[Network], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate, self._keep, self._clock = gate, keep, clock
        self._blocks: Sequence[Blocked] = ()
        self._heard = clock()
        self.now = before if before is not None else Network(b"")
        self.addresses = Addresses.of(self.now.pools)
        self.exits = _exits(self.now)
        """The other nodes: where a multihop may lead, and from where one may come."""
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, told: Callable[[], None]) -> None:
        """`told()` is called after each change."""
        self._listeners.append(told)

    @property
    def blocks(self) -> list[Blocked]:
        """The operator's blocks, each with the seconds that are left of it now."""
        age = int(self._clock() - self._heard)
        return [replace(one, seconds=one.seconds - age) for one in self._blocks if one.seconds > age]

    async def refresh(self) -> bool:
        """Asks once; True when something changed. A gate that is away changes nothing."""
        try:
            answer = await self._gate.network(NetworkOf(self.now.version))
            addresses, blocks = Addresses.of(answer.pools), [_blocked(one) for one in answer.blocks]
            exits = _exits(answer)
        except (GateAbsent, GateRefused, ValueError):
            return False
        if not answer.changed:
            return False
        self.now, self.addresses, self.exits = answer, addresses, exits
        self._blocks, self._heard = blocks, self._clock()
        self._keep(structs.replace(answer, version=b"", blocks=()) if blocks else answer)
        for told in self._listeners:
            told()
        return True


def _exits(now: Network) -> tuple[Exit, ...]:
    """ValueError for addresses that are none."""
    return tuple(
        Exit(one.number, IPv4Address(one.ipv4), IPv6Address(one.ipv6), one.wireguard, one.openvpn) for one in now.exits
    )


def _blocked(one: Block) -> Blocked:
    """ValueError for a text that is none."""
    return Blocked.of(one.net, one.protocol, one.port, one.seconds)
