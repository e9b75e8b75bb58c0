"""What the records say when they refuse: sentences without a value in them, the same for both engines."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


class RecordsError(Exception):
    """The records can't be opened. Says what to do, never what is in them."""


@contextmanager
def in_our_words() -> Iterator[None]:
    """An error of SQLite's becomes one of ours, with its kind and nothing that it said."""
    try:
        yield
        return
    except sqlite3.Error as error:
        kind = type(error).__name__
    raise RecordsError(f"SQLite refuses: {kind}")


class ConflictError(RecordsError):
    """Something stands against this change: a name that is taken, a row that another one needs. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__("the records refuse this: something of that name is there, or is still needed")
