"""The database engine that `records/engine.py` names: Django's own, and after each commit the journal is wiped.

Django finds an engine's parts by the module name `base` and the class name `DatabaseWrapper`. A write outside a
transaction commits by itself, so the cursor looks after those; all others pass through `_commit`.
"""

import re
import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base

from tyst.records import journal

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|WITH|CREATE|DROP|ALTER)\b", re.IGNORECASE)


class _Cursor(base.SQLiteCursorWrapper):
    """Wipes after a write that committed by itself."""

    path = ""

    def execute(self, query: str, params: Any = None) -> Any:
        result = super().execute(query, params)
        if _WRITES.match(query) and not self.connection.in_transaction:
            journal.wipe(self.connection, self.path)
        return result


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection."""

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor that knows where the journal is."""
        cursor = self.connection.cursor(factory=_Cursor)
        cursor.path = str(self.settings_dict["NAME"])
        return cursor

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        connection: sqlite3.Connection | None = self.connection
        if connection is not None and not connection.in_transaction:
            journal.wipe(connection, str(self.settings_dict["NAME"]))
