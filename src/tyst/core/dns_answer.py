"""DNS messages as far as the streaming relay needs them (RFC 1035): a question out, the addresses of an answer in.

An answer's whole chain of aliases becomes one set of addresses under the name that was asked, so that no resolver asks
again for the last name in the chain and gets others. Pure bytes; `tyst.node.streams` carries them.
"""

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

A, SOA, AAAA, SVCB, HTTPS = 1, 6, 28, 64, 65
MOST_ADDRESSES = 32
LONGEST_TTL = 300
"""Seconds that an answer is good at most: so often, and no oftener, is a name that is in use asked for again."""
_INTERNET = 1
_ROOM = 65000
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_QUERY, _RECURSE, _REPLY = 0x0100, 0x0180, 0x8000
_LENGTHS = {A: 4, AAAA: 16}


class MalformedError(ValueError):
    """No DNS message, or one of a form that no resolver sends."""


@dataclass(frozen=True)
class Question:
    """One question. `name`: as on the wire, uncompressed, in the letters that were asked."""

    number: int
    name: bytes = field(repr=False)
    kind: int

    @property
    def wire(self) -> bytes:
        """The question's section."""
        return self.name + struct.pack("!HH", self.kind, _INTERNET)


@dataclass(frozen=True)
class Answer:
    """What an answer leads to. `code`: 0, or why there is nothing. `seconds`: its lifetime, bounded."""

    code: int
    seconds: int
    addresses: tuple[IPv4Address | IPv6Address, ...] = field(default=(), repr=False)


def question_of(message: bytes) -> Question:
    """The one question of a query. MalformedError."""
    number, flags, count = _head(message)
    if flags & _REPLY or count != 1:
        raise MalformedError
    name, at = _name(message, _HEADER.size)
    kind, family = struct.unpack_from("!HH", _sized(message, at, 4), 0)
    if family != _INTERNET:
        raise MalformedError
    return Question(number, name, kind)


def asked(question: Question, number: int) -> bytes:
    """A query for a resolver, under another number, with room for any answer (RFC 6891)."""
    opt = b"\0" + _RECORD.pack(41, _ROOM, 0, 0)
    return _HEADER.pack(number, _QUERY, 1, 0, 0, 1) + question.wire + opt


def number_of(message: bytes) -> int:
    """The number under which an answer comes."""
    return _head(message)[0]


def renumbered(message: bytes, number: int) -> bytes:
    """The same message under another number."""
    return number.to_bytes(2, "big") + message[2:]


def answer_of(message: bytes, question: Question) -> Answer:
    """The addresses in an answer to this question, wherever in the chain they stand. MalformedError."""
    _, flags, count = _head(message)
    name, at = _name(message, _HEADER.size)
    if not flags & _REPLY or count != 1 or name.lower() != question.name.lower():
        raise MalformedError
    found: list[IPv4Address | IPv6Address] = []
    seconds, at = LONGEST_TTL, at + 4
    for _ in range(struct.unpack_from("!H", message, 6)[0]):
        _, at = _name(message, at)
        kind, _, ttl, length = _RECORD.unpack(_sized(message, at, _RECORD.size))
        data = _sized(message, at + _RECORD.size, length)
        at += _RECORD.size + length
        seconds = min(seconds, ttl)
        if kind == question.kind and length == _LENGTHS.get(kind):
            found.append(IPv4Address(data) if kind == A else IPv6Address(data))
    return Answer(flags & 0xF, seconds, tuple(found[:MOST_ADDRESSES]))


def reply(question: Question, answer: Answer) -> bytes:
    """What the asker gets: the addresses under the name itself; with none, an SOA that bounds how long that is so."""
    back = b"\xc0\x0c"
    flags = _REPLY | _RECURSE | answer.code
    head = _HEADER.pack(question.number, flags, 1, len(answer.addresses), 0 if answer.addresses else 1, 0)
    if not answer.addresses:
        soa = back + back + struct.pack("!5I", 1, 3600, 600, 86400, answer.seconds)
        return head + question.wire + back + _RECORD.pack(SOA, _INTERNET, answer.seconds, len(soa)) + soa
    body = [
        back + _RECORD.pack(question.kind, _INTERNET, answer.seconds, len(address.packed)) + address.packed
        for address in answer.addresses
    ]
    return head + question.wire + b"".join(body)


def _head(message: bytes) -> tuple[int, int, int]:
    """(number, flags, how many questions)."""
    number, flags, count, *_ = _HEADER.unpack(_sized(message, 0, _HEADER.size))
    return number, flags, count


def _sized(message: bytes, at: int, length: int) -> bytes:
    part = message[at : at + length]
    if len(part) != length:
        raise MalformedError
    return part


def _name(message: bytes, at: int) -> tuple[bytes, int]:
    """(the name's bytes without compression's tail, where it ends). Pointers end a name and are not followed."""
    start = at
    while True:
        length = _sized(message, at, 1)[0]
        if length >= 0xC0:
            return message[start:at], at + 2
        if length > 63 or at - start > 255:
            raise MalformedError
        at += 1 + length
        if not length:
            return message[start:at], at
