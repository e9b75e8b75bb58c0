"""The crash: a statement at which the program ends. Django's own hook for looking at statements carries it.

`Crash` is no Exception, so that nothing in the program can handle it; the transaction that it leaves is rolled back, as
the database does with one whose client is gone. `test_a_killed_process…` shows that a real end is no different.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection


class Crash(BaseException):
    """The program's end."""


class At:
    """Counts statements, and ends the program before or after the one with the wanted number."""

    def __init__(self, point: tuple[int, bool] | None = None, end: Callable[[], None] | None = None) -> None:
        self.point, self.count, self._end = point, 0, end

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        number, self.count = self.count, self.count + 1
        if self.point == (number, False):
            self._crash()
        result = execute(sql, params, many, context)
        if self.point == (number, True):
            self._crash()
        return result

    def _crash(self) -> None:
        if self._end:
            self._end()
        raise Crash

    @staticmethod
    def gone() -> None:
        """What the database does for a client that is gone in the moment in which it began a transaction."""
        if connection.connection is not None:
            connection.connection.rollback()

    def watching(self) -> Any:
        """As a context: all statements of this thread's connection pass."""
        return connection.execute_wrapper(self)
