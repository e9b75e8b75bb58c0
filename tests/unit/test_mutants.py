"""The mutation harness itself: it makes the wrong changes that people make, and its list of survivors is well kept."""

import ast
import tomllib

import pytest

from tests.mutation.__main__ import ROOT, file_of
from tests.mutation.mutants import mutants
from tests.mutation.targets import TARGETS

SOURCE = '''
"""A docstring is no code."""
LEAST = 1

def price(days: int, kind: str = "x") -> int:
    """Nor is this."""
    if days < LEAST or not kind:
        raise ValueError("too few")
    return max(days * 3, LEAST)
'''
LISTED = tomllib.loads((ROOT / "tests/mutation/survivors.toml").read_text("utf-8"))


def test_each_mutant_is_the_module_with_one_change() -> None:
    made = list(mutants(SOURCE))
    names = [mutant.name for mutant in made]
    plain = ast.unparse(ast.parse(SOURCE))
    texts = [ast.unparse(mutant.module) for mutant in made]
    assert len(set(names)) == len(set(texts)) == len(made) and plain not in texts
    assert {
        "price: days < LEAST -> days <= LEAST",
        "price: days < LEAST -> days >= LEAST",
        "price: days < LEAST or not kind -> days < LEAST and (not kind)",
        "price: days < LEAST or not kind -> not kind",
        "price: not kind -> kind",
        "price: raise ValueError('too few') -> pass",
        "price: 'too few' -> ''",
        "price: max(days * 3, LEAST) -> min(days * 3, LEAST)",
        "price: days * 3 -> days // 3",
        "price: 3 -> 4",
        "price: 'x' -> ''",
        "module: 1 -> 2",
    } <= set(names)
    assert not any("docstring" in name or "Nor is" in name or "int ->" in name for name in names)


def test_a_mutant_keeps_its_name_when_lines_move() -> None:
    moved = SOURCE.replace("LEAST = 1\n", "LEAST = 1\nOTHER = LEAST\n\n\n")
    assert [one.name for one in mutants(moved)] == [one.name for one in mutants(SOURCE)]


@pytest.mark.parametrize("module", sorted(LISTED))
def test_every_listed_survivor_is_a_mutant_of_today_with_a_reason(module: str) -> None:
    assert module in TARGETS
    names = {mutant.name for mutant in mutants(file_of(module).read_text("utf-8"))}
    assert LISTED[module].keys() <= names
    assert all(len(reason) > 20 for reason in LISTED[module].values())


def test_the_tests_that_find_mutants_exist() -> None:
    assert all((ROOT / path).exists() for tests in TARGETS.values() for path in tests)
