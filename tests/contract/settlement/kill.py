"""A process that is killed (SIGKILL) before and after each statement of a payment and of its return; another goes on.

usage: python -m tests.contract.settlement.kill DATABASE STATE     Prints what went wrong, and how many were killed.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.contract.settlement.cases import Case, faults
from tests.contract.settlement.crash import At

STORIES = ("a", "aA")


def main(database: str, state: Path) -> int:
    """Forks once for each point."""
    from django.db import connection

    from tyst.records.migrate import configure
    from tyst.records.where import named

    configure(named(database))
    from tests.contract.settlement.play import PRICE, Stage

    stage, wrong, killed = Stage(state), list[str](), 0
    for case in _cases(stage):
        stage._open([0])
        connection.close()  # a connection is one process's
        child = os.fork()
        if child == 0:
            stage._run(Case(case.story), 0, At(case.crash, _die))
            os._exit(0)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        told = stage._run(Case(case.story), 0, At())
        found = stage._look(1)[0]
        found.receipts = told[:1]
        wrong += [f"{case}: {fault}" for fault in faults(case, found, PRICE)]
        stage._close()
    print(json.dumps({"wrong": wrong, "killed": killed}))
    return 1 if wrong else 0


def _cases(stage: object) -> Iterator[Case]:
    for story in STORIES:
        for number in range(stage.statements(story)):  # type: ignore[attr-defined]
            yield from (Case(story, (number, after)) for after in (False, True))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2])))
