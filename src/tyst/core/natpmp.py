"""NAT-PMP as bytes: what a client asks of its gateway for a port of its own, and what the gateway answers.

Bytes in, values out, and the other way round; who gets which port is decided in `tyst.node.port_leases`. Version 0
only: PCP, the successor on the same port, is `pcp.py`. Source: RFC 6886, sections 3.2 to 3.6.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

VERSION = 0
PORT = 5351
TCP, UDP = 6, 17
"""Protocols by their IANA numbers."""

_ADDRESS, _ANSWER = 0, 128
_PROTOCOLS = {1: UDP, 2: TCP}
_OPCODES = {UDP: 1, TCP: 2}
_NOWHERE = IPv4Address(0)
LONGEST = 1100
"""A request that is longer is no request at all (PCP's own limit; NAT-PMP's are 2 and 12 bytes long)."""


class Result(IntEnum):
    """Result codes, section 3.5."""

    SUCCESS = 0
    UNSUPPORTED_VERSION = 1
    NOT_AUTHORIZED = 2
    NETWORK_FAILURE = 3
    OUT_OF_RESOURCES = 4
    UNSUPPORTED_OPCODE = 5


@dataclass(frozen=True, slots=True)
class AskAddress:
    """By which address is this tunnel seen?"""


@dataclass(frozen=True, slots=True)
class AskPort:
    """`protocol` (TCP or UDP) to `internal`, by `external` if that can be had, for `lifetime` seconds; 0: no more."""

    protocol: int
    internal: int
    external: int
    lifetime: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A request with an opcode that there is not. `data`: all of it, for it is sent back."""

    data: bytes


Request = AskAddress | AskPort | Unknown


def parse(data: bytes) -> Request | None:
    """A request, or None for what gets no answer: too short, another version, too long, or an answer itself."""
    if not 2 <= len(data) <= LONGEST or data[0] != VERSION or data[1] >= _ANSWER:
        return None
    if data[1] == _ADDRESS:
        return AskAddress()
    if data[1] not in _PROTOCOLS:
        return Unknown(data) if len(data) >= 4 else None
    if len(data) < 12:
        return None
    internal, external, lifetime = struct.unpack_from("!HHI", data, 4)
    return AskPort(_PROTOCOLS[data[1]], internal, external, lifetime)


def address_answer(result: Result, epoch: int, address: IPv4Address | None) -> bytes:
    """The external address; zeros without one. `epoch`: seconds since the table of ports was empty."""
    return struct.pack("!BBHI", VERSION, _ANSWER, result, epoch) + (address or _NOWHERE).packed


def port_answer(asked: AskPort, result: Result, epoch: int, external: int, lifetime: int) -> bytes:
    """What became of a request for a port: the external port that it got, and for how many seconds."""
    opcode = _ANSWER | _OPCODES[asked.protocol]
    return struct.pack("!BBHIHHI", VERSION, opcode, result, epoch, asked.internal, external, lifetime)


def unknown_answer(asked: Unknown) -> bytes:
    """The request itself, marked as an answer that knows no such opcode. Never longer than what was asked."""
    opcode = _ANSWER | asked.data[1]
    return struct.pack("!BBH", VERSION, opcode, Result.UNSUPPORTED_OPCODE) + asked.data[4:]
