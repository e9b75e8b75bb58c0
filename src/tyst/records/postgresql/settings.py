"""How a PostgreSQL server of ours is set, and why: so that it keeps no second copy and no time of what we write.

`text()` is the file that the operator includes in postgresql.conf; `faults()` asks a running server. What each means:
PostgreSQL's manual, chapter 20. What can't be switched off by a setting is told in docs/operate/postgresql.md.
"""

from typing import Any

import psycopg

WANTED: dict[str, str] = {
    # No statement, row, name or address of a client in the log: it says when the server starts and stops, and panics.
    "log_statement": "none",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_duration": "off",
    "log_connections": "off",
    "log_disconnections": "off",
    "log_lock_waits": "off",
    "log_temp_files": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
    "log_replication_commands": "off",
    "debug_print_parse": "off",
    "debug_print_rewritten": "off",
    "debug_print_plan": "off",
    # When a row was written is nobody's to ask, and reading writes nothing to the write-ahead log.
    "track_commit_timestamp": "off",
    "wal_log_hints": "off",
    # The write-ahead log holds times and rows: as little of it as there can be, and no archive.
    "archive_mode": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_recycle": "off",
    "wal_keep_size": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "checkpoint_timeout": "5min",
    "full_page_writes": "on",
    "fsync": "on",
    # Statistics of use.
    "track_io_timing": "off",
    "track_functions": "none",
}
"""By the names of PostgreSQL's parameters, in the words that SHOW answers with."""

REPLICATED = frozenset({"wal_level", "max_wal_senders", "wal_keep_size"})
"""These are otherwise where there is a standby (docs/operate/postgresql.md)."""


def text() -> str:
    """The settings as a file for `include`."""
    return "".join(f"{name} = '{value}'\n" for name, value in WANTED.items())


def faults(connection: "psycopg.Connection[Any]") -> list[str]:
    """What is set otherwise at this server, a sentence each. Empty when all is well."""
    wanted = {**WANTED, "data_checksums": "off"}
    found = {name: _shown(connection, name) for name in wanted}
    return [
        f"{name} is {found[name]} and should be {value}"
        for name, value in wanted.items()
        if found[name] != value and name not in REPLICATED
    ] + _preloaded(connection)


def _shown(connection: "psycopg.Connection[Any]", name: str) -> str:
    row = connection.execute(f"SHOW {name}").fetchone()
    return str(row[0]) if row else ""


def _preloaded(connection: "psycopg.Connection[Any]") -> list[str]:
    """Extensions that the server loaded by itself, by their settings: `shared_preload_libraries` is a superuser's."""
    query = "SELECT DISTINCT split_part(name, '.', 1) FROM pg_settings WHERE name LIKE '%.%' ORDER BY 1"
    loaded = [str(name) for (name,) in connection.execute(query) if name != "plpgsql"]
    return [f"{name} is loaded: extensions may keep statements" for name in loaded]
