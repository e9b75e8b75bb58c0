"""How much one node, or one customer, may ask in a while: buckets in RAM, bounded in number.

Each node has buckets of its own, and within them unknown keys have one apart: a flood of keys that nobody registered
empties that one and nothing else, so it cannot starve known keys, at this node or another.
"""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` on average, `burst` at once."""

    per_second: float
    burst: float


class Bucket:
    """A token bucket on ticks (seconds)."""

    __slots__ = ("_left", "_rate", "_seen")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate, self._left, self._seen = rate, rate.burst, now

    def take(self, now: float) -> bool:
        """Takes one, or says that there is none."""
        self._left = min(self._rate.burst, self._left + (now - self._seen) * self._rate.per_second)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Buckets:
    """One bucket per name, at most `most` of them; the one asked least recently goes first."""

    def __init__(self, rate: Rate, most: int = 4096) -> None:
        self._rate, self._most = rate, most
        self._buckets: OrderedDict[str | bytes, Bucket] = OrderedDict()

    def take(self, name: str | bytes, now: float) -> bool:
        """Takes one from the name's bucket, or says that there is none."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(self._rate, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        return bucket.take(now)


KNOWN = Rate(1_000, 20_000)
UNKNOWN = Rate(200, 2_000)
LOGINS = Rate(1_000, 20_000)
DEVICES = Rate(2, 60)
DROPS = Rate(0.1, 3)


class Quotas:
    """The gate's buckets: by node for admissions, by account key for what customers ask."""

    def __init__(self) -> None:
        self.known = Buckets(KNOWN)
        self.unknown = Buckets(UNKNOWN)
        self.logins = Buckets(LOGINS)
        self.devices = Buckets(DEVICES)
        self.drops = Buckets(DROPS)
