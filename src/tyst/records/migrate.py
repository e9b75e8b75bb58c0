"""Brings a database file to today's tables: `migrate(path)`. The operator's hand and tests run it, never a door."""

from pathlib import Path

import django
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from tyst.records.engine import create_private, database

_ALIAS = "migrating"


def configure(path: Path) -> None:
    """Sets Django up for records alone, where no door has done so in this process. Doing it twice does nothing."""
    if settings.configured:
        return
    settings.configure(
        DATABASES={"default": database(path)}, INSTALLED_APPS=["tyst.records"], USE_TZ=True, LOGGING_CONFIG=None
    )
    django.setup()


def migrate(path: Path | str) -> None:
    """Makes or updates the tables in this file. Safe to run again."""
    path = Path(path)
    create_private(path)
    configure(path)
    connection = _connection(path)
    try:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    finally:
        connection.close()
        del connections[_ALIAS]
        del connections.settings[_ALIAS]


def _connection(path: Path) -> BaseDatabaseWrapper:
    """A connection of its own: the process may be looking at another file."""
    one = connections.configure_settings({"default": {}, _ALIAS: database(path)})
    connections.settings[_ALIAS] = one[_ALIAS]
    return connections[_ALIAS]
