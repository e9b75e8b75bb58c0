"""How often may somebody try: counters in RAM under a keyed hash, whose key is thrown away with each window.

What is limited (an address's prefix, an account's handle) can't be read from the counters, and after the window nothing
of them is left. IPv4 counts by /24, IPv6 by /56: roughly a street. Counterpart: `middleware` gives the address as a
Transient; nothing else in the site sees it but `geo`.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from tyst.core.transient import Transient

Address = Transient[IPv4Address | IPv6Address | None]
_MOST = 100_000


def address_of(text: str) -> Address:
    """The peer's address of a connection, IPv4 also where the listener speaks both families.

    IPv4 is read digit by digit, because `ip_address` passes through a four-byte object, the one size whose content
    outlives the allocator's overwriting (glibc spares the last eight bytes of a block).
    """
    mapped = text.lower().removeprefix("::ffff:")
    try:
        if "." in mapped:
            return Transient(IPv4Address(_number4(mapped)))
        return Transient(IPv6Address(text.partition("%")[0]))
    except ValueError:
        return Transient(None)


def _number4(text: str) -> int:
    parts = [int(part) for part in text.split(".")]
    if len(parts) != 4 or not all(0 <= part <= 255 for part in parts):
        raise ValueError("an IPv4 address has four numbers up to 255")
    return parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]


def prefix_of(address: Address) -> bytes:
    """What is counted for an address: its /24 or /56, in 17 bytes."""
    value = address.reveal()
    if value is None:
        return bytes(17)
    cut = 8 if value.version == 4 else 72
    return bytes([value.version]) + (int(value) >> cut << cut).to_bytes(16)


class Bucket:
    """At most `limit` takes in `seconds` for each name. Memory is bounded: beyond the bound all share one count."""

    def __init__(self, limit: int, seconds: int, now: Callable[[], datetime], draw: Callable[[int], bytes]) -> None:
        self._limit, self._seconds, self._now, self._draw = limit, seconds, now, draw
        self._lock = threading.Lock()
        self._counts: dict[bytes, int] = {}
        self._key, self._ends = b"", 0.0

    def take(self, name: bytes) -> bool:
        """Counts one try; False when the window's tries are spent."""
        with self._lock:
            self._turn()
            place = self._place(name)
            count = self._counts.get(place, 0) + 1
            self._counts[place] = min(count, self._limit + 1)
            return count <= self._limit

    def spent(self, name: bytes) -> bool:
        """Whether the window's tries are spent already, without counting one."""
        with self._lock:
            self._turn()
            return self._counts.get(self._place(name), 0) >= self._limit

    def forget(self) -> None:
        """Forgets a window that is over, also when nobody comes who would begin the next one, and the order of coming:
        two limits' counters in that order could be laid side by side."""
        with self._lock:
            self._turn()
            self._counts = dict(sorted(self._counts.items()))

    def _place(self, name: bytes) -> bytes:
        place = hmac.digest(self._key, name, hashlib.sha256)[:16]
        return place if place in self._counts or len(self._counts) < _MOST else b""

    def _turn(self) -> None:
        now = self._now().timestamp()
        if not self._ends - self._seconds <= now < self._ends:
            self._counts, self._key, self._ends = {}, self._draw(32), now + self._seconds


@dataclass(frozen=True)
class Limits:
    """The site's limits. By address prefix: sign-ups, wrong sign-ins, asked-for letters. By account: the rest."""

    signups: Bucket
    signins: Bucket
    vouchers: Bucket
    keys: Bucket
    gate: Bucket
    letters: Bucket
    reminders: Bucket
    orders: Bucket
    looks: Bucket

    def forget(self) -> None:
        """Forgets every window that is over, and in which order people came in the others."""
        for one in fields(self):
            bucket: Bucket = getattr(self, one.name)
            bucket.forget()


def default_limits(now: Callable[[], datetime], draw: Callable[[int], bytes]) -> Limits:
    """What a provider starts with."""

    def bucket(limit: int, seconds: int) -> Bucket:
        return Bucket(limit, seconds, now, draw)

    return Limits(
        signups=bucket(60, 600),
        signins=bucket(30, 600),
        vouchers=bucket(20, 600),
        keys=bucket(16, 86400),
        gate=bucket(60, 60),
        letters=bucket(10, 600),
        reminders=bucket(3, 3600),
        orders=bucket(20, 600),
        looks=bucket(60, 60),
    )
