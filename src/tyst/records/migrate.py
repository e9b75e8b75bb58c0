"""Brings a database to today's tables: `migrate(where)`. The operator's hand and tests run it, never a door."""

import django
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from tyst.records.engine import create_private, database
from tyst.records.postgresql import session
from tyst.records.where import Server, Where, named

_ALIAS = "migrating"


def configure(where: Where) -> None:
    """Sets Django up for records alone, where no door has done so in this process. Doing it twice does nothing."""
    if settings.configured:
        return
    settings.configure(
        DATABASES={"default": database(where)}, INSTALLED_APPS=["tyst.records"], USE_TZ=True, LOGGING_CONFIG=None
    )
    django.setup()


def migrate(where: Where | str) -> None:
    """Makes or updates the tables in this file or server. Safe to run again. RecordsError when there is no server."""
    where = named(where) if isinstance(where, str) else where
    if isinstance(where, Server):
        session.connect(where).close()  # says it in our words
    else:
        create_private(where)
    configure(where)
    connection = _connection(where)
    try:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    finally:
        connection.close()
        del connections[_ALIAS]
        del connections.settings[_ALIAS]


def _connection(where: Where) -> BaseDatabaseWrapper:
    """A connection of its own: the process may be looking at another file."""
    one = connections.configure_settings({"default": {}, _ALIAS: database(where)})
    connections.settings[_ALIAS] = one[_ALIAS]
    return connections[_ALIAS]
