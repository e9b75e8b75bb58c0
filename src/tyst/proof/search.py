"""The search of many surfaces: feeds them to the engine on every core and keeps what was found where.

A surface that vanishes while it is read (a process ended, a file was removed) is noted and is no defect; one that
cannot be read is, and so are bytes that could not be read: both end up in `Findings.failures`. Counterpart: `report`.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue

from tyst.core.residue import Mark, ScanSet
from tyst.proof.engine import Engine, Tally
from tyst.proof.machine import LookFailed
from tyst.proof.sources import SourceGone
from tyst.proof.surfaces import Surface


@dataclass(frozen=True)
class Findings:
    """What a search found. `looked` has each surface that was read, `gone` the names of those that vanished."""

    scan_set: ScanSet
    looked: tuple[tuple[Surface, Tally], ...]
    gone: tuple[str, ...]
    failures: tuple[str, ...]
    _places: dict[tuple[Mark, str], list[Surface]] = field(repr=False, default_factory=dict)

    def where(self, mark: Mark, encoding: str) -> Sequence[Surface]:
        """The surfaces on which a mark was found in an encoding."""
        return self._places.get((mark, encoding), [])

    def hits(self) -> Iterator[tuple[Surface, Mark, str, int]]:
        """Each counted hit: surface, mark, encoding, how often."""
        for surface, tally in self.looked:
            for index, count in tally.counted.items():
                pattern = self.scan_set.patterns[index]
                yield surface, pattern.mark, pattern.encoding, count


Outcome = tuple[Surface, Tally | None, str]


def search_all(engine: Engine, surfaces: Iterable[Surface], workers: int = 0) -> Findings:
    """Search every surface. `workers` threads (0: one for each processor); hyperscan and reads run outside the GIL.

    The list is made before the search begins, so that no program that prints a table for us is taken for one of theirs.
    """
    listed = list(surfaces)
    count = workers or len(os.sched_getaffinity(0))
    engines: SimpleQueue[Engine] = SimpleQueue()
    for number in range(count):
        engines.put(engine.twin() if number else engine)
    with ThreadPoolExecutor(count) as pool:
        outcomes = list(pool.map(lambda surface: _search(engines, surface), listed))
    return _findings(engine.scan_set, outcomes)


def _search(engines: "SimpleQueue[Engine]", surface: Surface) -> Outcome:
    engine = engines.get()
    try:
        return surface, engine.search(surface.open()), ""
    except SourceGone:
        return surface, None, ""
    except (LookFailed, OSError) as error:
        return surface, None, f"{surface.room}: {surface.name}: {_reason(error)}"
    finally:
        engines.put(engine)


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def _findings(scan_set: ScanSet, outcomes: Sequence[Outcome]) -> Findings:
    looked = [(surface, tally) for surface, tally, _ in outcomes if tally]
    failures = [failure for _, _, failure in outcomes if failure]
    failures += [f"{s.room}: {s.name}: {t.unread} bytes could not be read" for s, t in looked if t.unread]
    places: defaultdict[tuple[Mark, str], list[Surface]] = defaultdict(list)
    for surface, tally in looked:
        for index in tally.counted:
            places[scan_set.patterns[index].mark, scan_set.patterns[index].encoding].append(surface)
    gone = tuple(f"{s.room}: {s.name}" for s, tally, failure in outcomes if tally is None and not failure)
    return Findings(scan_set, tuple(looked), gone, tuple(failures), dict(places))
