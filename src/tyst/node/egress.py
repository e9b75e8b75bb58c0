"""How each tunnel leaves this node: its pool address of the day, its account's own, a streaming one.

Holds the day's key and nothing about tunnels: what was drawn is an element of the firewall's maps and goes with its
tunnel. Counterparts: `core.egress` draws, `core.firewall` obeys, `node.network` says what the pools are.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Protocol

from tyst.core.egress import KEY_BYTES, drawn4, drawn6
from tyst.messages.admission import Features
from tyst.messages.network import Pools
from tyst.node.doors import Passage

_DAY = 86400


@dataclass(frozen=True, slots=True)
class Addresses:
    """A node's pools as values. ValueError for texts that are none."""

    exit4: tuple[IPv4Address, ...] = ()
    exit6: IPv6Network | None = None
    public4: tuple[IPv4Address, ...] = ()
    streaming4: tuple[IPv4Address, ...] = ()
    streaming6: tuple[IPv6Address, ...] = ()

    @classmethod
    def of(cls, pools: Pools) -> "Addresses":
        return cls(
            tuple(map(IPv4Address, pools.exit4)),
            IPv6Network(pools.exit6) if pools.exit6 else None,
            tuple(map(IPv4Address, pools.public4)),
            tuple(map(IPv4Address, pools.streaming4)),
            tuple(map(IPv6Address, pools.streaming6)),
        )

    @property
    def all4(self) -> tuple[IPv4Address, ...]:
        """Every further IPv4 address of the node."""
        return (*self.exit4, *self.public4, *self.streaming4)


def plain(name: bytes, features: Features) -> Passage:
    """How a tunnel leaves a node that has one address only."""
    return Passage(ipv6=features.ipv6)


class DayMemory(Protocol):
    """Where the day's number and key outlive an agent (`handover.py`)."""

    day: tuple[int, bytes]


class Egress:
    """`pools`: what the node has now. `wall`: seconds since 1970; the key changes at midnight UTC."""

    def __init__(self, pools: Callable[[], Addresses], wall: Callable[[], float]) -> None:
        self._pools, self._wall = pools, wall
        self._day, self._key = -1, b""
        self._memory: DayMemory | None = None

    def remember(self, memory: DayMemory) -> None:
        """Takes the day's key from an agent that died, and keeps it for the next one."""
        self._memory = memory
        day, key = memory.day
        if any(key):
            self._day, self._key = day, key

    def passage(self, name: bytes, features: Features) -> Passage:
        """How a tunnel leaves. An account's own address counts only where this node has it."""
        pools, key = self._pools(), self._key_of_today()
        mine = IPv4Address(features.mine4) if features.mine4 else None
        streaming = features.streaming
        return Passage(
            ipv6=features.ipv6,
            exit4=drawn4(pools.exit4, key, name),
            exit6=drawn6(pools.exit6, key, name),
            mine4=mine if mine in pools.public4 else None,
            stream4=drawn4(pools.streaming4, key, name) if streaming else None,
            stream6=pools.streaming6[0] if streaming and pools.streaming6 else None,
        )

    def _key_of_today(self) -> bytes:
        day = int(self._wall()) // _DAY
        if day != self._day:
            self._day, self._key = day, secrets.token_bytes(KEY_BYTES)
            if self._memory is not None:
                self._memory.day = self._day, self._key
        return self._key
