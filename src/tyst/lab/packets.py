"""A captured packet, read as far as tests need: who, to whom, what protocol, which ports. IPv4 and IPv6, no reassembly.

Values only (RFC 791, RFC 8200). Counterpart: `watch.py`, which captures.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address
_NAMES = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 50: "esp", 58: "icmp6", 132: "sctp"}
_WITH_PORTS = ("tcp", "udp", "sctp")
_EXTENSIONS = (0, 43, 60)  # hop-by-hop, routing, destination options
_FRAGMENT = 44


@dataclass(frozen=True)
class Packet:
    """One packet. `leaving`: sent by the watched host. Ports are None where there are none, as in a later fragment."""

    src: Address
    dst: Address
    proto: str
    sport: int | None
    dport: int | None
    leaving: bool
    data: bytes = field(repr=False)

    def __str__(self) -> str:
        source, target = (f" port {port}" if port is not None else "" for port in (self.sport, self.dport))
        return f"{self.proto} {self.src}{source} > {self.dst}{target}, {len(self.data)} bytes"


def parse(data: bytes, *, leaving: bool) -> Packet | None:
    """A packet out of its bytes, which start with the IP header; None when they are no whole header."""
    version = data[0] >> 4 if data else 0
    if version == 4 and len(data) >= 20:
        offset, proto, first = (data[0] & 15) * 4, data[9], not int.from_bytes(data[6:8]) & 0x1FFF
        return _packet(data, (12, 16, 20), proto, offset if first else None, leaving)
    if version == 6 and len(data) >= 40:
        return _packet(data, (8, 24, 40), *_upper_layer(data), leaving)
    return None


def _upper_layer(data: bytes) -> tuple[int, int | None]:
    """Walks IPv6 extension headers to the protocol inside and its offset (None in a later fragment)."""
    proto, offset, first = data[6], 40, True
    while proto in (*_EXTENSIONS, _FRAGMENT) and offset + 8 <= len(data):
        if proto == _FRAGMENT:
            first = not int.from_bytes(data[offset + 2 : offset + 4]) >> 3
        length = 8 if proto == _FRAGMENT else 8 + data[offset + 1] * 8
        proto, offset = data[offset], offset + length
    return proto, offset if first else None


def _packet(data: bytes, at: tuple[int, int, int], proto: int, offset: int | None, leaving: bool) -> Packet:
    name = _NAMES.get(proto, str(proto))
    ports: tuple[int | None, int | None] = (None, None)
    if name in _WITH_PORTS and offset is not None and len(data) >= offset + 4:
        ports = int.from_bytes(data[offset : offset + 2]), int.from_bytes(data[offset + 2 : offset + 4])
    src, dst = ip_address(data[at[0] : at[1]]), ip_address(data[at[1] : at[2]])
    return Packet(src, dst, name, *ports, leaving, data)
