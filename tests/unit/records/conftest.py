"""Empty tables for each test of the records."""

from collections.abc import Iterator

import pytest

from tests.unit.django_once import emptied


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    """The tables, empty."""
    emptied()
    yield
