"""Every 20 s a node presents all its leases at once: who goes on, who ends and why.

A lease whose account has another public IPv4 address at the node than the node was told is named with the right one.
This is how expiry, re-keying, deletion, revoked keys and 'disconnect all' reach open tunnels, and how the slot table
rebuilds after a restart. Leases are judged in slices, with one query for each, and the door answers others in between.
An opened lease does not outlive its slice.
"""

import asyncio
from collections.abc import Sequence

from tyst.core.entitlement import Standing, standing
from tyst.core.seal import Reason, SealError
from tyst.core.slots import TTL, Renewal
from tyst.core.tokens import NO_SLOT, Lease, open_token
from tyst.gate.admission import NO_TAG, draining, own_address
from tyst.gate.room import NONCE, Gate
from tyst.messages.admission import Ended, Held, Renew, Renewed, Why
from tyst.records.statements import Standings

SLICE = 64
"""Leases judged before others get a turn: about 1 ms."""
DRAINED_AT_ONCE = 256
"""Tunnels that a node in maintenance gives up at a renewal; a quarter, when that is more: 10,000 take five minutes."""

_WHY = {Renewal.FULL: Why.SLOTS, Renewal.DROPPED: Why.GONE}


async def renew(gate: Gate, node: str, asked: Renew) -> Renewed:
    """Judges every lease. Those that the reply does not name go on; BUSY: admit anew, the lease itself has ended."""
    for start in range(0, len(asked.returned), SLICE):
        for blob in asked.returned[start : start + SLICE]:
            _give_back(gate, node, blob)
        await asyncio.sleep(0)
    if asked.load is not None:
        gate.loads.note(node, asked.load, gate.ticks())
        gate.totals.note(node, asked.traffic)
    answer = Renewed([], [], [])
    moving = _moving(gate, node, len(asked.held))
    for start in range(0, len(asked.held), SLICE):
        _judge(gate, node, start, asked.held[start : start + SLICE], answer, moving)
        await asyncio.sleep(0)
    return answer


def _give_back(gate: Gate, node: str, blob: bytes) -> None:
    lease = _open(gate, node, blob)
    if isinstance(lease, Why):
        return
    if lease.slot == NO_SLOT:
        gate.provisional.take(lease.tag, blob[NONCE], gate.ticks())
    else:
        gate.slots.release(gate.account_key(lease.handle), lease.slot)


def _moving(gate: Gate, node: str, held: int) -> int:
    """How many of a node's tunnels have to go now, because it is drained; not all at once, or other nodes drown."""
    return max(DRAINED_AT_ONCE, held // 4) if draining(gate, node) else 0


def _judge(gate: Gate, node: str, start: int, held: Sequence[Held], answer: Renewed, moving: int) -> None:
    """Adds to the answer what is to be said of these; the first `moving` of a node's are asked to go elsewhere."""
    valid: list[tuple[int, Held, Lease]] = []
    for index, one in enumerate(held, start):
        lease = _open(gate, node, one.lease)
        if isinstance(lease, Why):
            answer.ended.append(Ended(index, lease))
        else:
            valid.append((index, one, lease))
    known = gate.records.standings([lease.handle for _, _, lease in valid], [lease.tag for _, _, lease in valid])
    today, ticks = gate.today(), gate.ticks()
    for index, one, lease in valid:
        why = _still(gate, lease, one, known, today, ticks)
        if why is Why.NONE and index < moving:
            gate.slots.release(gate.account_key(lease.handle), lease.slot)
            why = Why.DRAINING
        mine4 = own_address(gate, node, lease.handle, known.ipv4.get(lease.handle))
        if why is not Why.NONE:
            answer.ended.append(Ended(index, why))
        elif mine4 != one.mine4:
            answer.mine4.append((index, mine4))


def _open(gate: Gate, node: str, blob: bytes) -> Lease | Why:
    """The lease, if it is one of this node's; or why its tunnel must end."""
    try:
        lease = open_token(gate.keys.seal, Lease, blob, now=gate.now())
    except SealError as error:
        if error.reason is not Reason.EXPIRED:
            return Why.GONE
        _retire(gate, node, blob)
        return Why.BUSY
    return lease if lease.node == node else Why.GONE


def _retire(gate: Gate, node: str, blob: bytes) -> None:
    """A lease's 24 hours ended just now: its slot must not stand in the way of the one its device asks for anew."""
    try:
        lease = open_token(gate.keys.seal, Lease, blob, now=gate.now() - 2 * TTL)
    except SealError:
        return
    if lease.node == node:
        gate.slots.release(gate.account_key(lease.handle), lease.slot)


def _still(gate: Gate, lease: Lease, held: Held, known: Standings, today: int, ticks: float) -> Why:
    """Why this tunnel must end, or NONE. What ends frees its slot at once."""
    key = gate.account_key(lease.handle)
    why = _account(lease, held, known, today)
    if why is not Why.NONE:
        gate.slots.release(key, lease.slot)
        return why
    if lease.slot == NO_SLOT:
        return Why.NONE if gate.provisional.holds(lease.tag, held.lease[NONCE], ticks) else Why.BUSY
    return _WHY.get(gate.slots.renew(key, lease.slot, held.quiet, ticks), Why.NONE)


def _account(lease: Lease, held: Held, known: Standings, today: int) -> Why:
    if lease.handle not in known.until or (lease.tag != NO_TAG and lease.tag not in known.tags):
        return Why.GONE
    if standing(known.until[lease.handle], today) is not Standing.LIVE:
        return Why.EXPIRED
    if held.entered and standing(known.multihop.get(lease.handle), today) is not Standing.LIVE:
        return Why.MULTIHOP
    return Why.NONE
