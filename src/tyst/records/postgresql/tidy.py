"""Vacuums what a writer has just written, so that the next reader finds nothing to tidy up.

PostgreSQL's first reads after an update prune the page and write that to the log, and so tell that somebody read, and
where. So whoever writes vacuums before he is done, and autovacuum, which comes when it likes, is off for our tables
(`records/tables.py`). A vacuum can't remove what a transaction that is still open may want to see: then the next
writer's does, or the nightly one (`shuffle.py`). No Django in this module.
"""

import re
from typing import Any

import psycopg
from psycopg import sql

_WRITES = re.compile(r'\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?([a-z_]+)"?', re.IGNORECASE)


def touched(statement: str) -> str | None:
    """The table that this statement writes, if it writes one."""
    found = _WRITES.match(statement)
    return found[1] if found else None


def vacuum(connection: psycopg.Connection[Any], tables: set[str]) -> None:
    """Vacuums these tables; the connection must be outside a transaction. One that can't be had now is left."""
    for table in sorted(tables):
        try:
            with psycopg.Cursor(connection) as cursor:
                cursor.execute(sql.SQL("VACUUM (TRUNCATE off) {}").format(sql.Identifier(table)))
        except psycopg.Error:
            continue  # the write itself is done
