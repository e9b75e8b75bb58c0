"""Runs benches, prints their figures as one JSON document, and says which targets were missed.

It measures nothing. A bench that breaks is told and counts as missed; the others run all the same.
"""

import json
import sys
import time
import traceback
from collections.abc import Mapping, Sequence

from tests.bench.figures import Bench, Figure


def run(benches: Mapping[str, Bench], wanted: Sequence[str]) -> int:
    """Runs the wanted benches (all when none is named); 1 when a target was missed, 2 for a name that there is not."""
    unknown = [name for name in wanted if name not in benches]
    if unknown:
        print(f"bench: there are {', '.join(benches)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    missed: list[str] = []
    for name in wanted or benches:
        try:
            figures += _one(name, benches[name])
        except Exception:  # noqa: BLE001 -- whatever broke one bench must not hide the others' figures
            traceback.print_exc()
            missed.append(f"{name}: the bench itself broke, see above")
    print(json.dumps([figure.to_json() for figure in figures], indent=1), flush=True)
    missed += [_sentence(figure) for figure in figures if figure.missed]
    for line in missed:
        print(f"bench: missed: {line}", file=sys.stderr)
    return 1 if missed else 0


def _one(name: str, bench: Bench) -> list[Figure]:
    began = time.monotonic()
    print(f"bench: {name} …", end="", file=sys.stderr, flush=True)
    try:
        return bench()
    finally:
        print(f" {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _sentence(figure: Figure) -> str:
    measured = f"{figure.value} {figure.unit} beside {figure.yardstick}, ratio {figure.ratio}"
    return f"{figure.name}: to reach: {figure.missed}; measured: {measured}"
