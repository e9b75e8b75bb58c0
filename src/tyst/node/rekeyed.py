"""What a node knows of a tunnel that agreed on a post-quantum preshared key: a number and a few moments, no key.

A device that was switched off has lost that key, and its handshakes then lead nowhere while the node's peer still has
it. Three initiations in a row that no handshake followed are taken for that: the tunnel is ended, and the device's
next knock begins anew, with the key of its configuration or none. It lives in the tunnel's row and goes with it.
"""

PACE = 5.0
"""Seconds between two exchanges of one tunnel."""
KNOCKS, WITHIN = 3, 25.0
"""So many initiations in so many seconds: WireGuard repeats one every 5 s, and makes a new session every 120 s."""
LOOKS_AFTER = 2.0
"""Seconds that the last of them has to become a handshake."""


class Rekeyed:
    """The exchanges of one tunnel."""

    __slots__ = ("_at", "_knocks", "_newest", "number", "since")

    def __init__(self) -> None:
        self.number = 0
        self._at = -PACE
        self._newest = b""
        self.since, self._knocks = 0.0, 0
        """When the first of these initiations came."""

    def takes(self, number: int, now: float) -> bool:
        """Whether an exchange with this number may begin now; numbers grow, so that nothing is ever answered twice."""
        if number <= self.number or (self.number and now - self._at < PACE):
            return False
        self.number, self._at = number, now
        return True

    def knocked(self, timestamp: bytes, now: float) -> bool:
        """One more initiation came; True when it is time to see whether any of them became a handshake.

        `timestamp`: its own (TAI64N). One that is not newer than all before it is a recording, and counts for nothing.
        """
        if timestamp <= self._newest:
            return False
        self._newest = timestamp
        if self._knocks % KNOCKS == 0 or now - self.since > WITHIN:
            self.since, self._knocks = now, 0
        self._knocks += 1
        return self._knocks == KNOCKS
