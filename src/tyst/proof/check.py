"""What one part of the proof says: a verdict, for machines and for people. Counterparts: `command`, `page`.

A check is a module that has `NAME`, `MEANING` and `run(how: How) -> Verdict`. Each plants faults of its own and has to
catch them: a check that finds nothing and caught nothing has shown nothing, and does not pass.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that the check planted on purpose, in plain words, and whether the check noticed."""

    what: str
    caught: bool


@dataclass(frozen=True, slots=True)
class How:
    """How to run. `whole`: the long form, by night. `tell` says what happens now; it gets no values of a run."""

    whole: bool = False
    tell: Callable[[str], None] = field(default=lambda _: None, repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check's result. Sentences name marks, tables and rooms, never a planted value.

    `planted`, `searched` and `found` are sentences a stranger understands; `found` is empty when all is well. `cannot`
    says what this run can't show. `figures` are numbers with their unit in the name (`scan_gb_per_cpu_s`).
    """

    check: str
    planted: tuple[str, ...]
    searched: tuple[str, ...]
    found: tuple[str, ...]
    faults: tuple[Fault, ...]
    cannot: tuple[str, ...]
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Nothing was found, and every planted fault was; at least one was planted."""
        return not self.found and bool(self.faults) and all(fault.caught for fault in self.faults)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the fields and `passed`."""
        return {"passed": self.passed, **asdict(self)}
