"""One provider for all findings, built once; and the order in which they come.

A visitor comes at the very start and vanishes. What is left of her is looked for last but one, when the 180 s of
WireGuard's own time have passed with other tests in them; the tests that cut a node's boot short come after that.
"""

from collections.abc import Iterator

import pytest

from tests.findings.names import published
from tests.findings.visitor import Visitor
from tests.findings.world import NODE, World, rules_of
from tyst.lab.lab import Lab

LATE = ("test_47", "test_54", "test_55", "test_56")
LAST = ("test_i16",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts by file: most first, then what the visitor left, then what destroys a node."""

    def place(item: pytest.Item) -> int:
        name = item.path.name
        if item.path.parent.name != "findings":
            return 0
        return 3 if name.startswith(LAST) else 2 if name.startswith(LATE) else 1

    items.sort(key=place)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The lab and its provider. At the end every node's rules must be what they were."""
    with Lab.build() as lab:
        made = World(lab)
        made.visitor = Visitor(made)
        yield made
        made.visitor.close()


@pytest.fixture(scope="session")
def lists(world: World) -> None:
    """The operator's lists (`names.py`), published; the node has them."""
    published(world)


@pytest.fixture(autouse=True)
def rules_are_put_back(world: World) -> Iterator[None]:
    """No test leaves a node with other rules than it found."""
    yield
    assert rules_of(world.node) == world.untouched[NODE], "this test left other rules behind"
