"""The inventory against the real database, the models and the migrations, in both directions."""

import sqlite3
from pathlib import Path

import pytest

from tests.unit.django_once import database_path
from tests.unit.records.engines import on_sqlite
from tyst.core.seal import Kind
from tyst.records.inventory import (
    InventoryError,
    catalogue,
    declared_columns,
    difference,
    inventory,
    parse,
    parties,
    services,
)

pytestmark = on_sqlite


def _catalogue(path: Path) -> set[tuple[str, str]]:
    connection = sqlite3.connect(path)
    try:
        return catalogue(connection.cursor())
    finally:
        connection.close()


def test_the_database_has_the_declared_columns_and_no_other() -> None:
    assert difference(declared_columns(inventory()), _catalogue(database_path())) == []


def test_an_extra_column_or_table_is_caught(tmp_path: Path) -> None:
    from tyst.records.migrate import migrate

    path = tmp_path / "other.sqlite3"
    migrate(path)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE account ADD COLUMN last_login TEXT")
    connection.execute("CREATE TABLE session (id TEXT)")
    connection.commit()
    connection.close()
    found = difference(declared_columns(inventory()), _catalogue(path))
    assert found == [
        "there and not declared: ('account', 'last_login')",
        "there and not declared: ('session', 'id')",
    ]


def test_a_declared_column_that_is_gone_is_caught(tmp_path: Path) -> None:
    from tyst.records.migrate import migrate

    path = tmp_path / "other.sqlite3"
    migrate(path)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE account DROP COLUMN streaming")
    connection.commit()
    connection.close()
    assert difference(declared_columns(inventory()), _catalogue(path)) == [
        "declared and not there: ('account', 'streaming')"
    ]


def test_the_models_have_the_declared_columns_and_no_other() -> None:
    from django.apps import apps

    own = {("django_migrations", name) for name in ("id", "app", "name", "applied")}
    own |= {("sqlite_sequence", name) for name in ("name", "seq")}
    models = {(m._meta.db_table, str(f.column)) for m in apps.get_models() for f in m._meta.local_fields if f.column}
    assert difference(declared_columns(inventory()) - own, models) == []


def test_the_migrations_say_what_the_models_say() -> None:
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    assert detector.changes(graph=loader.graph) == {}


def test_the_account_is_the_handle_and_the_policys_fields_less_devices() -> None:
    from tyst.core.account import FIELDS
    from tyst.records.models import Account

    columns = [field.column for field in Account._meta.local_fields]
    assert columns == ["handle", *(name for name in FIELDS if name != "devices")]
    exported = {one.field for one in inventory().columns if one.table == "account" and one.export}
    assert exported | {"devices"} == set(FIELDS)


def test_our_tables_keep_no_order_of_writing() -> None:
    connection = sqlite3.connect(database_path())
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    with_rowid = {name for name, sql in rows if "WITHOUT ROWID" not in sql.upper()}
    assert with_rowid == {"django_migrations", "sqlite_sequence"}, "these two name no person"


def test_every_eraser_is_a_function_and_every_function_is_named() -> None:
    from tyst.records.erase import ERASERS

    entries = inventory()
    columns = {one.eraser for one in entries.columns}
    assert columns == set(ERASERS)
    assert {one.eraser for one in entries.sealed} <= {*ERASERS, "expiry"}
    assert {one.eraser for one in entries.cookies} == {"sign_out"}


def test_every_kind_of_sealed_value_is_declared() -> None:
    assert difference({one.kind for one in inventory().sealed}, {kind.name.lower() for kind in Kind}) == []


def test_every_service_that_gets_something_is_declared_and_no_other() -> None:
    assert difference(parties(inventory()), services()) == []


def test_a_service_that_nobody_declared_is_caught(tmp_path: Path) -> None:
    for folder in ("mail/mailgun", "mail/pigeon", "payments/swish"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "setup.py").write_text("")
    assert difference({"mailgun", "swish"}, services(tmp_path)) == ["there and not declared: pigeon"]


def test_legal_bases_are_terms_of_the_vocabulary() -> None:
    known = {f"eu-gdpr:A6-1-{letter}" for letter in "abcf"} | {"dpv:NonPersonalData"}
    assert {one.legal_basis for one in (*inventory().columns, *inventory().cookies, *inventory().outgoing)} <= known


@pytest.mark.parametrize(
    "text",
    [
        "[[column]]\ntable = 'account'",
        "[[cookie]]\nname = 'x'\npurpose = ''\nprecision = 'x'\nlifetime = 'x'\nlegal_basis = 'x'\neraser = 'x'",
        "[[request]]\nname = 'x'",
    ],
)
def test_a_half_declared_entry_is_refused(text: str) -> None:
    with pytest.raises(InventoryError):
        parse(text)
