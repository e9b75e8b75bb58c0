"""Asks for worlds from outside: starts `run.py` in a process of its own and reads its one line. For the checks."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import tyst
from tyst.proof.check import Fault
from tyst.proof.worlds.cluster import programs

ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
LONGEST = 600
"""Seconds for one run of `run.py`."""


@dataclass
class Told:
    """What all runs said together."""

    found: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    def add(self, engine: str, answer: "Told") -> None:
        """Adds a run's answer, with the name of its database before each sentence and figure."""
        name = ENGINES[engine]
        self.found += [f"{name}: {one}" for one in answer.found]
        self.faults += [Fault(f"{name}: {one.what}", one.caught) for one in answer.faults]
        for figure, value in answer.figures.items():
            self.figures[f"{engine}_{figure}"] = round(self.figures.get(f"{engine}_{figure}", 0) + value, 2)


def engines() -> list[str]:
    """Those that are installed here."""
    return ["sqlite", *(["postgresql"] if programs() else [])]


def ask(engine: str, *what: str, seed: int = 0) -> Told:
    """One run. One that does not get through is itself found."""
    words = [sys.executable, "-m", "tyst.proof.worlds.run", engine, str(seed), *what]
    source = str(Path(tyst.__file__).parents[1])
    # Whoever says how sets are ordered says that, too.
    env = {**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            words, env=env, capture_output=True, text=True, timeout=LONGEST, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        return Told(["the run did not end in time"])
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return Told([f"the run did not get through: {(done.stderr.splitlines() or ['it said nothing'])[-1]}"])
    said = json.loads(lines[-1])
    faults = [Fault(what, bool(found)) for what, found in said["faults"]]
    return Told(said["found"], faults, said["figures"])


def all_of(told: Told, runs: Sequence[tuple[str, Sequence[str], int]]) -> None:
    """Runs beside each other: (engine, what, seed). Adds their answers in this order."""
    with ThreadPoolExecutor(len(runs)) as beside:
        answers = beside.map(lambda one: ask(one[0], *one[1], seed=one[2]), runs)
        for (engine, _, _), answer in zip(runs, answers, strict=True):
            told.add(engine, answer)
