"""One captured handshake initiation, and the packet by which it is handed on to WireGuard.

When the device is served, or after it was let in, the very initiation that it sent is put into the node's own stack
again, with its original addresses, so that WireGuard answers at once and the customer waits for no retry. The UDP
checksum is 0 for IPv4 (RFC 768: none) and computed for IPv6 (RFC 8200, section 8.1). No sockets here; `listener.py` has
them.
"""

import struct
from dataclasses import dataclass, field

from tyst.core.wireguard.handshake import Initiation

_IPV6_HEADER = struct.Struct("!IHBB")
_UDP = 17


@dataclass(frozen=True, slots=True)
class Captured:
    """An initiation with the addresses it came with, packed (4 or 16 bytes). Lives while its admission lasts."""

    source: bytes = field(repr=False)
    source_port: int = field(repr=False)
    destination: bytes = field(repr=False)
    port: int
    message: bytes = field(repr=False)

    @property
    def prefix(self) -> bytes:
        """What the limiter may know of the source: its /24 or /48."""
        return self.source[: 3 if len(self.source) == 4 else 6]


@dataclass(frozen=True, slots=True)
class Knock:
    """A device that proved itself, and the packet in which it did."""

    initiation: Initiation = field(repr=False)
    packet: Captured = field(repr=False)


def to_ipv4(captured: Captured) -> bytes:
    """A whole IPv4 packet for a raw socket (IP_HDRINCL): the kernel fills in the header's checksum and id."""
    datagram = (
        struct.pack("!HHHH", captured.source_port, captured.port, 8 + len(captured.message), 0) + captured.message
    )
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, _UDP, 0)
    return header + captured.source + captured.destination + datagram


def to_ipv6(captured: Captured) -> bytes:
    """A whole IPv6 packet for a raw socket, with the UDP checksum computed."""
    length = 8 + len(captured.message)
    addresses = captured.source + captured.destination
    bare = struct.pack("!HHHH", captured.source_port, captured.port, length, 0) + captured.message
    checksum = _checksum(addresses + struct.pack("!II", length, _UDP) + bare) or 0xFFFF
    datagram = bare[:6] + struct.pack("!H", checksum) + bare[8:]
    return _IPV6_HEADER.pack(6 << 28, length, _UDP, 64) + addresses + datagram


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data)) if len(data) % 2 == 0 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
