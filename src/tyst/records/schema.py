"""The tables as they are, against the tables as declared: names, kinds of value, and the database's own checks.

An inventory's `type` is one of `TYPES`: how the database holds it, and whether it carries a time, an address or free
text. What the database says of itself is read from its catalogue, so a column that was added or changed by any hand is
found, on SQLite and on PostgreSQL. The site doesn't start on tables that differ. No Django. Counterparts:
`inventory.toml`, `tables.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tyst.records.errors import RecordsError
from tyst.records.inventory import Column, Inventory, difference

FLAG, HOUR, DAY, MOMENT, NUMBER, BYTES, WORDS, TEXT = (
    "flag", "hour", "day", "moment", "number", "bytes", "words", "text",
)  # fmt: skip
"""How a database holds a value. WORDS: text of which it refuses what isn't in a list or form; MOMENT: a time that it
doesn't round, or a type that nobody here knows."""
TIME, ADDRESS, FREE = "time", "address", "free text"


@dataclass(frozen=True)
class Type:
    """A word for `type` in the inventory. `held`: as one of these; `carries`: TIME, ADDRESS, FREE or nothing."""

    held: tuple[str, ...]
    carries: str = ""
    listed: bool = False
    """Text from a closed list or form, which the model's column refuses to leave (`columns.py`)."""


TYPES: Mapping[str, Type] = {
    "16 random bytes": Type((BYTES,)),
    "16 bytes": Type((BYTES,)),
    "32 bytes": Type((BYTES,)),
    "sealed bytes": Type((BYTES,)),
    "certificate": Type((BYTES,)),
    "0 or 1": Type((FLAG,)),
    "number": Type((NUMBER,)),
    "hour": Type((HOUR,), TIME),
    "day or null": Type((DAY,), TIME),
    "month": Type((NUMBER,), TIME),
    "day or month": Type((TEXT, WORDS), TIME),
    "moment": Type((MOMENT,), TIME),
    "address": Type((TEXT,), ADDRESS),
    "network": Type((TEXT,), ADDRESS),
    "text": Type((TEXT,), FREE),
    "text or null": Type((TEXT,), FREE),
    "text (argon2id)": Type((WORDS,)),
    "word of a list": Type((TEXT, WORDS), listed=True),
    "major.minor or null": Type((TEXT,), listed=True),
    "en, sv, de or no": Type((TEXT,), listed=True),
    "EUR, SEK or USD": Type((TEXT,), listed=True),
    "two letters": Type((TEXT,), listed=True),
    "null": Type((TEXT,), listed=True),
}

SQLITE_ONLY = frozenset({"sqlite_sequence"})
Name = tuple[str, str]
"""(table, column)."""


class SchemaError(RecordsError):
    """The tables aren't what the inventory says. One sentence for each difference."""


def allowed(of: Inventory) -> dict[str, set[Name]]:
    """The columns that may hold a time, an address or free text: all others can't, or hold a closed list."""
    found: dict[str, set[Name]] = {TIME: set(), ADDRESS: set(), FREE: set()}
    for column in of.columns:
        if carries := TYPES[column.type].carries:
            found[carries].add((column.table, column.field))
    return found


def faults(of: Inventory, vendor: str, cursor: Any) -> list[str]:
    """What differs, as sentences. `vendor`: sqlite or postgresql; `cursor`: of a connection to that database."""
    real = READERS[vendor](cursor)
    left_out: frozenset[str] = frozenset() if vendor == "sqlite" else SQLITE_ONLY
    declared = [column for column in of.columns if column.table not in left_out]
    said = difference({_name(column) for column in declared}, real)
    return said + [fault for column in declared if (fault := _fault(column, real.get(_name(column))))]


def check(of: Inventory, vendor: str, cursor: Any) -> None:
    """SchemaError when anything differs."""
    if said := faults(of, vendor, cursor):
        raise SchemaError(f"the tables are not what records/inventory.toml declares: {'; '.join(said)}")


def _name(column: Column) -> Name:
    return column.table, column.field


def _fault(column: Column, held: str | None) -> str:
    known = TYPES.get(column.type)
    if known is None:
        return f"{column.table}.{column.field} is declared as {column.type!r}, which is no type of schema.py"
    if held is None or held in known.held:
        return ""
    return f"{column.table}.{column.field} is declared as {column.type!r} and held as {held}"


def of_sqlite(cursor: Any) -> dict[Name, str]:
    """How a SQLite database holds each column."""
    cursor.execute(
        "SELECT m.name, i.name, i.type, m.sql FROM sqlite_master m JOIN pragma_table_xinfo(m.name) i "
        "WHERE m.type IN ('table', 'view')"
    )
    return {(table, name): _sqlite(name, kind.lower(), sql) for table, name, kind, sql in cursor.fetchall()}


def _sqlite(name: str, kind: str, sql: str) -> str:
    if kind in ("integer", "bigint"):
        return FLAG if f"CHECK ({name} IN (0, 1))" in sql else NUMBER
    if kind == "blob":
        return BYTES
    if kind != "text" and not kind.startswith("varchar"):
        return _SQLITE_OWN.get((name, kind), MOMENT)
    checks = {
        f"{name} GLOB '????-??-?? ??:00:00' AND length({name}) = 19": HOUR,
        f"{name} GLOB '????-??-?? 23:59:59' AND length({name}) = 19": DAY,
        f"CHECK ({name} IN ('": WORDS,
        f"CHECK ({name} LIKE '$argon2id$%'": WORDS,
    }
    return next((held for text, held in checks.items() if text in sql), TEXT)


_SQLITE_OWN = {("name", ""): TEXT, ("seq", ""): NUMBER}
"""The columns of `sqlite_sequence`, which have no type."""


def of_postgresql(cursor: Any) -> dict[Name, str]:
    """How a PostgreSQL database holds each column of the schema that is looked at."""
    cursor.execute(
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL), "
        "coalesce(string_agg(pg_get_constraintdef(k.oid), ' '), '') "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum] "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
        "GROUP BY c.relname, a.attname, a.atttypid"
    )
    return {(table, name): _postgresql(kind, checks) for table, name, kind, checks in cursor.fetchall()}


def _postgresql(kind: str, checks: str) -> str:
    if kind in ("smallint", "integer", "bigint"):
        return FLAG if "ANY (ARRAY[0, 1])" in checks else NUMBER
    if kind == "bytea":
        return BYTES
    if kind == "timestamp with time zone":
        rounded = {"date_trunc('hour'": HOUR, "'23:59:59'::time": DAY}
        return next((held for text, held in rounded.items() if text in checks), MOMENT)
    if kind in ("text", "character varying"):
        return WORDS if "ANY (ARRAY[" in checks or "~~ '$argon2id$%'" in checks else TEXT
    return MOMENT


READERS: Mapping[str, Callable[[Any], dict[Name, str]]] = {"sqlite": of_sqlite, "postgresql": of_postgresql}
