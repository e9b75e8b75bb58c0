"""The result of a scan as a value, for machines (`as_json`) and for people (`show`).

A report names marks ('alice.address4'), never their values. It passes only if the control passed, every surface could
be read, no decoy was hit, and each mark that was found lies where the inventory says that it may. Counterpart: `run`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tyst.core.residue import Mark
from tyst.proof.allowed import Allowed
from tyst.proof.control import ControlResult
from tyst.proof.search import Findings
from tyst.proof.writes import Writes


@dataclass(frozen=True, slots=True)
class Found:
    """A mark that stayed: where, in which encodings, how often; and, if the inventory allows it, for how long."""

    room: str
    surface: str
    kind: str
    mark: str
    encodings: tuple[str, ...]
    count: int
    process: str = ""
    lifetime: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Surfaces of one kind in one room, together."""

    room: str
    kind: str
    surfaces: int
    searched: int
    found: int


@dataclass(frozen=True)
class Report:
    """Everything that one scan says. Counts are of values, bytes and hits; `speed` is GB per CPU second."""

    phase: str
    marks: int
    decoys: int
    encodings: int
    patterns: int
    rows: tuple[Row, ...]
    searched: int
    speed: float
    found: tuple[Found, ...]
    allowed: tuple[Found, ...]
    decoy_hits: tuple[Found, ...]
    unwitnessed_marks: int
    unwitnessed_decoys: int
    controls_planted: int
    controls_found: int
    controls_missed: tuple[str, ...]
    failures: tuple[str, ...]
    gone: tuple[str, ...]
    bytes_written: int | None = None
    writes: tuple[str, ...] = ()

    @property
    def marks_found(self) -> int:
        """How many different marks stayed somewhere undeclared."""
        return len({found.mark for found in self.found})

    @property
    def control_found(self) -> bool:
        """Whether something was planted and all of it was found."""
        return 0 < self.controls_planted == self.controls_found

    @property
    def passed(self) -> bool:
        """The proof holds."""
        defects = self.found or self.decoy_hits or self.failures or self.writes or not self.searched
        return self.control_found and not defects

    def reasons(self) -> list[str]:
        """Why it does not pass, a sentence each; empty when it does."""
        lines = [
            f"{f.mark} stayed in {f.room}: {f.surface} ({f.count} times: {', '.join(f.encodings)})" for f in self.found
        ]
        lines += [
            f"decoy {f.mark} was hit in {f.room}: {f.surface}: the scan is not to be trusted" for f in self.decoy_hits
        ]
        lines += [f"control not found: {missed}" for missed in self.controls_missed[:20]]
        lines += [] if self.controls_planted else ["no control was planted"]
        lines += [] if self.searched else ["nothing was searched"]
        return [*lines, *self.failures, *self.writes]

    def as_json(self) -> str:
        """One JSON document, keys as the fields, plus `passed`, `marks_found`, `control_found` and `reasons`."""
        summary: dict[str, Any] = {
            "passed": self.passed,
            "marks_found": self.marks_found,
            "control_found": self.control_found,
            "reasons": self.reasons(),
        }
        return json.dumps({**summary, **asdict(self)}, indent=2)

    def show(self, console: Console) -> None:
        """A table of what was searched, then the sentences that matter."""
        console.print(_table(self))
        console.print(
            f"{self.marks} marks and {self.decoys} decoys in {self.encodings} encodings ({self.patterns} patterns); "
            f"{self.searched / 1e6:,.0f} MB searched at {self.speed:.2f} GB per CPU second."
        )
        console.print(f"Control: {self.controls_found} of {self.controls_planted} planted values found.")
        if self.bytes_written is not None:
            console.print(f"Written to the disks: {self.bytes_written} bytes.")
        for kept in self.allowed:
            console.print(
                f"Allowed: {kept.process} in {kept.room} holds {kept.mark}, {kept.count} times; {kept.lifetime}.",
                markup=False,
            )
        for reason in self.reasons():
            console.print(f"FAILED: {reason}", markup=False, style="bold red")
        console.print(
            f"Nothing stayed: {self.phase}." if self.passed else f"The proof fails: {self.phase}.",
            style="bold",
            markup=False,
        )


def _table(report: Report) -> Table:
    table = Table(title=f"Residue, {report.phase}")
    for heading in ("room", "surface"):
        table.add_column(heading)
    for heading in ("number", "MB", "marks found"):
        table.add_column(heading, justify="right")
    for row in report.rows:
        table.add_row(row.room, row.kind, str(row.surfaces), f"{row.searched / 1e6:,.1f}", str(row.found))
    return table


def make_report(
    phase: str, findings: Findings, control: ControlResult, allowed: Allowed, writes: Writes | None = None,
    uncovered: Iterable[str] = (),
) -> Report:  # fmt: skip
    """Put findings, control, allow list and writes together."""
    marks = findings.scan_set.marks()
    found, excused, decoys = _sorted_hits(findings, allowed)
    cpu = sum(tally.cpu_seconds for _, tally in findings.looked)
    searched = sum(tally.searched for _, tally in findings.looked)
    return Report(
        phase=phase,
        marks=sum(not mark.decoy for mark in marks),
        decoys=sum(mark.decoy for mark in marks),
        encodings=len({pattern.encoding for pattern in findings.scan_set.patterns}),
        patterns=len(findings.scan_set.patterns),
        rows=_rows(findings, [*found, *excused]),
        searched=searched,
        speed=round(searched / cpu / 1e9, 3) if cpu else 0.0,
        found=found,
        allowed=excused,
        decoy_hits=decoys,
        unwitnessed_marks=_unwitnessed(findings, decoys=False),
        unwitnessed_decoys=_unwitnessed(findings, decoys=True),
        controls_planted=len(control.planted),
        controls_found=control.found,
        controls_missed=tuple(f"{p.mark.name} as {p.encoding} {p.where}".strip() for p in control.missed),
        failures=(
            *(_hidden(failure, marks) for failure in findings.failures),
            *(f"{mount} can be written and is not searched" for mount in uncovered),
        ),
        gone=tuple(_hidden(name, marks) for name in findings.gone),
        bytes_written=writes.total if writes else None,
        writes=tuple(writes.lines()) if writes else (),
    )


Group = tuple[Found, ...]


def _sorted_hits(findings: Findings, allowed: Allowed) -> tuple[Group, Group, Group]:
    """Undeclared, declared and decoy hits."""
    groups: dict[str, list[Found]] = {"found": [], "allowed": [], "decoy": []}
    merged: defaultdict[tuple[Any, Any], dict[str, int]] = defaultdict(dict)
    for surface, mark, encoding, count in findings.hits():
        merged[surface, mark][encoding] = count
    for (surface, mark), forms in merged.items():
        excuse = None if mark.decoy else allowed.excuse(surface, mark.kind)
        group = "decoy" if mark.decoy else "allowed" if excuse else "found"
        place = (
            surface.room,
            _hidden(surface.name, [mark]),
            surface.kind.value,
            mark.name,
            tuple(sorted(forms)),
            max(forms.values()),
        )
        groups[group].append(Found(*place, surface.process, excuse.lifetime if excuse else ""))
    return tuple(groups["found"]), tuple(groups["allowed"]), tuple(groups["decoy"])


def _hidden(text: str, marks: Iterable[Mark]) -> str:
    """A file may be called after what is looked for: the report then shows the mark's name in its place."""
    for mark in marks:
        text = text.replace(mark.value, f"<{mark.name}>") if isinstance(mark.value, str) else text
    return text


def _unwitnessed(findings: Findings, *, decoys: bool) -> int:
    """Short matches without a witness, of marks or of decoys: about the same number of each, or something is there."""
    patterns = findings.scan_set.patterns
    weak = ((patterns[i].mark.decoy, n) for _, tally in findings.looked for i, n in tally.unwitnessed.items())
    return sum(n for decoy, n in weak if decoy == decoys)


def _rows(findings: Findings, found: Sequence[Found]) -> tuple[Row, ...]:
    numbers: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for surface, tally in findings.looked:
        key = (surface.room, surface.kind.value)
        numbers[key] += 1
        sizes[key] += tally.searched
    marks = Counter((room, kind) for room, kind, _ in {(f.room, f.kind, f.mark) for f in found})
    return tuple(
        Row(room, kind, number, sizes[room, kind], marks[room, kind]) for (room, kind), number in numbers.items()
    )
