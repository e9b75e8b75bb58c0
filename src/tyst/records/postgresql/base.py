"""The database engine that `records/engine.py` names for PostgreSQL: Django's, tidied up after, with no word of rows.

Django finds an engine's parts by the module name `base` and the class name `DatabaseWrapper`. Statements and values go
to the server apart (`server_side_binding`). After each transaction that wrote, committed or not, what it touched is
vacuumed (`tidy.py`). Counterpart: `hand.py` for the gate.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any

from django.db import utils
from django.db.backends.postgresql import base

from tyst.records.postgresql import tidy


class _Quiet(utils.DatabaseErrorWrapper):
    """Makes Django's exception of psycopg's, with the kind of the error in it and nothing that PostgreSQL said."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        except utils.Error as raised:
            raised.args = (f"PostgreSQL refuses: {type(error).__name__} ({getattr(error, 'sqlstate', None)})",)
            raised.__cause__ = None
            if error is not None:
                error.args = raised.args
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """One connection."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._touched: set[str] = set()
        self.execute_wrappers.append(self._note)

    @property
    def wrap_database_errors(self) -> Any:
        """For `with`: errors in our words."""
        return _Quiet(self)

    def set_autocommit(self, autocommit: bool, *args: Any, **options: Any) -> None:
        """Where a transaction ends: what it touched is vacuumed."""
        super().set_autocommit(autocommit, *args, **options)
        if autocommit:
            self._tidy()

    def close(self) -> None:
        """Forgets what was touched, too."""
        self._touched.clear()
        super().close()

    def _note(self, execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        table = tidy.touched(statement)
        if table is not None:
            self._touched.add(table)
        result = execute(statement, *rest)
        if table is not None and not self.in_atomic_block and self.get_autocommit():
            self._tidy()
        return result

    def _tidy(self) -> None:
        if self._touched and self.connection is not None:
            tables, self._touched = self._touched, set()
            tidy.vacuum(self.connection, tables)
