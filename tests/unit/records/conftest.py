"""Empty tables for each test of the records: each runs on SQLite and on PostgreSQL, unless it is `on_sqlite`."""

from collections.abc import Iterator

import pytest

from tests.postgres import fresh, looking_at, sql
from tests.unit.django_once import database_path, emptied
from tyst.records.where import Server, Where


@pytest.fixture(scope="session")
def server() -> Server:
    """The PostgreSQL database of these tests."""
    database_path()
    return fresh()


@pytest.fixture(autouse=True, params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> Iterator[Where]:
    """Where this test's records are; Django looks there."""
    if request.param == "sqlite":
        yield database_path()
        return
    server = request.getfixturevalue("server")
    with looking_at(server):
        yield server


@pytest.fixture(autouse=True)
def tables(where: Where) -> None:
    """The tables, empty."""
    if isinstance(where, Server):
        from django.apps import apps

        sql(where, f"TRUNCATE {', '.join(model._meta.db_table for model in apps.get_models())}")
    else:
        emptied()
