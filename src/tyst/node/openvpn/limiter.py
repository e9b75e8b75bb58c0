"""How many wrong logins one network may send in a minute: counters in RAM that can't be read back to an address.

An address becomes the number of one of 4,096 buckets by a keyed hash of its prefix (/24, /48), under a key that lives
one minute, in the moment when it is read (`core.openvpn.management.Parser`). A login that proves right is taken out of
the count, so that many customers behind one address don't lock each other out. Two networks may share a bucket: for a
minute. The gate has limits of its own, by account and by node.

The fleet's other nodes, as entries of multihops, have a larger bucket each, by their number: all who come through one
share it. So a bucket also says whether a login came through an entry, and no more.
"""

from array import array
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import ip_address, ip_network

from tyst.core.multihop import MOST_NODES

BUCKETS = 4096
WRONG_PER_MINUTE = 20
WRONG_BY_ENTRY = 400
MINUTE = 60.0
_ALL = BUCKETS + MOST_NODES + 1


class LoginLimiter:
    """`clock`: seconds that only go forward; `draw(n)`: n random bytes; `entry_of`: the number of the fleet's node that
    has an address (packed), if one has."""

    def __init__(
        self,
        clock: Callable[[], float],
        draw: Callable[[int], bytes],
        entry_of: Callable[[bytes], int | None] = lambda _: None,
    ) -> None:
        self._clock, self._draw, self._entry_of = clock, draw, entry_of
        self._minute = -1
        self._key = b""
        self._counts = array("H")
        self._turn()

    def bucket_of(self, address: str) -> int:
        """The bucket that counts this address's network in this minute. What is no address counts in bucket 0."""
        self._turn()
        try:
            parsed = ip_address(address)
        except ValueError:
            return 0
        entry = self._entry_of(parsed.packed)
        if entry is not None:
            return BUCKETS + entry
        net = ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False)
        return int.from_bytes(blake2b(net.network_address.packed, key=self._key, digest_size=8).digest()) % BUCKETS

    @staticmethod
    def entered(bucket: int) -> bool:
        """Whether what is counted in this bucket came through an entry of the fleet."""
        return bucket >= BUCKETS

    def take(self, bucket: int) -> int | None:
        """Counts one login. The minute it was counted in (for `refund`), or None: too many, don't ask the gate."""
        self._turn()
        if self._counts[bucket] >= (WRONG_BY_ENTRY if self.entered(bucket) else WRONG_PER_MINUTE):
            return None
        self._counts[bucket] += 1
        return self._minute

    def refund(self, bucket: int, minute: int) -> None:
        """The login proved right: it doesn't count."""
        self._turn()
        if minute == self._minute and self._counts[bucket]:
            self._counts[bucket] -= 1

    def _turn(self) -> None:
        minute = int(self._clock() // MINUTE)
        if minute != self._minute:
            self._minute, self._key, self._counts = minute, self._draw(32), array("H", bytes(2 * _ALL))
