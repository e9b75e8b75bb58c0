"""`make bench`: every figure beside its yardstick, one JSON document; non-zero when a target is missed.

usage: python -m tests.bench [NAME …]     Progress goes to standard error. docs/operate/bench.md explains each figure.
"""

import os
import sys

from tests.bench import parts
from tests.bench.report import run

AS_THE_ROOMS = {"PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "165"}
"""As `./tyst` starts its rooms: freed memory is overwritten. What is measured in this process has to pay for it too."""

if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in AS_THE_ROOMS.items()):
        words = [sys.executable, "-m", "tests.bench", *sys.argv[1:]]
        os.execve(sys.executable, words, {**os.environ, **AS_THE_ROOMS})
    raise SystemExit(run(parts.ALL, sys.argv[1:]))
