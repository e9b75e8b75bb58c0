"""Runs a module's tests against each of its mutants: `python -m tests.mutation tyst.core.money` prints the survivors.

Each mutant gets a child process of its own, forked from one that has pytest and the libraries loaded, and none of our
code: the child loads the mutant in the module's place and runs the tests until one fails. Nothing is written into the
tree. A mutant whose tests take too long counts as found: it never ends.
"""

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
import types
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
_END = object()
PATIENCE = 60
"""Seconds for one mutant's tests: many times what they take."""


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads a changed tree in a module's place."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module, self._tree = module, tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(file_of(fullname)))

    def exec_module(self, module: types.ModuleType) -> None:
        module.__file__ = str(file_of(self._module))
        exec(compile(self._tree, module.__file__, "exec"), module.__dict__)


def file_of(module: str) -> Path:
    """Where a module's source is."""
    return ROOT / "src" / (module.replace(".", "/") + ".py")


def prepare() -> None:
    """Loads what takes time and isn't ours; hypothesis draws the same examples for every mutant."""
    import cryptography.hazmat.primitives.ciphers.aead
    import django.db.models
    import eu_vat_rates_data
    import pytest
    import stdnum.eu.vat
    from hypothesis import HealthCheck, Phase, settings

    _ = (cryptography, django, eu_vat_rates_data, pytest, stdnum)
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(
        "mutants",
        phases=phases,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")


class Trial:
    """The tests against one mutant (None: the module as it is), in a child process."""

    def __init__(self, module: str, mutant: Mutant | None, tests: Sequence[str]) -> None:
        self.mutant = mutant
        self._ends = time.monotonic() + PATIENCE
        self._child = os.fork()
        if self._child == 0:
            _try(module, mutant, tests)
        self.survived: bool | None = None

    def over(self) -> bool:
        """Whether it has been decided."""
        if self.survived is None:
            done, status = os.waitpid(self._child, os.WNOHANG)
            if done:
                self.survived = status == 0
            elif time.monotonic() > self._ends:
                os.killpg(self._child, signal.SIGKILL)
                os.waitpid(self._child, 0)
                self.survived = False
        return self.survived is not None


def _try(module: str, mutant: Mutant | None, tests: Sequence[str]) -> None:
    """The child: never returns."""
    import pytest

    code = 1
    try:
        os.setpgid(0, 0)
        if mutant is not None:
            sys.meta_path.insert(0, Planted(module, mutant.module))
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
        words = ["-x", "-q", "--no-header", "--tb=short" if mutant is None else "--tb=no", "-m", "not night"]
        words += ["-k", "not postgresql"]  # one database is enough: the statements are the same
        words += ["-W", "ignore:Module already imported"]  # hypothesis is loaded before the child is made, on purpose
        code = int(pytest.main([*words, *tests]))
    finally:
        sys.stdout.flush()
        _forget_database()
        os._exit(min(code, 250))


def _forget_database() -> None:
    """The unit tests' database in RAM, which a child that ends at once would leave behind."""
    from tests.unit.django_once import database_path

    if database_path.cache_info().currsize:
        shutil.rmtree(database_path().parent, ignore_errors=True)


def run(module: str, mutants: Iterable[Mutant | None], workers: int) -> list[Trial]:
    """Tries them all, `workers` at a time."""
    waiting, running, done = iter(mutants), list[Trial](), list[Trial]()
    while True:
        while len(running) < workers and (mutant := next(waiting, _END)) is not _END:
            running.append(Trial(module, mutant, TARGETS[module]))  # type: ignore[arg-type]
        if not running:
            return done
        done += [trial for trial in running if trial.over()]
        running = [trial for trial in running if trial.survived is None]
        time.sleep(0.01)


def survivors(module: str, workers: int) -> list[str]:
    """The names of the mutants that no test finds."""
    prepare()
    if not run(module, [None], 1)[0].survived:
        raise SystemExit(f"mutation: the tests of {module} fail without any mutant")
    trials = run(module, mutants(file_of(module).read_text("utf-8")), workers)
    left = sorted(trial.mutant.name for trial in trials if trial.survived and trial.mutant)
    print(f"# {module}: {len(trials)} mutants, {len(trials) - len(left)} found", file=sys.stderr)
    return left


def main() -> None:
    """One line for each survivor."""
    parser = argparse.ArgumentParser(prog="tests.mutation", description=__doc__)
    parser.add_argument("module", choices=sorted(TARGETS))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.dont_write_bytecode = False  # each child reads what an earlier one compiled; in RAM, gone at the end
    with tempfile.TemporaryDirectory(dir="/dev/shm") as cache:
        sys.pycache_prefix = cache
        for name in survivors(given.module, given.workers):
            print(name)


if __name__ == "__main__":
    main()
