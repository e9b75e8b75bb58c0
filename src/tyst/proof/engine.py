"""The search: every pattern of a scan set, in one pass over each source, at memory speed.

Hyperscan compiles all patterns into one automaton; the engine feeds it blocks that overlap by the longest pattern,
keeps each hit once, looks at the bytes around it and has `core.residue_rule` judge. The engine knows sources and
patterns, not machines: its counterpart is `surfaces`. It runs outside the machines that it reads and writes to none of
them, so the patterns exist in its own memory only.
"""

import mmap
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import hyperscan

from tyst.core.residue import Pattern, ScanSet
from tyst.core.residue_rule import LEAD, Hit, grade, judge
from tyst.proof.sources import Source

BLOCK = 1 << 20
"""Bytes searched at a time: measured best, because the copy is still in the processor's cache when it is searched."""
_MARGIN = 4096
"""Bytes read before a block, and the step to which those after it are rounded: an aligned copy is twice as fast."""
KEPT = 20_000
"""Hits kept for each pattern and source; further ones are counted as the kept ones were (no verdict needs more)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The search of one source: counted and unwitnessed hits by pattern, bytes searched and unreadable, CPU seconds."""

    counted: Mapping[int, int]
    unwitnessed: Mapping[int, int]
    searched: int
    unread: int
    cpu_seconds: float


class Engine:
    """A compiled scan set. One search at a time for each Engine; `twin()` gives another for another thread."""

    def __init__(self, scan: ScanSet) -> None:
        self.scan_set = scan
        self._database = _compiled(scan)
        self._scratch = hyperscan.Scratch(self._database) if self._database else None
        self._after = _after(scan)
        self._buffer = memoryview(mmap.mmap(-1, _MARGIN + BLOCK + self._after))

    def twin(self) -> "Engine":
        """The same automaton with a buffer of its own."""
        other = object.__new__(Engine)
        other.scan_set, other._database = self.scan_set, self._database
        other._after = self._after
        other._scratch = hyperscan.Scratch(self._database) if self._database else None
        other._buffer = memoryview(mmap.mmap(-1, len(self._buffer)))
        return other

    def search(self, source: Source) -> Tally:
        """Search a source from its first run to its last. Raises SourceGone if it vanishes."""
        began = time.thread_time()
        hits: list[Hit] = []
        seen: Counter[int] = Counter()
        searched = 0
        with source:
            for low, high in source.runs():
                searched += high - low
                for hit in self._search_run(source, low, high):
                    seen[hit.pattern] += 1
                    if seen[hit.pattern] <= KEPT:
                        hits.append(hit)
        verdict = judge(self.scan_set, hits)
        counted = {index: _extended(n, seen[index]) for index, n in verdict.counted.items()}
        return Tally(counted, verdict.unwitnessed, searched, source.unread, time.thread_time() - began)

    def _search_run(self, source: Source, low: int, high: int) -> Iterator[Hit]:
        for position in range(low, high, BLOCK):
            begin = max(low, position - _MARGIN)
            end = min(high, position + BLOCK + self._after)
            got = source.read_into(begin, self._buffer[: end - begin])
            for index, stop in self._matches(self._buffer[:got]):
                pattern = self.scan_set.patterns[index]
                start = begin + stop - len(pattern.data)
                if position <= start < position + BLOCK:
                    yield from self._graded(pattern, start, stop, got)

    def _matches(self, view: memoryview) -> list[tuple[int, int]]:
        """(pattern id, end) of each match. Hyperscan takes any buffer, its type declarations only bytes and str."""
        found: list[tuple[int, int]] = []
        if self._database:
            data = cast(bytes, view)
            self._database.scan(data, lambda i, _start, stop, _f, _c: found.append((i, stop)), scratch=self._scratch)
        return found

    def _graded(self, pattern: Pattern, start: int, stop: int, got: int) -> Iterator[Hit]:
        first = stop - len(pattern.data)
        before = bytes(self._buffer[max(0, first - LEAD) : first])
        after = bytes(self._buffer[stop : min(stop + 1, got)])
        strong = grade(pattern, before, after)
        if strong is not None:
            yield Hit(pattern.index, start, strong)


def _after(scan: ScanSet) -> int:
    """Bytes read after a block: the longest pattern and one neighbour, rounded up."""
    return -(-(scan.longest + 1) // _MARGIN) * _MARGIN


def _extended(counted: int, seen: int) -> int:
    return counted + max(0, seen - KEPT)


def _compiled(scan: ScanSet) -> "hyperscan.Database | None":
    expressions = list(scan.expressions())
    if not expressions:
        return None
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [
        hyperscan.HS_FLAG_DOTALL | (hyperscan.HS_FLAG_CASELESS if caseless else 0) for _, _, caseless in expressions
    ]
    database.compile(
        expressions=[expression for _, expression, _ in expressions], ids=[i for i, _, _ in expressions], flags=flags
    )
    return database
