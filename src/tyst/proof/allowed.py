"""What a program that we did not write may hold on to: the `[[remainder]]` entries of the inventory.

An entry names a process, the kinds of marks that may be in its memory, for how long and why, in the words that the
privacy page prints. It excuses memory only: never a file, a table or another process. Entries that say what a room of
ours keeps in RAM (`room`, `what`) are for that page alone, and excuse nothing. Counterpart: `report`, which shows
excused hits with their counts.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tyst.core.residue import MarkKind
from tyst.proof.surfaces import Surface, SurfaceKind


class InventoryError(ValueError):
    """The inventory says something that can't be true. Names the entry and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One declared remainder. `lifetime` and `why` are sentences for people and may not be empty.

    `seconds` after the visit it excuses nothing any more; 0: its end is an event (a restart), not a time.
    """

    process: str
    marks: frozenset[MarkKind]
    lifetime: str
    why: str
    seconds: int = 0


@dataclass(frozen=True)
class Allowed:
    """All declared remainders. `elapsed`: seconds since the visit whose marks are looked for."""

    entries: tuple[Memory, ...] = ()
    elapsed: float = 0.0

    def after(self, elapsed: float) -> "Allowed":
        """The same remainders, so many seconds after the visit."""
        return replace(self, elapsed=elapsed)

    def excuse(self, surface: Surface, kind: MarkKind) -> Memory | None:
        """The entry that covers a mark of this kind on this surface, if any."""
        if surface.kind is not SurfaceKind.MEMORY:
            return None
        return next((e for e in self.entries if self._covers(e, surface.process, kind)), None)

    def _covers(self, entry: Memory, process: str, kind: MarkKind) -> bool:
        in_time = not entry.seconds or self.elapsed <= entry.seconds
        return entry.process == process and kind in entry.marks and in_time


def load(path: Path) -> Allowed:
    """Read `records/inventory.toml`. Raises InventoryError, or OSError when the file is not there."""
    return parse(tomllib.loads(path.read_text(encoding="utf-8")))


def parse(inventory: Mapping[str, Any]) -> Allowed:
    """The `[[remainder]]` entries of a parsed inventory."""
    return Allowed(tuple(_memory(entry) for entry in inventory.get("remainder", [])))


def _memory(entry: Mapping[str, Any]) -> Memory:
    process = str(entry.get("process", "")).strip()
    texts = {key: str(entry.get(key, "")).strip() for key in ("lifetime", "why")}
    if not process:
        raise InventoryError("a [[remainder]] entry names no process")
    missing = [key for key, text in texts.items() if not text]
    if missing:
        raise InventoryError(f"[[remainder]] of {process} says nothing under {' and '.join(missing)}")
    seconds = entry.get("seconds", 0)
    if not isinstance(seconds, int) or seconds < 0:
        raise InventoryError(f"[[remainder]] of {process}: seconds is a whole number, 0 where an event ends it")
    return Memory(process, _kinds(process, entry.get("marks", [])), **texts, seconds=seconds)


def _kinds(process: str, names: list[str]) -> frozenset[MarkKind]:
    known = {kind.value for kind in MarkKind}
    strange = sorted(set(names) - known)
    if strange or not names:
        raise InventoryError(f"[[remainder]] of {process}: marks must be some of {', '.join(sorted(known))}")
    return frozenset(MarkKind(name) for name in names)
