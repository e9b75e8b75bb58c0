"""The gate's statements against the real tables: few, without Django, reading without writing, batch all or nothing."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import fresh, sql
from tests.unit.records.engines import on_sqlite
from tyst.core.entitlement import Facts, day_of
from tyst.records import statements
from tyst.records.migrate import migrate
from tyst.records.statements import ConflictError, FleetRow, NodeRow, Records, RecordsError, open_records
from tyst.records.where import Server, Where

TRAPS = {
    "sqlite": ["CREATE TRIGGER trap BEFORE DELETE ON key_record BEGIN SELECT raise(ABORT, 'trap'); END"],
    "postgresql": [
        "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'trap' USING ERRCODE = 'integrity_constraint_violation'; END$$",
        "CREATE TRIGGER trap BEFORE DELETE ON key_record FOR EACH ROW EXECUTE FUNCTION trap()",
    ],
}
ALICE, BOB = b"alice---alice---", b"bob-----bob-----"


@pytest.fixture
def path(where: Where, tmp_path: Path) -> Where:
    """A file or database of the test's own: triggers and all."""
    own = fresh() if isinstance(where, Server) else tmp_path / "records.sqlite3"
    migrate(own)
    for handle, name, until in ((ALICE, "Alice", "2027-01-31 23:59:59"), (BOB, "Bob", None)):
        sql(
            own,
            "INSERT INTO account (handle, username, password, created_at, updated_at, newsletter, has_authenticated, "
            "has_connected, has_ipv6, compression, streaming, language, currency, country, subscription) VALUES "
            "(?, ?, '$argon2id$x', '2026-01-01 10:00:00', '2026-01-01 10:00:00', 0, 0, 0, 1, 0, 1, 'en', 'EUR', 'se', "
            "?)",
            *(handle, name, until),
        )
    return own


@pytest.fixture
def records(path: Where) -> Iterator[Records]:
    opened = open_records(path)
    yield opened
    opened.close()


@on_sqlite
def test_there_are_few_statements() -> None:
    verbs = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    written = [v for k, v in vars(statements).items() if k.isupper() and isinstance(v, str)]
    assert 10 <= len([text for text in written if text.strip().startswith(verbs)]) <= 30


@on_sqlite
def test_they_come_without_django() -> None:
    code = "import sys, tyst.records.statements; sys.exit(any(m.split('.')[0] == 'django' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0


def test_the_reader_cannot_write(records: Records) -> None:
    with pytest.raises((sqlite3.OperationalError, RecordsError)):
        records._reader.execute("DELETE FROM account")


@on_sqlite
@pytest.mark.parametrize(
    ("pragma", "wanted"),
    [("secure_delete", 1), ("journal_mode", "persist"), ("synchronous", 2), ("foreign_keys", 1), ("temp_store", 2)],
)
def test_a_connection_is_set_so_that_deleted_is_gone(records: Records, pragma: str, wanted: object) -> None:
    assert records._reader.execute(f"PRAGMA {pragma}").fetchone() == (wanted,)
    with records._writing() as writer:
        assert writer.execute(f"PRAGMA {pragma}").fetchone() == (wanted,)


@on_sqlite
def test_reading_touches_no_file(path: Path, records: Records) -> None:
    before = [(p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(path.parent.iterdir())]
    records.account(ALICE)
    records.login("alice")
    records.standings([ALICE, BOB], [b"t" * 16])
    records.nodes()
    records.refresh()
    records.key_record(b"t" * 16)
    assert [(p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(path.parent.iterdir())] == before


def test_alices_facts_and_login(records: Records) -> None:
    assert records.account(ALICE) == Facts(day_of("2027-01-31 23:59:59"), None, True, True, False, False)
    assert records.account(b"x" * 16) is None
    assert records.login("aLICE") == (ALICE, "$argon2id$x")
    assert records.login("nobody") is None


def test_a_change_by_the_site_is_seen_at_the_next_read(path: Where, records: Records) -> None:
    records.account(ALICE)
    sql(path, "DELETE FROM account WHERE handle = ?", ALICE)
    assert records.account(ALICE) is None


def test_one_query_says_which_of_many_still_stand(path: Where, records: Records) -> None:
    tags = [os.urandom(16) for _ in range(300)]
    for tag in tags[:200]:
        sql(path, "INSERT INTO key_record (tag, record, last_month) VALUES (?, ?, 209912)", tag, b"0")
    handles = [os.urandom(16) for _ in range(500)]
    found = records.standings([*handles, ALICE, BOB, ALICE], tags)
    assert found.until == {ALICE: day_of("2027-01-31 23:59:59"), BOB: None}
    assert found.tags == set(tags[:200])
    assert records.standings([], []) == statements.Standings({}, set())


def test_the_batch_sets_flags_once_deletes_ended_keys_and_touches_nothing_else(path: Where, records: Records) -> None:
    for tag, month in ((b"a" * 16, 202610), (b"b" * 16, 202611)):
        sql(path, "INSERT INTO key_record (tag, record, last_month) VALUES (?, ?, ?)", tag, b"0", month)
    before = sql(path, "SELECT username, updated_at, created_at, password FROM account ORDER BY username")
    shuffled: list[int] = []
    changed = records.daily_batch([ALICE, b"x" * 16], month=202611, shuffle=lambda h: shuffled.append(len(h)))
    assert (changed, shuffled) == (2, [2])
    assert sql(path, "SELECT has_connected FROM account ORDER BY username") == [(1,), (0,)]
    assert sql(path, "SELECT last_month FROM key_record") == [(202611,)]
    assert sql(path, "SELECT username, updated_at, created_at, password FROM account ORDER BY username") == before
    assert records.daily_batch([ALICE], month=202611, shuffle=lambda h: None) == 0


def test_a_batch_that_fails_in_the_middle_changes_nothing(path: Where, records: Records) -> None:
    for statement in TRAPS["postgresql" if isinstance(path, Server) else "sqlite"]:
        sql(path, statement)
    sql(path, "INSERT INTO key_record (tag, record, last_month) VALUES (?, ?, 202001)", b"a" * 16, b"0")
    with pytest.raises(ConflictError):
        records.daily_batch([ALICE], month=202611, shuffle=lambda h: None)
    assert sql(path, "SELECT max(has_connected) FROM account") == [(0,)]


def test_a_serial_is_spent_once(records: Records) -> None:
    assert records.spend(b"s" * 32) and not records.spend(b"s" * 32)


def test_a_node_is_added_announced_revoked_and_welcome_again(records: Records) -> None:
    node = NodeRow("se-sto", "se-stockholm", "192.0.2.10", "2001:db8::10", number=1)
    records.put_node(node, city="Stockholm", country="se")
    assert records.node("se-sto") == node and records.nodes() == [node] and records.node("de-fra") is None
    assert records.announce("se-sto", wireguard_public=b"w" * 32, key_blob=b"blob")
    announced = records.node("se-sto")
    assert announced is not None and (announced.wireguard_public, announced.key_blob) == (b"w" * 32, b"blob")
    assert records.revoke_node("se-sto") and not records.revoke_node("de-fra")
    assert not records.announce("se-sto", wireguard_public=b"w" * 32, key_blob=b"blob")
    revoked = records.node("se-sto")
    assert revoked is not None and revoked.revoked and revoked.key_blob is None and revoked.wireguard_public is None
    records.put_node(node, city="Stockholm", country="se")
    assert records.node("se-sto") == node


def test_the_fleet_is_founded_once(records: Records) -> None:
    assert records.fleet() is None
    records.put_fleet(FleetRow(b"der", "key", "https://tyst.test"))
    assert records.fleet() == FleetRow(b"der", "key", "https://tyst.test")
    with pytest.raises(ConflictError):
        records.put_fleet(FleetRow(b"other", "key", "https://other.test"))


def test_nothing_secret_shows_in_a_repr() -> None:
    assert "blob" not in repr(NodeRow("n", "l", "4", "6", key_blob=b"blob")).replace("key_blob", "")
