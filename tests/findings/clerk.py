"""Somebody on the control host who does SQL on the records as another process would: `python -m tests.findings.clerk`.

A line of JSON in, [statement, [value …]], bytes as {"hex": …}; a line of JSON out: {"rows": …} or {"error": class}.
Each statement is a transaction of its own on a connection of its own, and leaves no more on the disk than the rooms do
(`tyst.records.journal`), or this clerk's own traces would be taken for theirs.
"""

import json
import sqlite3
import sys
from typing import Any

from tyst.records import journal
from tyst.records.engine import PRAGMAS


def packed(value: Any) -> Any:
    """A value of SQLite's as JSON can carry it."""
    return {"hex": bytes(value).hex()} if isinstance(value, bytes | memoryview) else value


def unpacked(value: Any) -> Any:
    """And back."""
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value


def main() -> int:
    """Until its input ends."""
    for line in sys.stdin:
        statement, values = json.loads(line)
        database = sqlite3.connect(sys.argv[1], timeout=20)
        try:
            for pragma in PRAGMAS:
                database.execute(pragma)
            with database:
                rows = database.execute(statement, [unpacked(value) for value in values]).fetchall()
            if not statement.startswith("SELECT"):
                journal.wipe(database, sys.argv[1])
            answer: dict[str, Any] = {"rows": [[packed(value) for value in row] for row in rows]}
        except sqlite3.Error as error:
            answer = {"error": type(error).__name__}
        finally:
            database.close()
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
