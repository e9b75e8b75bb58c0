"""PostgreSQL keeps no more than SQLite: reading writes nothing, nothing joins rows, no value in a log or an error."""

import io
import os
import subprocess
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import Cluster, as_postgres, cluster, fresh, looking_at, programs, sql, start
from tests.unit.records.engines import on_postgresql
from tests.unit.records.people import NOW, PHC, make
from tyst.records.errors import ConflictError, RecordsError
from tyst.records.postgresql import settings, tidy
from tyst.records.postgresql.dump import dump
from tyst.records.postgresql.shuffle import TABLES, shuffled
from tyst.records.statements import NodeRow, Records, open_records
from tyst.records.where import Server, Where, WhereError, as_toml, chosen

pytestmark = on_postgresql
ALICE = b"a" * 16
MARK = "alice-of-the-marked-name"
MANY = 300


@pytest.fixture
def own(where: Where) -> Server:
    """A database of the test's own, that Django doesn't look at."""
    return fresh()


def people(count: int) -> None:
    """Accounts whose rows fill pages, as sign-up writes them: one transaction for all, to be quick."""
    from django.db import transaction

    with transaction.atomic():
        for number in range(count):
            make(f"person{number}", number.to_bytes(16), password=PHC + "x" * 80)


def wal() -> int:
    """Where the write-ahead log ends: counts every byte that anybody inserts."""
    with cluster().admin() as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])


def reading(records: Records) -> None:
    """What the gate reads at connects and renewals, everything once and in numbers."""
    handles = [number.to_bytes(16) for number in range(MANY)]
    for number, handle in enumerate(handles):
        records.account(handle)
        records.login(f"person{number}")
    for _ in range(3):
        records.standings(handles, [b"t" * 16])
    records.key_record(b"t" * 16)
    records.public_address(b"k" * 32, handles[0], "se-sto")
    records.refresh()
    records.nodes()
    records.fleet()


def written_by(action: Callable[[], None]) -> int:
    """WAL bytes during an action. The server's own checkpoints and such are let finish first."""
    with cluster().admin() as connection:
        connection.execute("CHECKPOINT")
    before = wal()
    action()
    return wal() - before


def test_a_connect_and_its_renewals_write_no_byte_of_the_log(where: Server) -> None:
    people(MANY)
    records = open_records(where)
    for day in range(2):
        records.daily_batch([number.to_bytes(16) for number in range(day, MANY, 2)], month=202601, shuffle=list.reverse)
        assert written_by(lambda: reading(records)) == 0
    records.close()


def test_after_sites_edits_too_and_after_one_that_failed(where: Server) -> None:
    from django.db import transaction

    from tyst.records import accounts, vouchers
    from tyst.records.models import Account

    people(MANY)
    for number in range(0, MANY, 3):
        accounts.edit(number.to_bytes(16), NOW, streaming=True)
    with pytest.raises(vouchers.NoVoucherError), transaction.atomic():
        Account.objects.update(compression=1)
        raise vouchers.NoVoucherError
    records = open_records(where)
    assert written_by(lambda: reading(records)) == 0
    records.close()


def test_without_the_vacuum_the_first_readers_write(where: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    people(MANY)
    monkeypatch.setattr(tidy, "vacuum", lambda *_: None)
    records = open_records(where)
    records.daily_batch([number.to_bytes(16) for number in range(MANY)], month=202601, shuffle=list.reverse)
    assert written_by(lambda: reading(records)) > 0
    records.close()


def joined(where: Server, left: str, right: str) -> int:
    """How many pairs of rows share a transaction: by who wrote them, or who locked or changed them last."""
    numbers = "SELECT unnest(ARRAY[xmin::text, xmax::text]) AS x, ctid FROM"
    query = f"SELECT count(*) FROM ({numbers} {left}) l JOIN ({numbers} {right}) r ON l.x = r.x AND l.x <> '0'"
    return int(sql(where, query)[0][0])


def test_before_the_night_xmin_joins_an_account_with_its_serial_and_afterwards_nothing(where: Server) -> None:
    from tyst.records import settlement
    from tyst.records.models import Account

    people(MANY)
    for number in range(20):
        from django.db import transaction

        with transaction.atomic():
            settlement.spend(os.urandom(16), b"paid")
            Account.objects.filter(handle=number.to_bytes(16)).update(streaming=True)
    assert joined(where, "account", "spent_serial") == 20, "the attack"
    assert distinct(where, "account") > 20, "and in the order in which they were changed"
    shuffled(where)
    for table in ("account", "spent_serial"):
        assert distinct(where, table) == 1, "one transaction wrote all: it says nothing of any two"
    again = {str(row[0]) for table in TABLES for row in sql(where, f"SELECT DISTINCT xmin::text FROM {table}")}
    assert len(again) == 1
    assert Account.objects.count() == MANY and len(sql(where, "SELECT 1 FROM spent_serial")) == 20
    assert sql(where, "SELECT 1 FROM account WHERE xmax <> 0") == []


def distinct(where: Server, table: str) -> int:
    return len(sql(where, f"SELECT DISTINCT xmin::text FROM {table}"))


def order(where: Server) -> list[bytes]:
    return [bytes(row[0]) for row in sql(where, "SELECT handle FROM account ORDER BY ctid")]


def test_the_rows_lie_in_another_order_each_night_and_the_erased_are_in_no_file(where: Server) -> None:
    from tyst.records import erase

    people(100)
    make(MARK, b"m" * 16)
    orders = [order(where)]
    assert orders[0][:100] == [number.to_bytes(16) for number in range(100)], "as they signed up"
    erase.delete_account(b"m" * 16, b"k" * 32, NOW)
    assert MARK in files(where, "account"), "a vacuum leaves the bytes where they were"
    for _ in range(2):
        shuffled(where)
        orders.append(order(where))
    assert len({tuple(one) for one in orders}) == 3 and all(sorted(one) == sorted(orders[1]) for one in orders[2:])
    assert MARK not in files(where, "account") and "person7" in files(where, "account")


def files(where: Server, table: str) -> str:
    """All bytes of a table's and its indexes' files."""
    names = f"SELECT pg_relation_filepath(c.oid) FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = '{table}'::regclass OR i.indrelid = '{table}'::regclass"
    with cluster().admin() as connection:
        connection.execute("CHECKPOINT")
    paths = [cluster().folder / "data" / str(row[0]) for row in sql(where, names)]
    return "".join(path.read_bytes().decode("latin-1") for path in paths)


def test_a_rewrite_beside_writers_loses_no_change(where: Server) -> None:
    from django.db import connection

    from tyst.records import accounts
    from tyst.records.models import Account

    people(50)
    done: list[bool] = []

    def edits() -> None:
        try:
            done.extend(accounts.edit(number.to_bytes(16), NOW, streaming=True) for number in range(50))
        finally:
            connection.close()

    writer = threading.Thread(target=edits)
    writer.start()
    for _ in range(3):
        shuffled(where)
    writer.join(60)
    assert done == [True] * 50 and Account.objects.filter(streaming=True).count() == 50


def test_the_planner_keeps_no_copy_of_names(where: Server) -> None:
    people(100)
    shuffled(where)
    ours = "SELECT count(*) FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"
    with cluster().admin(where.url.split("/")[3].split("?")[0]) as admin:
        assert admin.execute(ours).fetchone() == (0,)
        admin.execute("ANALYZE account")
        assert admin.execute(ours).fetchone() != (0,), "that is what it would keep"


def misfortunes(where: Server) -> list[str]:
    """Everything that can go wrong with Alice's values in it; what the exceptions say, causes and all."""
    from django.db import Error, connection

    from tyst.records.models import Account, PublicAddress

    make(MARK, ALICE, password=PHC)
    said = []
    records = open_records(where)
    acts: list[Callable[[], Any]] = [
        lambda: Account(
            handle=b"z" * 16,
            username=MARK,
            password=PHC,
            created_at=hour(),
            updated_at=hour(),
            language="sv",
            currency="SEK",
            country="se",
        ).save(force_insert=True),
        lambda: Account.objects.filter(handle=ALICE).extra(where=[f"username = {MARK}"]).count(),
        lambda: PublicAddress(owner=MARK.encode().ljust(32, b"."), address_id=MARK).save(force_insert=True),
        lambda: connection.cursor().execute("UPDATE account SET streaming = 7 WHERE username = %s", [MARK]),
        lambda: records.put_node(NodeRow(MARK, "x", "y", "z", openvpn_processes=99), city=MARK, country="se"),
        lambda: records.put_vouchers([MARK.encode().ljust(32, b".")] * 2, 30),
    ]
    for act in acts:
        try:
            act()
        except (Error, RecordsError) as error:
            said.append("".join(messages(error)))
    records.close()
    assert len(said) == len(acts)
    return said


def hour() -> Any:
    return NOW.replace(minute=0, second=0)


def messages(error: BaseException | None) -> list[str]:
    if error is None:
        return []
    return [*traceback.format_exception_only(error), *messages(error.__cause__), *messages(error.__context__)]


def test_a_server_that_lets_nobody_in_is_not_named(where: Server) -> None:
    with pytest.raises(RecordsError) as refusal:
        open_records(Server(where.url.replace("tyst@", f"{MARK}@")))
    assert MARK not in "".join(messages(refusal.value))


def test_no_error_says_a_value(where: Server) -> None:
    for sentence in misfortunes(where):
        assert MARK not in sentence and PHC not in sentence, sentence


def test_the_log_has_no_value_of_a_customer() -> None:
    assert not marked(start()), "with our settings"
    loud = {"log_statement": "all", "log_min_messages": "warning", "log_min_error_statement": "error"}
    more = {"log_error_verbosity": "default", "log_parameter_max_length": "-1", "log_connections": "on"}
    assert marked(start(**loud, **more)), "and with those that many have"


def marked(server: Cluster) -> bool:
    """Whether Alice's name is in this server's log after she was made, edited and got in trouble."""
    from tyst.records import accounts
    from tyst.records.migrate import migrate

    try:
        where = server.empty()
        migrate(where)
        with looking_at(where):
            misfortunes(where)
            accounts.edit(ALICE, NOW, email=f"{MARK}@example.test")
        return MARK in server.log.read_text()
    finally:
        server.stop()


def test_what_a_session_is_doing_shows_no_value(where: Server) -> None:
    from tyst.records import accounts

    make(MARK, ALICE)
    accounts.by_username(MARK)
    records = open_records(where)
    records.login(MARK)
    with cluster().admin() as connection:
        seen = connection.execute(
            "SELECT query, application_name FROM pg_stat_activity WHERE usename = 'tyst'"
        ).fetchall()
    records.close()
    assert any("username" in query for query, _ in seen), "the statements are there"
    assert not any(MARK in query for query, _ in seen) and {name for _, name in seen} == {"tyst"}


def test_a_dump_is_ordered_by_key_without_the_days_flags_and_can_be_read_in_again(where: Server, own: Server) -> None:
    from tyst.records.models import Account

    people(30)
    Account.objects.update(has_connected=True)
    shuffled(where)
    first = dumped(where)
    shuffled(where)
    assert dumped(where) == first, "no order but the key's"
    psql = [str(programs() / "psql"), "-qXd", own.url]
    subprocess.run(as_postgres(*psql), input=first, check=True, timeout=60, capture_output=True, cwd="/")
    assert dumped(own) == first
    assert sql(own, "SELECT count(*), sum(has_connected) FROM account") == [(30, 0)]


def dumped(where: Server) -> bytes:
    out = io.BytesIO()
    dump(where, out)
    return out.getvalue()


def test_the_tables_have_the_columns_of_the_inventory(where: Server) -> None:
    from tyst.records.inventory import declared_columns, difference, inventory

    rows = sql(where, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
    declared = {one for one in declared_columns(inventory()) if one[0] != "sqlite_sequence"}
    assert difference(declared, {(str(table), str(column)) for table, column in rows}) == []


def test_everything_is_dumped_and_shuffled_that_names_no_public_fact(where: Server) -> None:
    from django.apps import apps

    from tyst.records.postgresql import dump as dumping

    tables = {model._meta.db_table for model in apps.get_models()}
    assert set(dumping.TABLES) == tables and set(TABLES) == tables - {"location", "node", "node_address", "fleet"}


def test_a_server_that_is_set_otherwise_is_named(where: Server) -> None:
    with cluster().admin() as connection:
        assert settings.faults(connection) == ["fsync is off and should be on"], "which is the tests' own"
        connection.execute("SET log_statement = 'all'")
        connection.execute("LOAD 'auto_explain'")
        assert set(settings.faults(connection)) >= {
            "log_statement is all and should be none",
            "auto_explain is loaded: extensions may keep statements",
        }


def test_a_reader_comes_back_after_the_server_cut_it_off(where: Server) -> None:
    make()
    records = open_records(where)
    with cluster().admin() as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tyst'")
    with pytest.raises(RecordsError):
        records.account(ALICE)
    assert records.account(ALICE) is not None
    records.close()


def test_the_operators_choice_is_read_and_shown_to_nobody(where: Server, tmp_path: Path) -> None:
    assert chosen(tmp_path) == tmp_path / "records.sqlite3"
    secret = Server('postgresql://tyst:pa"ss@db.test/tyst')
    (tmp_path / "database.toml").write_text(as_toml(secret))
    assert chosen(tmp_path) == secret and "pa" not in repr(secret)
    for wrong in ("url = 'mysql://pass@x'", "url = 1", "path = 'x'", "url ="):
        (tmp_path / "database.toml").write_text(wrong)
        with pytest.raises(WhereError) as refusal:
            chosen(tmp_path)
        assert "pass" not in str(refusal.value)


def test_a_database_without_tables_says_what_to_do(where: Server) -> None:
    records = open_records(cluster().empty())
    with pytest.raises(RecordsError, match="fleet init"):
        records.fleet()
    with pytest.raises(RecordsError, match="fleet init") as refusal:
        records.put_vouchers([b"v" * 32], 30)
    assert not isinstance(refusal.value, ConflictError)
    records.close()
