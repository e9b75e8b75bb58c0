"""Takes old pages out of SQLite's rollback journal after a commit, so that what was erased is in no block of the disk.

Before SQLite changes a page it copies the old one into the journal. In TRUNCATE mode the file is cut afterwards, and
the copies stay in the freed blocks of the disk (the residue scan found a deleted user name there). So the journal is
kept over the commit (PERSIST), overwritten in place, and only then removed: where it lies, every reader opens it to see
whether a crash left it, and SQLite changes its owner when root opens it, which is a write. The journal is only touched
while the database's lock is held and no transaction uses it; SQLite's unix VFS keeps no journal open without a lock.
Callers: `statements.py` for the gate, `sqlite/base.py` for Django.
"""

import os
import sqlite3

_BLOCK = bytes(1 << 16)


def wipe(connection: sqlite3.Connection, path: str) -> None:
    """Overwrites the journal of the database file `path` with zeroes, syncs and removes it. Not inside a transaction.

    BEGIN IMMEDIATE keeps every other writer out, and opens no journal of its own. When another writer does not finish
    within the connection's time-out, the journal is his, and he wipes it after his commit.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return
    try:
        _overwrite(f"{path}-journal")
    finally:
        connection.execute("ROLLBACK")


def _overwrite(path: str) -> None:
    try:
        journal = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        left, place = os.fstat(journal).st_size, 0
        while left > 0:
            done = os.pwrite(journal, _BLOCK[: min(left, len(_BLOCK))], place)
            left, place = left - done, place + done
        os.fdatasync(journal)
    finally:
        os.close(journal)
    os.unlink(path)
