"""How Django opens the database, set so that what is deleted is gone and what is read writes nothing.

On SQLite `secure_delete` overwrites deleted rows with zeroes; the journal is wiped after each commit (`journal.py`);
`synchronous=FULL` makes an acknowledged write survive a crash; temporary tables stay in RAM. Writers begin IMMEDIATE,
so that a race waits at the door instead of failing in the middle. A connection lives for one request (`CONN_MAX_AGE`):
its cache would hold pages with accounts that another connection has erased since. Counterparts: `sqlite/hand.py` sets
the same pragmas for the gate, without Django; `postgresql/` has the other engine.
"""

import os
from pathlib import Path
from typing import Any

from tyst.records.where import Server, Where

PRAGMAS = (
    "PRAGMA secure_delete=ON",
    "PRAGMA journal_mode=PERSIST",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
)

WAIT_SECONDS = 20
"""How long a writer waits for another."""


def database(where: Where | str) -> dict[str, Any]:
    """Django's settings for the database in this file or server."""
    if isinstance(where, Server):
        return _of_server(where)
    options = {"init_command": "; ".join(PRAGMAS), "transaction_mode": "IMMEDIATE", "timeout": WAIT_SECONDS}
    return {"ENGINE": "tyst.records.sqlite", "NAME": str(where), "OPTIONS": options, "CONN_MAX_AGE": 0}


def _of_server(server: Server) -> dict[str, Any]:
    from tyst.records.postgresql import session

    words = session.words(server)
    named = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    found = {upper: str(words.pop(lower, "")) for upper, lower in named.items()}
    options = {**words, "server_side_binding": True}
    return {"ENGINE": "tyst.records.postgresql", **found, "OPTIONS": options, "CONN_MAX_AGE": 0}


def create_private(path: Path) -> None:
    """Makes the file, readable by its owner only, unless it is there already."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
