"""What netlink messages are made of (netlink(7), linux/netlink.h): headers, attributes, each padded to four bytes.

No sockets and no meanings: `elements.py` speaks nftables with it, `flows.py` connection tracking.
"""

import struct
from collections.abc import Iterator

NETFILTER = 12
"""The protocol of sockets (NETLINK_NETFILTER)."""
REQUEST, ACK, DUMP = 0x1, 0x4, 0x300
ERROR, DONE = 2, 3
NESTED = 0x8000
HEADER = struct.Struct("=IHHII")


def frame(kind: int, flags: int, number: int, body: bytes) -> bytes:
    """A message with its header."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, number, 0) + body


def attribute(number: int, value: bytes) -> bytes:
    """An attribute, padded."""
    return struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, value) of each attribute; what is malformed ends it."""
    at = 0
    while at + 4 <= len(data):
        length, number = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield number & 0x3FFF, data[at + 4 : at + length]
        at += length + 3 & ~3
