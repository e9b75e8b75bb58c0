"""What a journey found: steps that passed or not, and figures; as JSON and as lines shown while it happens."""

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Step:
    """One step's end. `detail`: what was seen, or what went wrong."""

    name: str
    passed: bool
    detail: str


@dataclass
class Report:
    """The journey so far. `tell` shows each line as it happens."""

    steps: list[Step] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None

    @property
    def passed(self) -> bool:
        """Whether every step that ran passed."""
        return all(step.passed for step in self.steps)

    def run(self, name: str, action: Callable[[], str]) -> bool:
        """Runs one step; an assertion or error that it raises is its failure, and the journey goes on."""
        began = time.monotonic()
        self.tell(f"… {name}")
        try:
            step = Step(name, True, action())
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is this step's failure
            where = traceback.extract_tb(error.__traceback__)[-1]
            said = str(error) or type(error).__name__
            step = Step(name, False, f"{said} ({where.name}, line {where.lineno})")
        self.steps.append(step)
        self.tell(f"{'✓' if step.passed else '✗'} {name} ({time.monotonic() - began:.0f} s): {step.detail}")
        return step.passed

    def to_json(self) -> str:
        """`{"steps": [{"name", "passed", "detail"}], "figures": {name: number}}`"""
        return json.dumps({"steps": [asdict(step) for step in self.steps], "figures": self.figures}, indent=2)


def expect(holds: object, otherwise: str) -> None:
    """Fails the step with a sentence unless something holds."""
    if not holds:
        raise AssertionError(otherwise)
