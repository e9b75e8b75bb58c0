"""Admissions that nobody has confirmed yet: for each tag the newest lease's nonce and the tick at which it lapses.

A provisional lease takes no slot, displaces nobody and sets no flag. Its confirmation must be the newest of its tag, so
that a recorded handshake, replayed, earns nothing that the device's own does not take back at once. A confirmation
whose answer was lost may be repeated for as long: it finds the slot that it took, and takes no second one.
"""

LIFE = 10
"""Seconds for the first authenticated packet to come."""


class Provisional:
    """Tag → (nonce of the sealed lease, tick of its end). At most one per tag."""

    def __init__(self) -> None:
        self._open: dict[bytes, tuple[bytes, float]] = {}
        self._confirmed: dict[bytes, tuple[bytes, float]] = {}

    def __len__(self) -> int:
        return len(self._open) + len(self._confirmed)

    def put(self, tag: bytes, nonce: bytes, now: float) -> None:
        """A new lease for this tag; an older one can't be confirmed any more."""
        self._open[tag] = (nonce, now + LIFE)

    def holds(self, tag: bytes, nonce: bytes, now: float) -> bool:
        """Whether this lease may still be confirmed."""
        known, until = self._open.get(tag, (b"", 0.0))
        return known == nonce and now < until

    def take(self, tag: bytes, nonce: bytes, now: float) -> bool:
        """Confirms a lease, once."""
        if not self.holds(tag, nonce, now):
            return False
        del self._open[tag]
        return True

    def remember(self, nonce: bytes, slot: bytes, now: float) -> None:
        """A confirmed lease took this slot."""
        self._confirmed[nonce] = (slot, now + LIFE)

    def slot_of(self, nonce: bytes, now: float) -> bytes | None:
        """The slot that a lease confirmed just now took."""
        slot, until = self._confirmed.get(nonce, (None, 0.0))
        return slot if now < until else None

    def lapse(self, now: float) -> None:
        """Forgets what was not confirmed in time, and confirmations that nobody repeats any more."""
        for kept in (self._open, self._confirmed):
            for name in [name for name, (_, until) in kept.items() if until <= now]:
                del kept[name]
