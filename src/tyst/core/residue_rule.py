"""Which hits count: the rule between 'these bytes occur here' and 'this value stayed here'.

A pattern of six bytes or more does not occur by chance, so each of its hits counts. A *weak* hit is one on a shorter
pattern (the four bytes of an IPv4 address, or their four or five base64 characters: four given bytes turn up about
once in 4 GiB of noise, for each mark) or on eight hex digits inside a longer run of them. It counts when it has a
witness:

1. structure: the bytes before it are those of a socket address (AF_INET and a port) or of an IPv4 header;
2. another encoding of the same mark within 256 bytes of it;
3. any strong hit of the same mark in the same surface;
4. numbers: more hits of this pattern in the surface than chance explains, judged by the decoys' hits there.

A hit inside a longer value of the same sort (198.51.100.7 in 198.51.100.77) is no hit at all. Decoys are judged by the
same rule; one that counts means that the rule, or the run, is broken. This module judges and reads nothing; it
is given hits by `tyst.proof.engine`.
"""

import bisect
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tyst.core.residue import MarkKind, Pattern, ScanSet

LEAD = 24
"""Bytes before a hit that `grade` looks at: the distance from an IPv4 header's start to its destination address."""
NEAR = 256
"""Bytes within which another encoding of the same mark is a witness."""
_PROTOCOLS = frozenset((1, 6, 17))


@dataclass(frozen=True, slots=True)
class Hit:
    """One occurrence of a pattern, at a position (bytes from the surface's start, or a memory address)."""

    pattern: int
    start: int
    strong: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one surface: pattern id -> hits that count, and pattern id -> weak hits without a witness."""

    counted: Mapping[int, int]
    unwitnessed: Mapping[int, int]


def grade(pattern: Pattern, before: bytes, after: bytes) -> bool | None:
    """True for a strong hit, False for a weak one, None for none at all.

    `before` and `after` are the bytes around the match, as far as there are any (`LEAD` and one are enough).
    """
    touches = (bool(before) and before[-1] in pattern.apart) or (bool(after) and after[0] in pattern.apart)
    if touches:
        return None
    if pattern.weak:
        return _structured(pattern, before)
    return not (pattern.loose and before and after and before[-1] in pattern.loose and after[0] in pattern.loose)


def _structured(pattern: Pattern, before: bytes) -> bool:
    """Does a socket address (`struct sockaddr_in`, ip(7)) or an IPv4 header (RFC 791) end in this address?"""
    if pattern.mark.kind is not MarkKind.ADDRESS4 or pattern.encoding != "raw":
        return False
    socket_address = before[-4:-2] == b"\x02\x00"
    source = len(before) >= 12 and before[-12] == 0x45 and before[-3] in _PROTOCOLS
    destination = len(before) >= 16 and before[-16] == 0x45 and before[-7] in _PROTOCOLS
    return socket_address or source or destination


def judge(scan: ScanSet, hits: Sequence[Hit]) -> Verdict:
    """Apply the rule to all hits of one surface."""
    counted: Counter[int] = Counter(hit.pattern for hit in hits if hit.strong)
    weak = [hit for hit in hits if not hit.strong]
    unwitnessed: Counter[int] = Counter()
    if weak:
        sure = {scan.patterns[index].mark for index in counted}
        crowd = _crowded(scan, Counter(hit.pattern for hit in weak))
        near = _Neighbours(scan, hits)
        for hit in weak:
            witnessed = scan.patterns[hit.pattern].mark in sure or hit.pattern in crowd or near.witness(hit)
            (counted if witnessed else unwitnessed)[hit.pattern] += 1
    return Verdict(dict(counted), dict(unwitnessed))


def ceiling(mean: float) -> float:
    """The most hits that chance explains where `mean` are expected: six deviations of a Poisson count, plus three."""
    return mean + 6 * math.sqrt(mean) + 3


def _crowded(scan: ScanSet, weak: Mapping[int, int]) -> set[int]:
    """Patterns with more weak hits than decoys of the same kind and encoding allow (a decoy goes by the others)."""
    rows: defaultdict[tuple[MarkKind, str], list[Pattern]] = defaultdict(list)
    for pattern in scan.patterns:
        if pattern.weak or pattern.loose:
            rows[pattern.mark.kind, pattern.encoding].append(pattern)
    return {p.index for row in rows.values() for p in row if weak.get(p.index, 0) > ceiling(_decoy_mean(row, p, weak))}


def _decoy_mean(row: Sequence[Pattern], judged: Pattern, weak: Mapping[int, int]) -> float:
    others = [weak.get(p.index, 0) for p in row if p.mark.decoy and p is not judged]
    return sum(others) / len(others) if others else 0.0


class _Neighbours:
    """Hits of each mark by position, to find another encoding close by."""

    def __init__(self, scan: ScanSet, hits: Sequence[Hit]) -> None:
        self._scan = scan
        self._places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for hit in hits:
            self._places[scan.patterns[hit.pattern].mark.name].append((hit.start, hit.pattern))
        for places in self._places.values():
            places.sort()

    def witness(self, hit: Hit) -> bool:
        places = self._places[self._scan.patterns[hit.pattern].mark.name]
        first = bisect.bisect_left(places, (hit.start - NEAR, -1))
        last = bisect.bisect_right(places, (hit.start + NEAR, len(self._scan.patterns)))
        return any(pattern != hit.pattern for _, pattern in places[first:last])
