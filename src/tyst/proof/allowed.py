"""What a program that we did not write may hold on to: the `[[memory]]` entries of the inventory.

An entry names a process, the kinds of marks that may be in its memory, for how long and why, in the words that the
privacy page prints. It excuses memory only: never a file, a table or another process. Entries that say what a room of
ours keeps in RAM (`room`, `what`) are for that page alone, and excuse nothing. Counterpart: `report`, which shows
excused hits with their counts.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyst.core.residue import MarkKind
from tyst.proof.surfaces import Surface, SurfaceKind


class InventoryError(ValueError):
    """The inventory says something that can't be true. Names the entry and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One declared remainder. `lifetime` and `why` are sentences for people and may not be empty."""

    process: str
    marks: frozenset[MarkKind]
    lifetime: str
    why: str


@dataclass(frozen=True)
class Allowed:
    """All declared remainders."""

    entries: tuple[Memory, ...] = ()

    def excuse(self, surface: Surface, kind: MarkKind) -> Memory | None:
        """The entry that covers a mark of this kind on this surface, if any."""
        if surface.kind is not SurfaceKind.MEMORY:
            return None
        return next((e for e in self.entries if e.process == surface.process and kind in e.marks), None)


def load(path: Path) -> Allowed:
    """Read `records/inventory.toml`. Raises InventoryError, or OSError when the file is not there."""
    return parse(tomllib.loads(path.read_text(encoding="utf-8")))


def parse(inventory: Mapping[str, Any]) -> Allowed:
    """The `[[memory]]` entries of a parsed inventory that are about processes."""
    entries = inventory.get("memory", [])
    return Allowed(tuple(_memory(entry) for entry in entries if not _of_our_own(entry)))


def _of_our_own(entry: Mapping[str, Any]) -> bool:
    return "room" in entry and "what" in entry and not {"process", "marks"} & set(entry)


def _memory(entry: Mapping[str, Any]) -> Memory:
    process = str(entry.get("process", "")).strip()
    texts = {key: str(entry.get(key, "")).strip() for key in ("lifetime", "why")}
    if not process:
        raise InventoryError("a [[memory]] entry names no process")
    missing = [key for key, text in texts.items() if not text]
    if missing:
        raise InventoryError(f"[[memory]] of {process} says nothing under {' and '.join(missing)}")
    return Memory(process, _kinds(process, entry.get("marks", [])), **texts)


def _kinds(process: str, names: list[str]) -> frozenset[MarkKind]:
    known = {kind.value for kind in MarkKind}
    strange = sorted(set(names) - known)
    if strange or not names:
        raise InventoryError(f"[[memory]] of {process}: marks must be some of {', '.join(sorted(known))}")
    return frozenset(MarkKind(name) for name in names)
