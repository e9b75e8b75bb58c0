"""The rollback journal keeps no old page after a commit: neither in the file nor in blocks that it let go."""

import sqlite3
from pathlib import Path

import pytest

from tests.unit.records.engines import on_sqlite
from tyst.records import journal

pytestmark = on_sqlite
NAME = "alice-of-the-marked-name"


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "r.sqlite3", isolation_level=None)
    for pragma in ("secure_delete=ON", "journal_mode=PERSIST", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE account (name TEXT)")
    connection.execute("INSERT INTO account VALUES (?)", (NAME,))
    return connection


def journal_of(tmp_path: Path) -> bytes:
    return (tmp_path / "r.sqlite3-journal").read_bytes()


def test_without_the_wipe_the_journal_holds_the_deleted_name(database: sqlite3.Connection, tmp_path: Path) -> None:
    database.execute("DELETE FROM account")
    assert NAME.encode() in journal_of(tmp_path)


def test_the_wipe_overwrites_the_blocks_it_lets_go(database: sqlite3.Connection, tmp_path: Path) -> None:
    database.execute("DELETE FROM account")
    size = len(journal_of(tmp_path))
    with open(tmp_path / "r.sqlite3-journal", "rb") as witness:
        journal.wipe(database, str(tmp_path / "r.sqlite3"))
        assert witness.read() == bytes(size) != b""
    assert not (tmp_path / "r.sqlite3-journal").exists(), "a journal that lies there is touched by every reader"
    assert database.execute("SELECT count(*) FROM account").fetchone() == (0,)


def test_a_wipe_leaves_another_writers_journal_alone(database: sqlite3.Connection, tmp_path: Path) -> None:
    bob = sqlite3.connect(tmp_path / "r.sqlite3", isolation_level=None, timeout=0)
    bob.execute("PRAGMA journal_mode=PERSIST")
    database.execute("PRAGMA cache_spill=1")
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE account SET name = 'bob'")
    before = journal_of(tmp_path)
    journal.wipe(bob, str(tmp_path / "r.sqlite3"))
    assert journal_of(tmp_path) == before
    database.execute("ROLLBACK")
    assert bob.execute("SELECT name FROM account").fetchone() == (NAME,)


def test_no_journal_is_no_fault(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "new.sqlite3", isolation_level=None)
    journal.wipe(connection, str(tmp_path / "new.sqlite3"))
