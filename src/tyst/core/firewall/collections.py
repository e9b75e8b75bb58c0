"""The sets and maps whose elements come and go with tunnels, and how their elements look in netlink and in nft text.

Each is a `Collection`: a name, the forms of its key and value, whether elements end by themselves. The agent changes
single elements by netlink (`tyst.node.drivers.elements`); a reload of the ruleset refills them from memory, as text.
Source: nft(8), linux/netfilter/nf_tables.h (each field of a concatenation takes a multiple of four bytes).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address

from tyst.core.firewall.text import listed


class Form(Enum):
    """A field of a key or value: nft's name for it and how many bytes it has in netlink before padding."""

    IPV4 = ("ipv4_addr", 4)
    IPV6 = ("ipv6_addr", 16)
    PORT = ("inet_service", 2)
    PROTO = ("inet_proto", 1)

    @property
    def room(self) -> int:
        """Bytes with padding."""
        return (self.value[1] + 3) & ~3

    def pack(self, value: "IPv4Address | IPv6Address | int") -> bytes:
        """A value's bytes, unpadded; numbers in network order."""
        if isinstance(value, int):
            return value.to_bytes(int(self.value[1]), "big")
        return value.packed

    def text(self, packed: bytes) -> str:
        """Packed bytes in nft's words."""
        if self is Form.IPV4:
            return str(IPv4Address(packed))
        if self is Form.IPV6:
            return str(IPv6Address(packed))
        return str(int.from_bytes(packed, "big"))


@dataclass(frozen=True, slots=True)
class Collection:
    """A set, or with `value` a map. `timed`: elements end by themselves after the seconds they were given."""

    name: str
    key: tuple[Form, ...]
    value: tuple[Form, ...] = ()
    timed: bool = False

    def pack_key(self, *fields: IPv4Address | IPv6Address | int) -> bytes:
        """A key for netlink."""
        return _pack(self.key, fields)

    def pack_value(self, *fields: IPv4Address | IPv6Address | int) -> bytes:
        """A map's value for netlink."""
        return _pack(self.value, fields)

    def declaration(self, elements: Iterable["Element"] = ()) -> str:
        """The collection with its elements, as nft text."""
        form = _type(self.key) + (f" : {_type(self.value)}" if self.value else "")
        flags = "timeout" if self.timed else ""
        return listed(self.name, form, map(self.text, elements), flags, kind="map" if self.value else "set")

    def text(self, element: "Element") -> str:
        """One element in nft's words."""
        words = _text(self.key, element.key)
        if self.timed:
            words += f" timeout {max(1, int(element.seconds))}s"
        return f"{words} : {_text(self.value, element.value)}" if self.value else words


@dataclass(frozen=True, slots=True)
class Element:
    """One element, packed. `seconds`: how long it stays, in collections that are `timed`."""

    key: bytes
    value: bytes = b""
    seconds: float = 0.0

    def __repr__(self) -> str:
        return "<element>"


def _pack(forms: tuple[Form, ...], fields: tuple[IPv4Address | IPv6Address | int, ...]) -> bytes:
    if len(forms) == 1:
        return forms[0].pack(fields[0])
    return b"".join(form.pack(field).ljust(form.room, b"\0") for form, field in zip(forms, fields, strict=True))


def _split(forms: tuple[Form, ...], packed: bytes) -> Iterator[tuple[Form, bytes]]:
    at = 0
    for form in forms:
        yield form, packed[at : at + form.value[1]]
        at += form.room


def _text(forms: tuple[Form, ...], packed: bytes) -> str:
    return " . ".join(form.text(part) for form, part in _split(forms, packed))


def _type(forms: tuple[Form, ...]) -> str:
    return " . ".join(form.value[0] for form in forms)


_V4, _V6 = (Form.IPV4,), (Form.IPV6,)

OPEN4 = Collection("vp_open4", _V4)
OPEN6 = Collection("vp_open6", _V6)
EGRESS6 = Collection("vp_egress6", _V6)
GARDEN6 = Collection("vp_garden6", _V6)
EXIT4 = Collection("vp_exit4", _V4, _V4)
"""Inner address to the address of the node's pool by which the tunnel leaves."""
EXIT6 = Collection("vp_exit6", _V6, _V6)
MINE4 = Collection("vp_mine4", _V4, _V4)
"""Inner address to the public IPv4 address that is its account's alone."""
PUBLIC4 = Collection("vp_public4", _V4, _V4)
"""The same pairs the other way round: public address to inner address."""
STREAM4 = Collection("vp_stream4", _V4, _V4)
"""Inner address (of a tunnel whose account wants streaming) to the node's streaming address."""
STREAM6 = Collection("vp_stream6", _V6, _V6)
STREAMS4 = Collection("vp_streams4", _V4, timed=True)
"""Destinations that listed names lead to; they come from the resolver and say nothing of who asked."""
STREAMS6 = Collection("vp_streams6", _V6, timed=True)
PORTS4 = Collection("vp_ports4", (Form.PROTO, Form.IPV4, Form.PORT), (Form.IPV4, Form.PORT), timed=True)
"""Forwarded ports: protocol, pool address and port to inner address and port; an element's own time is its lease."""

COLLECTIONS = (
    *(OPEN4, OPEN6, EGRESS6, GARDEN6, EXIT4, EXIT6, MINE4, PUBLIC4),
    *(STREAM4, STREAM6, STREAMS4, STREAMS6, PORTS4),
)
