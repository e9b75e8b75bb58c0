"""Marks and patterns: what the residue scan looks for, as pure values.

A *mark* is a value that exists only because somebody used Tyst: an address, a name, a key, made for one run of the
proof and sent through the real provider. A *decoy* is made the same way and never sent: whatever finds a decoy finds
noise. A *pattern* is one mark in one encoding, ready to be searched for.

This module holds no scanner, reads nothing and draws nothing at random. Its parts: `residue_encodings` writes a mark
down in every form that software is known to keep it in, `residue_rule` judges which hits count. Its counterpart is
`tyst.proof`, which makes the marks, reads the machines and runs the search.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class MarkKind(StrEnum):
    """What sort of value a mark is; decides how it can be written down."""

    ADDRESS4 = "address4"
    ADDRESS6 = "address6"
    MAC = "mac"
    NAME = "name"
    TEXT = "text"
    KEY = "key"
    TOKEN = "token"  # noqa: S105 -- the name of a kind


SHORTEST_TEXT = 8
"""Bytes. A shorter text would hit by chance in its base64 forms."""


class MarkError(ValueError):
    """A mark that cannot be searched for. Says which rule it breaks, never its value."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One value to look for. `value` is text for every kind but KEY and binary TOKENs, which are bytes.

    Addresses and MACs are normalised to their usual text (RFC 5952 for IPv6, colons and lower case for MACs), so that
    two spellings make the same mark. Raises MarkError when the value does not fit its kind.
    """

    name: str
    kind: MarkKind
    value: str | bytes = field(repr=False)
    decoy: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _normal(self.kind, self.value))


def _normal(kind: MarkKind, value: str | bytes) -> str | bytes:
    if kind is MarkKind.KEY:
        return _bytes_of(value, exactly=32)
    if kind is MarkKind.TOKEN and isinstance(value, bytes):
        return _bytes_of(value, at_least=SHORTEST_TEXT)
    if isinstance(value, bytes):
        raise MarkError(f"a mark of kind {kind} is text, not bytes")
    return _normal_text(kind, value)


def _bytes_of(value: str | bytes, *, exactly: int = 0, at_least: int = 0) -> bytes:
    if not isinstance(value, bytes):
        raise MarkError("a key is given as bytes")
    if exactly and len(value) != exactly:
        raise MarkError(f"a key has {exactly} bytes")
    if len(value) < at_least:
        raise MarkError(f"a token has at least {at_least} bytes")
    return value


def _normal_text(kind: MarkKind, value: str) -> str:
    try:
        if kind is MarkKind.ADDRESS4:
            return str(ipaddress.IPv4Address(value))
        if kind is MarkKind.ADDRESS6:
            return str(ipaddress.IPv6Address(value))
        if kind is MarkKind.MAC:
            return mac_bytes(value).hex(":")
    except ValueError:
        raise MarkError(f"a mark of kind {kind} has a malformed value") from None
    if len(value.encode()) < SHORTEST_TEXT:
        raise MarkError(f"a mark of kind {kind} has at least {SHORTEST_TEXT} bytes")
    return _normal_name(value) if kind is MarkKind.NAME else value


def _normal_name(value: str) -> str:
    name = value.lower().rstrip(".")
    if not name.isascii() or not all(0 < len(label) < 64 for label in name.split(".")):
        raise MarkError("a name has labels of 1 to 63 ASCII characters (RFC 1035)")
    return name


def mac_bytes(text: str) -> bytes:
    """The six bytes of a MAC address written with colons, dashes, dots or nothing. Raises ValueError."""
    raw = bytes.fromhex(text.translate(str.maketrans("", "", ":-.")))
    if len(raw) != 6:
        raise ValueError("a MAC address has six bytes")
    return raw


WEAK_BELOW = 6
"""Bytes. A shorter pattern hits by chance: four given bytes about once in 4 GiB of noise, for each such pattern."""

_DIGITS = frozenset(b"0123456789")
_HEX = frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One mark in one encoding. `index` is its place in the scan set and the id that the search engine reports.

    `apart`: bytes that must not touch a match on either side, because the match would then be part of a longer value of
    the same sort (198.51.100.7 in 198.51.100.77). `loose`: a match with such bytes on *both* sides is only a weak hit
    (eight hex digits in the middle of a long hash). `caseless`: names keep their meaning in any case (RFC 4343), and
    resolvers mix it on purpose. `weak`: always needs a witness (see `residue_rule`).
    """

    index: int
    mark: Mark
    encoding: str
    data: bytes = field(repr=False)
    caseless: bool = False
    weak: bool = False
    apart: frozenset[int] = frozenset()
    loose: frozenset[int] = frozenset()

    def expression(self) -> bytes:
        """The pattern as a regular expression of escaped bytes only (hyperscan refuses NUL in plain literals)."""
        return b"".join(b"\\x%02x" % byte for byte in self.data)


@dataclass(frozen=True)
class ScanSet:
    """Every pattern of a set of marks and decoys, numbered from 0 without gaps. Equal for equal marks."""

    patterns: tuple[Pattern, ...]

    @property
    def longest(self) -> int:
        """Bytes of the longest pattern: how far two neighbouring blocks of a search have to overlap."""
        return max((len(pattern.data) for pattern in self.patterns), default=0)

    def expressions(self) -> Iterator[tuple[int, bytes, bool]]:
        """(id, regular expression, caseless) for each pattern: what a search engine compiles."""
        return ((p.index, p.expression(), p.caseless) for p in self.patterns)

    def marks(self) -> tuple[Mark, ...]:
        """Each mark once, in order of first appearance."""
        return tuple(dict.fromkeys(pattern.mark for pattern in self.patterns))


def scan_set(forms: Iterable[tuple[Mark, str, bytes]]) -> ScanSet:
    """Number (mark, encoding, bytes) triples and attach to each the rule of its encoding."""
    return ScanSet(tuple(_pattern(i, mark, encoding, data) for i, (mark, encoding, data) in enumerate(forms)))


def _pattern(index: int, mark: Mark, encoding: str, data: bytes) -> Pattern:
    short = mark.kind is MarkKind.ADDRESS4
    return Pattern(
        index,
        mark,
        encoding,
        data,
        caseless=mark.kind is MarkKind.NAME and encoding in CASELESS,
        weak=len(data) < WEAK_BELOW,
        apart=_apart(mark.kind, encoding),
        loose=_HEX if short and encoding.startswith(("raw-hex", "raw-le-hex")) else frozenset(),
    )


CASELESS = frozenset({"text", "wire", "label"})


def _apart(kind: MarkKind, encoding: str) -> frozenset[int]:
    if encoding.startswith("decimal"):
        return _DIGITS
    if kind is MarkKind.ADDRESS4 and encoding in {"text", "mapped-text", "ptr", "list", "list-tight"}:
        return _DIGITS
    if kind is MarkKind.ADDRESS6 and encoding in {"text", "text-upper", "short", "short-upper"}:
        return _HEX
    return frozenset()
