"""Empty tables, a clock and a shelf for each test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.django_once import emptied
from tests.unit.jobs.cast import Clock, Shelf, parts


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    emptied()
    yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def work(tmp_path: Path, clock: Clock, shelf: Shelf) -> Any:
    return parts(tmp_path, clock, shelf)
