"""A crowd for the gate's bench, written into the records: runs on the control host as a program.

usage: python -m tests.bench.customers STATE COUNT < password hash
Prints [[private key, handle, user name] …] as JSON. The keys and accounts are those of `tyst.journey.crowd`; which key
belongs to whom is not in the records, and here it does not matter: they are paired as they come. Everybody gets the
same password.
"""

import json
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tyst.journey import crowd


def main() -> int:
    """Makes the customers."""
    state, count, stored = Path(sys.argv[1]), int(sys.argv[2]), sys.stdin.read().strip()
    privates = crowd.make(state, count, datetime.fromtimestamp(time.time(), UTC))
    with sqlite3.connect(state / "records.sqlite3") as database:
        database.execute("UPDATE account SET password = ?", (stored,))
        rows = database.execute("SELECT handle, username FROM account").fetchall()
    database.close()
    people = zip(privates, rows, strict=True)
    print(json.dumps([[private.hex(), handle.hex(), name] for private, (handle, name) in people]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
