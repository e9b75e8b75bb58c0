"""Every 20 s: all leases of this node, of whatever protocol, presented to the gate in as few requests as fit.

That is how expiry, re-key and deletion reach open tunnels (within 30 s), and how a gate that was restarted learns the
counts anew. While the gate is away nothing happens to anybody: the next round that gets through presents all again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

from tyst.messages.admission import Held, Renew, Renewed
from tyst.node.doors import LeaseHolder

_PER_REQUEST = 8000
"""Leases in one request: about one megabyte."""


class RenewingGate(Protocol):
    """The gate, as the renewals need it."""

    async def renew(self, question: Renew) -> Renewed | None:
        """All leases at once; None when the gate is not there."""


class Renewals:
    """`refresh`: brings the quiet bits up to date before a round. `load`: how busy the node is with so many tunnels;
    `traffic`: what it sent since the last round, if there are enough of them."""

    def __init__(
        self,
        gate: RenewingGate,
        holders: Sequence[LeaseHolder],
        refresh: Callable[[], Awaitable[None]],
        load: Callable[[int], int] | None = None,
        traffic: Callable[[int], int | None] | None = None,
    ) -> None:
        self._gate, self._holders, self._refresh, self._load = gate, holders, refresh, load
        self._traffic = traffic

    async def round(self) -> bool:
        """One round; False when the gate was not there for all of it."""
        await self._refresh()
        everything = [(holder, one) for holder in self._holders for one in holder.held()]
        load = self._load(len(everything)) if self._load is not None else None
        traffic = self._traffic(len(everything)) if self._traffic is not None else None
        for owned in _portions(everything):
            answer = await self._gate.renew(Renew([one for _, one in owned], load=load, traffic=traffic))
            if answer is None:
                return False
            await _obey(owned, answer)
            await asyncio.sleep(0)
        return True


def _portions(owned: list[tuple[LeaseHolder, Held]]) -> Iterator[list[tuple[LeaseHolder, Held]]]:
    """At least one portion, so that an empty node too is heard of and gives back what it has to."""
    for start in range(0, max(1, len(owned)), _PER_REQUEST):
        yield owned[start : start + _PER_REQUEST]


async def _obey(owned: list[tuple[LeaseHolder, Held]], answer: Renewed) -> None:
    """Addresses first, then fresh bytes, then endings, each with the holder whose lease it is. Indices out of range are
    ignored."""
    for index, mine4 in answer.mine4:
        if 0 <= index < len(owned):
            holder, held = owned[index]
            holder.own(held.lease, mine4)
    for index, lease in answer.fresh:
        if 0 <= index < len(owned):
            holder, held = owned[index]
            holder.replace(held.lease, lease)
    for ended in answer.ended:
        if 0 <= ended.index < len(owned):
            holder, held = owned[ended.index]
            await holder.end(held.lease, ended.why)
