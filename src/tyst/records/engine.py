"""How the database is opened: one SQLite file, set so that what is deleted is gone and what is read writes nothing.

`secure_delete` overwrites deleted rows with zeroes; the journal is kept and wiped after each commit (`journal.py`);
`synchronous=FULL` makes an acknowledged write survive a crash; temporary tables stay in RAM. Writers begin IMMEDIATE,
so that a race waits at the door instead of failing in the middle. A connection lives for one request (`CONN_MAX_AGE`):
its cache would hold pages with accounts that another connection has erased since. Counterpart: `statements.py` sets
the same pragmas for the gate, without Django.
"""

import os
from pathlib import Path
from typing import Any

PRAGMAS = (
    "PRAGMA secure_delete=ON",
    "PRAGMA journal_mode=PERSIST",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
)

WAIT_SECONDS = 20
"""How long a writer waits for another."""


def database(path: Path | str) -> dict[str, Any]:
    """Django's settings for the database in this file."""
    options = {"init_command": "; ".join(PRAGMAS), "transaction_mode": "IMMEDIATE", "timeout": WAIT_SECONDS}
    return {"ENGINE": "tyst.records.sqlite", "NAME": str(path), "OPTIONS": options, "CONN_MAX_AGE": 0}


def create_private(path: Path) -> None:
    """Makes the file, readable by its owner only, unless it is there already."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
