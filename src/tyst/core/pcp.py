"""PCP as bytes: the Port Control Protocol, version 2, as a gateway speaks it: MAP and ANNOUNCE, IPv4.

Bytes in, values out, and the other way round; who gets which port is decided in `tyst.node.port_leases`. Options: a
gateway understands PREFER_FAILURE; THIRD_PARTY (a port for somebody else) and FILTER are refused. An answer is never
longer than what was asked, or than its own header. Source: RFC 6887, sections 7, 8.3, 11, 13 and 14. Its predecessor on
the same port: `natpmp.py`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

VERSION = 2
HEADER, MAP_BYTES, LONGEST = 24, 36, 1100
NONCE_BYTES = 12
ANNOUNCE, MAP = 0, 1
PREFER_FAILURE = 2
_ANSWER = 0x80
_MANDATORY = 128
"""Options below this number must be understood or refused."""
LONG_ERROR, SHORT_ERROR = 1800, 30
"""Seconds for which a client may believe an error (section 7.4): one that lasts, and one that passes."""


class Result(IntEnum):
    """Result codes, section 7.4."""

    SUCCESS = 0
    UNSUPP_VERSION = 1
    NOT_AUTHORIZED = 2
    MALFORMED_REQUEST = 3
    UNSUPP_OPCODE = 4
    UNSUPP_OPTION = 5
    MALFORMED_OPTION = 6
    NETWORK_FAILURE = 7
    NO_RESOURCES = 8
    UNSUPP_PROTOCOL = 9
    USER_EX_QUOTA = 10
    CANNOT_PROVIDE_EXTERNAL = 11
    ADDRESS_MISMATCH = 12


_PASSING = (Result.NETWORK_FAILURE, Result.NO_RESOURCES, Result.USER_EX_QUOTA, Result.CANNOT_PROVIDE_EXTERNAL)


@dataclass(frozen=True, slots=True)
class Announce:
    """Are you still the gateway that you were?"""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Map:
    """A port, as `natpmp.AskPort`. `address`: the external one that is wished for, or None for any.

    `nonce` is the client's secret about this mapping: nobody else may change it. `exactly`: this external port or none.
    """

    data: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    protocol: int
    internal: int
    external: int
    address: IPv4Address | None
    lifetime: int
    exactly: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """A request that is refused for its form."""

    data: bytes = field(repr=False)
    result: Result


Request = Announce | Map | Wrong


def parse(data: bytes, source: IPv4Address) -> Request | None:
    """A request that came from `source`, or None for what gets no answer: too short, or an answer itself."""
    if len(data) < 4 or data[1] & _ANSWER:
        return None
    if data[0] != VERSION:
        return Wrong(data, Result.UNSUPP_VERSION)
    if not HEADER <= len(data) <= LONGEST or len(data) % 4:
        return Wrong(data, Result.MALFORMED_REQUEST)
    if data[1] not in (ANNOUNCE, MAP):
        return Wrong(data, Result.UNSUPP_OPCODE)
    if data[8:24] != mapped(source):
        return Wrong(data, Result.ADDRESS_MISMATCH)
    return Announce(data) if data[1] == ANNOUNCE else _map(data)


def _map(data: bytes) -> Request:
    if len(data) < HEADER + MAP_BYTES:
        return Wrong(data, Result.MALFORMED_REQUEST)
    nonce, protocol, internal, external, wished = struct.unpack_from("!12sB3xHH16s", data, HEADER)
    (lifetime,) = struct.unpack_from("!I", data, 4)
    if protocol == 0 and internal != 0:
        return Wrong(data, Result.MALFORMED_REQUEST)
    found = _options(data)
    if isinstance(found, Result):
        return Wrong(data, found)
    address = IPv6Address(wished).ipv4_mapped
    return Map(
        data, nonce, protocol, internal, external, address if address and int(address) else None, lifetime, found
    )


def _options(data: bytes) -> bool | Result:
    """Whether PREFER_FAILURE is among the options; or what is wrong with them."""
    exactly = False
    for code, length in _each_option(data):
        if length is None or (code == PREFER_FAILURE and (exactly or length)):
            return Result.MALFORMED_OPTION
        if code < _MANDATORY and code != PREFER_FAILURE:
            return Result.UNSUPP_OPTION
        exactly = exactly or code == PREFER_FAILURE
    return exactly


def _each_option(data: bytes) -> Iterator[tuple[int, int | None]]:
    """(code, bytes of its data); None when they don't fit into the packet, which is then the last."""
    at = HEADER + MAP_BYTES
    while at < len(data):
        code, length = struct.unpack_from("!BxH", data, at)
        at += 4 + (length + 3 & ~3)
        yield code, length if at <= len(data) else None


def mapped(address: IPv4Address) -> bytes:
    """An IPv4 address in the 16 bytes of an IPv6 one (RFC 4291, 2.5.5.2)."""
    return bytes(10) + b"\xff\xff" + address.packed


def announce_answer(asked: Announce, epoch: int) -> bytes:
    """Still here. `epoch`: seconds since the table of ports was empty."""
    return _head(asked.data, Result.SUCCESS, 0, epoch)


def map_answer(asked: Map, epoch: int, external: int, address: IPv4Address, lifetime: int) -> bytes:
    """The port that it got, with the option that was obeyed."""
    head = _head(asked.data, Result.SUCCESS, lifetime, epoch)
    body = struct.pack("!12sB3xHH16s", asked.nonce, asked.protocol, asked.internal, external, mapped(address))
    return head + body + (struct.pack("!BxH", PREFER_FAILURE, 0) if asked.exactly else b"")


def error_answer(data: bytes, result: Result, epoch: int) -> bytes:
    """The request again, as far as a packet may be long and in whole words, with what is wrong in its header."""
    lasts = SHORT_ERROR if result in _PASSING else LONG_ERROR
    rest = b"" if result is Result.UNSUPP_VERSION else data[HEADER : LONGEST - LONGEST % 4]
    return _head(data, result, lasts, epoch) + rest[: len(rest) & ~3]


def _head(data: bytes, result: Result, lifetime: int, epoch: int) -> bytes:
    return struct.pack("!BBxBII12x", VERSION, _ANSWER | data[1], result, lifetime, epoch)
