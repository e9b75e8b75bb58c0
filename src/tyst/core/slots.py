"""The slot table: how many devices an account has connected, as a set that lapses by itself, never as a counter.

One table in the gate's RAM. An account is a keyed hash of its handle under a key that lives as long as the process; a
slot is a random id, the tick at which it lapses, and a quiet bit. There is no node, no device and no time of start in
it, so it can say how many, and never who, where or since when. Lost goodbyes cannot make it drift: what is not renewed
is gone after `TTL`. The leases that name the slots are the nodes' (`core.tokens.Lease`); after a restart of the gate
they present them again and the table rebuilds.

Ticks are seconds on any clock that never goes backwards; ids and keys are given. Nothing here does I/O.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

MAX_SLOTS = 4
TTL = 90
"""Seconds without a renewal after which a slot is free."""
RENEWAL = 20
"""Seconds between two renewals of a lease."""
GRACE = 25
"""Seconds after a start in which the table does not yet know all open tunnels: one renewal interval and some air."""
DROP_MEMORY = 25 * 3600
"""Seconds for which 'disconnect all' is remembered: longer than any lease lives."""


def account_key(handle: bytes, secret: bytes) -> bytes:
    """The name under which an account's slots are kept: a keyed hash (BLAKE2b, RFC 7693), useless without `secret`."""
    return hashlib.blake2b(handle, key=secret, digest_size=16).digest()


class Renewal(Enum):
    """What became of a lease that was presented. FULL: four others have the slots. DROPPED: 'disconnect all'."""

    KEPT = "kept"
    REBUILT = "rebuilt"
    FULL = "full"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Taken:
    """A slot was taken. `displaced`: the id of the quiet slot that yielded, if one had to."""

    displaced: bytes | None = None


@dataclass(slots=True)
class _Slot:
    id: bytes
    until: float
    quiet: bool = False
    provisional: bool = False


class SlotTable:
    """At most `MAX_SLOTS` slots per account. `started`: the tick of the process's start, from which `GRACE` counts."""

    def __init__(self, *, started: float) -> None:
        self._grace_ends = started + GRACE
        self._slots: dict[bytes, list[_Slot]] = {}
        self._dropped: dict[bytes, float] = {}
        self._overtaken: set[bytes] = set()

    def in_grace(self, now: float) -> bool:
        """Whether tunnels may be open of which this table has not heard yet."""
        return now < self._grace_ends

    def count(self, key: bytes, now: float) -> int:
        """How many devices of the account are connected: 0 to 4."""
        return len(self._live(key, now))

    def holds(self, key: bytes, slot_id: bytes, now: float) -> bool:
        """Whether this slot is taken."""
        return any(slot.id == slot_id for slot in self._live(key, now))

    def full(self, key: bytes, now: float) -> bool:
        """Whether a new device would be refused: all slots taken and none of them quiet."""
        live = self._live(key, now)
        return len(live) >= MAX_SLOTS and not any(slot.quiet for slot in live)

    def take(self, key: bytes, slot_id: bytes, now: float) -> Taken | None:
        """Takes a slot for a new device, or None when the account is full. A quiet slot yields."""
        live = self._live(key, now)
        displaced = None
        if len(live) >= MAX_SLOTS:
            yielding = next((slot for slot in live if slot.quiet), None)
            if yielding is None:
                return None
            self._end(live, yielding, now)
            displaced = yielding.id
        live.append(_Slot(slot_id, now + TTL, provisional=self.in_grace(now)))
        self._slots[key] = live
        return Taken(displaced)

    def renew(self, key: bytes, slot_id: bytes, quiet: bool, now: float) -> Renewal:
        """Keeps a slot for another `TTL`. One that is not here (restart, partition) is taken again if there is room."""
        for slot in self._live(key, now):
            if slot.id == slot_id:
                slot.until, slot.quiet = now + TTL, quiet
                return Renewal.KEPT
        return self._present_again(key, slot_id, quiet, now)

    def release(self, key: bytes, slot_id: bytes) -> bool:
        """Frees a slot at once; False when it was not there."""
        slots = self._slots.get(key, [])
        for slot in slots:
            if slot.id == slot_id:
                slots.remove(slot)
                self._forget_if_empty(key, slots)
                return True
        return False

    def drop(self, key: bytes, now: float) -> int:
        """'Disconnect all': frees every slot, and no older lease of the account can present itself again. How many."""
        dropped = len(self._live(key, now))
        self._slots.pop(key, None)
        self._dropped[key] = now + DROP_MEMORY
        return dropped

    def keys(self) -> list[bytes]:
        """Every account with slots or a remembered drop, for a sweep in slices."""
        return list({*self._slots, *self._dropped})

    def total(self) -> int:
        """How many slots are taken by all accounts together, as of the last `lapse`."""
        return sum(map(len, list(self._slots.values())))

    def lapse(self, now: float, keys: Iterable[bytes] | None = None) -> None:
        """Forgets what has lapsed. Counting never needs it: it only gives memory back."""
        for key in self.keys() if keys is None else keys:
            self._live(key, now)
            if self._dropped.get(key, now + 1) <= now:
                del self._dropped[key]
        if not self.in_grace(now):
            self._overtaken.clear()

    def _present_again(self, key: bytes, slot_id: bytes, quiet: bool, now: float) -> Renewal:
        if self._dropped.get(key, now) > now:
            return Renewal.DROPPED
        if slot_id in self._overtaken and self.in_grace(now):
            return Renewal.FULL
        live = self._live(key, now)
        if len(live) >= MAX_SLOTS and not self._make_room(live, quiet, now):
            return Renewal.FULL
        live.insert(0, _Slot(slot_id, now + TTL, quiet))
        self._slots[key] = live
        return Renewal.REBUILT

    def _make_room(self, live: list[_Slot], quiet: bool, now: float) -> bool:
        """Ends the newest admission of the grace period, or else a quiet slot for a lease that is not quiet itself."""
        for slot in reversed(live):
            if slot.provisional and self.in_grace(now):
                self._end(live, slot, now)
                return True
        yielding = next((slot for slot in live if slot.quiet), None)
        if quiet or yielding is None:
            return False
        self._end(live, yielding, now)
        return True

    def _end(self, live: list[_Slot], slot: _Slot, now: float) -> None:
        """Removes a slot that yields. In the grace period its lease would pass for one from before the restart."""
        live.remove(slot)
        if self.in_grace(now):
            self._overtaken.add(slot.id)

    def _live(self, key: bytes, now: float) -> list[_Slot]:
        """The account's slots (the list itself), after the lapsed ones left it."""
        slots = self._slots.get(key)
        if slots is None:
            return []
        for slot in slots:
            if slot.until <= now:
                slots[:] = [other for other in slots if other.until > now]
                self._forget_if_empty(key, slots)
                break
        return slots

    def _forget_if_empty(self, key: bytes, slots: list[_Slot]) -> None:
        if not slots:
            del self._slots[key]
