"""Tables in the words of both engines: migrations write one text, and each engine gets its own from it.

In a text stand `{bytes}`, `{nocase}` (a collation that tells no capital from a small letter), `{flag:NAME}` (0 or 1),
`{hour:NAME}` and `{day:NAME}` (a full hour, an end of day; add NULL or NOT NULL), and at the end `{end}`. On SQLite a
table is WITHOUT ROWID: a row's place is its key. PostgreSQL has no such thing (`postgresql/shuffle.py` shuffles); there
autovacuum is off, because our own writers vacuum what they touched (`postgresql/tidy.py`).
"""

from typing import Any

from django.db import migrations

COLLATION = """CREATE COLLATION "NOCASE" (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"""
"""Needs no superuser, only a schema of one's own (PostgreSQL manual, 24.2.2.4)."""


class _Column:
    """A type with its checks, to be formatted with the column's name."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __format__(self, name: str) -> str:
        return self._text.format(name)


_GLOB = "text CHECK ({{0}} IS NULL OR ({{0}} GLOB '????-??-?? {}' AND length({{0}}) = 19))"
_FLAG = "NOT NULL CHECK ({0} IN (0, 1))"
WORDS: dict[str, dict[str, Any]] = {
    "sqlite": {
        "bytes": "blob",
        "nocase": "COLLATE NOCASE",
        "flag": _Column(f"integer {_FLAG}"),
        "hour": _Column(_GLOB.format("??:00:00")),
        "day": _Column(_GLOB.format("23:59:59")),
        "end": "WITHOUT ROWID",
    },
    "postgresql": {
        "bytes": "bytea",
        "nocase": 'COLLATE "NOCASE"',
        "flag": _Column(f"smallint {_FLAG}"),
        "hour": _Column("timestamptz CHECK (date_trunc('hour', {0} AT TIME ZONE 'UTC') = {0} AT TIME ZONE 'UTC')"),
        "day": _Column("timestamptz CHECK (({0} AT TIME ZONE 'UTC')::time = '23:59:59')"),
        "end": "WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)",
    },
}


def spelled(text: str, vendor: str) -> str:
    """The text as this engine (Django's `connection.vendor`) wants it."""
    return text.format(**WORDS[vendor])


def make(name: str, text: str) -> migrations.RunPython:
    """A migration's operation that makes a table, on either engine. Backwards it drops it."""

    def forwards(_: Any, editor: Any) -> None:
        editor.execute(spelled(text, editor.connection.vendor), params=None)

    def backwards(_: Any, editor: Any) -> None:
        editor.execute(f"DROP TABLE {name}")

    return migrations.RunPython(forwards, backwards)


def make_collation() -> migrations.RunPython:
    """The collation `NOCASE`, which SQLite has of itself."""

    def forwards(_: Any, editor: Any) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(COLLATION)

    def backwards(_: Any, editor: Any) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute('DROP COLLATION "NOCASE"')

    return migrations.RunPython(forwards, backwards)
