"""Puts elements into the firewall's sets and maps and takes them out, several changes in one transaction, by netlink.

About 0.05 ms, where libnftables reads the whole table's description first. It knows names and packed elements and
nothing of rules (those are loaded as text, see `firewall.py`). Source: linux/netfilter/nf_tables.h, nfnetlink.h.
"""

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tyst.core.firewall import TABLE, Collection, Element
from tyst.node.drivers.netlink import (
    ACK,
    DONE,
    DUMP,
    ERROR,
    NESTED,
    NETFILTER,
    REQUEST,
    attribute,
    attributes,
    frame,
)

_BEGIN, _END = 0x10, 0x11
_NEW, _DELETE = 10 << 8 | 12, 10 << 8 | 14
_GET, _CREATE = 10 << 8 | 13, 0x400
_INET = 1
_BOUND = bytes((0, 0)) + struct.pack("!H", 10)
_PER_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One set or map, and elements that come or go."""

    name: str
    coming: bool
    elements: tuple[Element, ...] = field(repr=False)


class SetElements:
    """One netlink socket for changes in this network namespace."""

    def __init__(self) -> None:
        self._link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
        self._link.bind((0, 0))
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self._link.settimeout(5)

    def apply(self, changes: Iterable[Change]) -> bool:
        """All changes, or none when the kernel refuses one (a missing set, an element to remove that isn't there)."""
        messages = [message for change in changes for message in _messages(change)]
        if not messages:
            return True
        batch = [frame(_BEGIN, REQUEST, 1, _BOUND)]
        for number, (kind, flags, body) in enumerate(messages, 2):
            batch.append(frame(kind, REQUEST | ACK | flags, number, body))
        batch.append(frame(_END, REQUEST, len(messages) + 2, _BOUND))
        self._link.sendall(b"".join(batch))
        return self._accepted(len(messages))

    def dump(self, collection: Collection) -> list[Element]:
        """What is in a set or map now, with the seconds that timed elements have left; nothing when it is not there."""
        name = attribute(1, TABLE.encode() + b"\0") + attribute(2, collection.name.encode() + b"\0")
        self._link.sendall(frame(_GET, REQUEST | DUMP, 1, bytes((_INET, 0, 0, 0)) + name))
        found: list[Element] = []
        while True:
            data, at = self._link.recv(1 << 18), 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind in (DONE, ERROR):
                    return found
                found += _elements(data[at + 20 : at + length])
                at += length + 3 & ~3

    def _accepted(self, wanted: int) -> bool:
        """Reads one acknowledgement for each message; an error ends the batch."""
        while wanted > 0:
            data, at = self._link.recv(1 << 16), 0
            while at + 20 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == ERROR and struct.unpack_from("=i", data, at + 16)[0] != 0:
                    self._drain()
                    return False
                wanted -= kind == ERROR
                at += length + 3 & ~3
        return True

    def _drain(self) -> None:
        self._link.setblocking(False)
        try:
            while self._link.recv(1 << 16):
                pass
        except BlockingIOError:
            self._link.settimeout(5)

    def close(self) -> None:
        self._link.close()


def _messages(change: Change) -> list[tuple[int, int, bytes]]:
    kind, flags = (_NEW, _CREATE) if change.coming else (_DELETE, 0)
    head = bytes((_INET, 0, 0, 0)) + attribute(1, TABLE.encode() + b"\0") + attribute(2, change.name.encode() + b"\0")
    found = []
    for start in range(0, len(change.elements), _PER_MESSAGE):
        elements = b"".join(_element(one, change.coming) for one in change.elements[start : start + _PER_MESSAGE])
        found.append((kind, flags, head + attribute(3 | NESTED, elements)))
    return found


def _element(one: Element, coming: bool) -> bytes:
    """NFTA_SET_ELEM_KEY, and for one that comes its value (NFTA_SET_ELEM_DATA) and its time in ms."""
    body = attribute(1 | NESTED, attribute(1, one.key))
    if coming and one.value:
        body += attribute(2 | NESTED, attribute(1, one.value))
    if coming and one.seconds:
        body += attribute(4, struct.pack("!Q", int(one.seconds * 1000)))
    return attribute(1 | NESTED, body)


def _elements(body: bytes) -> Iterator[Element]:
    """NFTA_SET_ELEM_LIST_ELEMENTS, each with its key, value and NFTA_SET_ELEM_EXPIRATION (ms)."""
    for _, one in attributes(dict(attributes(body)).get(3, b"")):
        parts = dict(attributes(one))
        key, value = (dict(attributes(parts.get(number, b""))).get(1, b"") for number in (1, 2))
        left = int.from_bytes(parts[5]) / 1000 if 5 in parts else 0.0
        yield Element(key, value, left)
