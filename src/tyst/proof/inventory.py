"""Inventory lint: what is stored against what `records/inventory.toml` declares, in both directions.

Reads a real SQLite database's catalogue and the cookies of real responses; knows no model and no framework, so that it
can't agree with a mistake made there. `[[column]]` entries have table, field, type, purpose, precision, lifetime,
legal_basis, eraser and export; `[[cookie]]` entries name, purpose and lifetime; `[[remainder]]` ones are for `allowed`.
"""

import sqlite3
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, TypeVar

from tyst.proof.allowed import InventoryError

T = TypeVar("T")
COLUMN_KEYS = ("table", "field", "type", "purpose", "precision", "lifetime", "legal_basis", "eraser", "export")
COOKIE_KEYS = ("name", "purpose", "lifetime")


@dataclass(frozen=True)
class Declared:
    """The columns (table, field) and cookies of an inventory."""

    columns: frozenset[tuple[str, str]]
    cookies: frozenset[str]


def load(path: Path) -> Declared:
    """Read an inventory. Raises InventoryError when an entry says less than it must or stands twice."""
    return parse(tomllib.loads(path.read_text(encoding="utf-8")))


def parse(inventory: Mapping[str, Any]) -> Declared:
    """The declared columns and cookies of a parsed inventory."""
    columns = [_complete("column", entry, COLUMN_KEYS) for entry in inventory.get("column", [])]
    cookies = [_complete("cookie", entry, COOKIE_KEYS) for entry in inventory.get("cookie", [])]
    pairs = _once((str(entry["table"]), str(entry["field"])) for entry in columns)
    return Declared(frozenset(pairs), frozenset(_once(str(entry["name"]) for entry in cookies)))


def _complete(sort: str, entry: Mapping[str, Any], keys: tuple[str, ...]) -> Mapping[str, Any]:
    missing = [key for key in keys if entry.get(key) in (None, "")]
    if missing:
        label = ".".join(str(entry[key]) for key in keys[:2] if entry.get(key)) or "without a name"
        raise InventoryError(f"[[{sort}]] {label} says nothing under {', '.join(missing)}")
    return entry


def _once(items: Iterable[T]) -> list[T]:
    counts = Counter(items)
    twice = [item for item, count in counts.items() if count > 1]
    if twice:
        raise InventoryError(f"declared twice: {twice[0]}")
    return list(counts)


def stored_columns(database: Path) -> set[tuple[str, str]]:
    """Every column of every table and view of a SQLite file, SQLite's own tables left out (read-only)."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        return {
            (table, str(row[0]))
            for (table,) in tables
            if not table.startswith("sqlite_")
            for row in connection.execute("SELECT name FROM pragma_table_xinfo(?)", (table,))
        }
    finally:
        connection.close()


def cookie_names(set_cookie_headers: Iterable[str]) -> set[str]:
    """The names of the cookies that responses set, from the values of their Set-Cookie headers. Raises CookieError."""
    names: set[str] = set()
    for header in set_cookie_headers:
        name = header.split("=", 1)[0].strip()
        if not name or "=" not in header:
            raise CookieError("a Set-Cookie header without a name")
        SimpleCookie().load(header)
        names.add(name)
    return names


def disagreements(
    declared: Declared, columns: Iterable[tuple[str, str]], cookies: Iterable[str] | None = None
) -> list[str]:
    """A sentence for each thing stored and undeclared, or declared and not there; cookies only if observed."""
    real = set(columns)
    lines = [f"column {t}.{f} is stored and not declared" for t, f in sorted(real - declared.columns)]
    lines += [f"column {t}.{f} is declared and does not exist" for t, f in sorted(declared.columns - real)]
    if cookies is not None:
        seen = set(cookies)
        lines += [f"cookie {name} is set and not declared" for name in sorted(seen - declared.cookies)]
        lines += [f"cookie {name} is declared and was never set" for name in sorted(declared.cookies - seen)]
    return lines
