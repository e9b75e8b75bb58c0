"""One process of the exactly-once cases, on one database; says how many it played, how fast, and what went wrong.

usage: python -m tests.contract.settlement.run DATABASE STATE COUNT [--share N/M] [--plant FAULT]
DATABASE: a SQLite file or PostgreSQL's address, migrated and used by nobody else. Each story is played without a crash
and then with one before and after each of its statements, until COUNT cases are played; short stories come first, and
of the long ones every so many, so that all of them have their turn in enough runs.
"""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tests.contract.settlement.cases import Case, stories
from tests.contract.settlement.plant import PLANTS

SHORT = 3
STRIDE = 97
"""A prime, so that the long stories that are played look like all of them."""


def main(argv: list[str] | None = None) -> int:
    """Plays, and prints one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("state", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--share", default="0/1")
    parser.add_argument("--plant", choices=sorted(PLANTS))
    options = parser.parse_args(argv)
    from tyst.records.migrate import configure
    from tyst.records.where import named

    configure(named(options.database))
    from tests.contract.settlement.play import Stage

    _untidied()
    if options.plant:
        PLANTS[options.plant]()
    stage = Stage(options.state)
    part, parts = map(int, options.share.split("/"))
    began, played, wrong = time.monotonic(), 0, list[str]()
    cases = islice(_cases(stage, part, parts), options.count)
    while batch := list(islice(cases, 100)):
        wrong += stage.play(batch)
        played += len(batch)
    seconds = time.monotonic() - began
    print(json.dumps({"played": played, "seconds": seconds, "wrong": len(wrong), "first": wrong[:5]}))
    return 1 if wrong else 0


def _untidied() -> None:
    """Leaves out the vacuum after each transaction (`records/postgresql/tidy.py`): it decides nothing, and takes longer
    than all the rest. The other tests have it."""
    from tyst.records.postgresql import tidy

    tidy.vacuum = lambda *_: None


def _cases(stage: object, part: int, parts: int) -> Iterator[Case]:
    """This process's share of all cases: each story whole, with all its crashes."""
    for place, story in enumerate(_in_turn()):
        if place % parts == part:
            yield from _of(stage, story)


def _of(stage: object, story: str) -> Iterator[Case]:
    yield Case(story)
    for number in range(stage.statements(story)):  # type: ignore[attr-defined]
        for after in (False, True):
            for late in (False, True):
                yield Case(story, (number, after), late)


def _in_turn() -> Iterator[str]:
    """All stories: the short ones, then the long ones in strides."""
    yield from stories(SHORT)
    long = [story for story in stories() if len(story) > SHORT]
    for place in range(len(long)):
        yield long[place * STRIDE % len(long)]


if __name__ == "__main__":
    raise SystemExit(main())
