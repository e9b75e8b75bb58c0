"""By which address of a node's pool a tunnel leaves: drawn by a keyed hash, from a pool and what names the device.

The key is a node's own and new each day (`tyst.node.egress`), so the address is stable while the day lasts and
unrelated to the same device's on other nodes and days. Without the key nobody can compute it. BLAKE2b, RFC 7693, keyed.
"""

import hashlib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network

KEY_BYTES = 32


def drawn4(pool: Sequence[IPv4Address], key: bytes, name: bytes) -> IPv4Address | None:
    """One of the pool, uniformly (the remainder's bias is below 2^-50); None for an empty pool."""
    return pool[_number(key, b"exit4", name) % len(pool)] if pool else None


def drawn6(net: IPv6Network | None, key: bytes, name: bytes) -> IPv6Address | None:
    """An address of its own in a prefix that is routed to the node; never its first (RFC 4291, 2.6.1)."""
    if net is None:
        return None
    return net[1 + _number(key, b"exit6", name) % (net.num_addresses - 1)]


def _number(key: bytes, use: bytes, name: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(name, key=key, digest_size=16, person=use).digest())
