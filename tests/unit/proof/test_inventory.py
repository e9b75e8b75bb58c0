"""The inventory against a real database and real cookies, in both directions."""

import sqlite3
from http.cookies import CookieError
from pathlib import Path
from typing import Any

import pytest

from tyst.proof.allowed import InventoryError
from tyst.proof.inventory import cookie_names, disagreements, parse, stored_columns

ACCOUNT = "CREATE TABLE account (handle BLOB PRIMARY KEY, username TEXT, loud TEXT AS (upper(username))) WITHOUT ROWID"


def column(table: str, field: str) -> dict[str, Any]:
    texts = dict.fromkeys(("type", "purpose", "precision", "lifetime", "legal_basis", "eraser"), "said")
    return {"table": table, "field": field, **texts, "export": True}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "records.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute(ACCOUNT)
    connection.execute("CREATE INDEX by_name ON account (username)")
    connection.commit()
    connection.close()
    return path


def test_every_column_of_a_real_database_is_seen_even_a_computed_one(database: Path) -> None:
    assert stored_columns(database) == {("account", "handle"), ("account", "username"), ("account", "loud")}


def test_agreement_is_silent(database: Path) -> None:
    declared = parse({"column": [column("account", f) for f in ("handle", "username", "loud")]})
    assert disagreements(declared, stored_columns(database)) == []


def test_a_column_that_nobody_declared_and_one_that_is_not_there_are_both_named(database: Path) -> None:
    declared = parse({"column": [column("account", f) for f in ("handle", "username", "last_seen")]})
    assert disagreements(declared, stored_columns(database)) == [
        "column account.loud is stored and not declared",
        "column account.last_seen is declared and does not exist",
    ]


def test_a_table_that_nobody_declared_is_named(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE connection_log (at TEXT)")
    connection.close()
    declared = parse({"column": [column("account", f) for f in ("handle", "username", "loud")]})
    assert disagreements(declared, stored_columns(database)) == ["column connection_log.at is stored and not declared"]


def test_reading_a_database_that_is_not_there_does_not_make_one(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        stored_columns(tmp_path / "none.sqlite3")
    assert not list(tmp_path.iterdir())


def test_cookies_are_compared_in_both_directions() -> None:
    cookie = {"name": "session", "purpose": "signed in", "lifetime": "12 h"}
    declared = parse({"cookie": [cookie, {**cookie, "name": "remember"}]})
    seen = cookie_names(["session=a; Path=/; HttpOnly", "tracker=b=c; Secure"])
    assert disagreements(declared, [], seen) == [
        "cookie tracker is set and not declared",
        "cookie remember is declared and was never set",
    ]
    with pytest.raises(CookieError):
        cookie_names(["nonsense"])


@pytest.mark.parametrize("key", ["purpose", "lifetime", "legal_basis", "eraser", "precision", "type", "export"])
def test_a_column_is_declared_completely_or_not_at_all(key: str) -> None:
    entry = column("account", "username")
    del entry[key]
    with pytest.raises(InventoryError, match=rf"account\.username says nothing under {key}"):
        parse({"column": [entry]})


def test_a_column_that_is_not_exported_may_say_so() -> None:
    assert parse({"column": [{**column("account", "password"), "export": False}]}).columns


def test_a_column_declared_twice_is_refused() -> None:
    with pytest.raises(InventoryError, match="twice"):
        parse({"column": [column("account", "username")] * 2})
