"""Small memories of fixed size that keep floods cheap and hold no address: buckets by source prefix, unknown tags.

Both live in RAM, hash what they see under a key drawn in this process, and forget within a minute or less. They refuse;
they never decide who is let in. The first line of defence is in the kernel (`core.firewall.limits`), before Python.
"""

import hashlib
import secrets
from array import array
from collections.abc import Callable

_RESEED = 60.0


class Buckets:
    """Token buckets in a fixed array, chosen by a hash of the source prefix under a key that changes every minute."""

    __slots__ = ("_burst", "_clock", "_key", "_levels", "_rate", "_reseed_at", "_seen", "_size")

    def __init__(self, rate: float, burst: float, clock: Callable[[], float], size: int = 4096) -> None:
        self._rate, self._burst, self._clock, self._size = rate, burst, clock, size
        self._renew(clock())

    def _renew(self, now: float) -> None:
        self._key = secrets.token_bytes(16)
        self._levels = array("f", [self._burst]) * self._size
        self._seen = array("d", [now]) * self._size
        self._reseed_at = now + _RESEED

    def take(self, prefix: bytes) -> bool:
        """Whether this prefix (3 bytes of IPv4, 6 of IPv6) may have one more now."""
        now = self._clock()
        if now >= self._reseed_at:
            self._renew(now)
        digest = hashlib.blake2s(prefix, key=self._key, digest_size=4).digest()
        place = int.from_bytes(digest) % self._size
        level = min(self._burst, self._levels[place] + (now - self._seen[place]) * self._rate)
        self._seen[place] = now
        self._levels[place] = level - 1 if level >= 1 else level
        return level >= 1


class Meter:
    """One token bucket for everybody together."""

    __slots__ = ("_burst", "_clock", "_level", "_rate", "_seen")

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._level, self._seen = burst, clock()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = self._clock()
        self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
        self._seen = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class ShortMemory:
    """Remembers hashes of things for a few seconds, at most `cap` of them, the oldest forgotten first."""

    __slots__ = ("_cap", "_clock", "_key", "_lifetime", "_until")

    def __init__(self, lifetime: float, cap: int, clock: Callable[[], float]) -> None:
        self._lifetime, self._cap, self._clock = lifetime, cap, clock
        self._key = secrets.token_bytes(16)
        self._until: dict[bytes, float] = {}

    def add(self, thing: bytes) -> None:
        """Remember it from now on."""
        self.forget_old()
        while len(self._until) >= self._cap:
            del self._until[next(iter(self._until))]
        name = self._name(thing)
        self._until.pop(name, None)
        self._until[name] = self._clock() + self._lifetime

    def __contains__(self, thing: bytes) -> bool:
        return self._until.get(self._name(thing), 0.0) > self._clock()

    def __len__(self) -> int:
        return len(self._until)

    def forget_old(self) -> None:
        """Drops what has had its time; called at every addition and by the sweep."""
        now = self._clock()
        while self._until:
            oldest = next(iter(self._until))
            if self._until[oldest] > now:
                return
            del self._until[oldest]

    def _name(self, thing: bytes) -> bytes:
        return hashlib.blake2s(thing, key=self._key, digest_size=12).digest()
