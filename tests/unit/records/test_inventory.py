"""The inventory against the real database, the models and the migrations, in both directions."""

import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from pydoc import locate
from typing import Any

import pytest

from tests.unit.django_once import database_path
from tests.unit.records.engines import on_sqlite
from tyst.core.seal import Kind
from tyst.records.inventory import (
    FILE,
    Inventory,
    InventoryError,
    catalogue,
    declared_columns,
    difference,
    inventory,
    parse,
    parties,
    services,
)
from tyst.records.vocabulary import NOBODY

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


ENDS = {60: "its end is a full minute", 3600: "its end is a full hour", 86400: "its end is a full day"}


def test_the_end_of_each_sealed_value_is_as_coarse_as_declared() -> None:
    said = {one.kind: one.precision for one in inventory().sealed}
    true = {kind.name.lower(): "no time in it" if kind.lifetime is None else ENDS[kind.value[2]] for kind in Kind}
    assert said == true
    assert Kind.SESSION.expiry_minute(0) % 1440 == 0 and Kind.RECOVERY.expiry_minute(0) == 0xFFFFFFFF


def test_what_has_a_party_forget_somebody_exists() -> None:
    erasers = {one.folder: one.eraser for one in inventory().parties if one.eraser != "none"}
    assert all(callable(locate(f"tyst.{eraser}")) for eraser in erasers.values())
    assert set(erasers) == {folder for folder in services() if _can_forget(folder)}


def _can_forget(folder: str) -> bool:
    """Whether a service's own code keeps names that it can take back: mandates, lists of refused addresses."""
    found = [path.read_text("utf-8") for path in FILE.parents[1].glob(f"*/{folder}/*.py")]
    return any("def unlist(" in text or "renews = True" in text for text in found)


def test_every_service_that_gets_something_is_declared_and_no_other() -> None:
    assert difference(parties(inventory()), services()) == []


def test_a_service_that_nobody_declared_is_caught(tmp_path: Path) -> None:
    for folder in ("mail/mailgun", "mail/pigeon", "payments/swish"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "setup.py").write_text("")
    assert difference({"mailgun", "swish"}, services(tmp_path)) == ["there and not declared: pigeon"]


def test_legal_bases_are_terms_of_the_vocabulary() -> None:
    known = {f"eu-gdpr:A6-1-{letter}" for letter in "abcf"} | {"dpv:NonPersonalData"}
    entries = [entry for section in inventory().sections() for entry in section if hasattr(entry, "legal_basis")]
    assert len(entries) > 100 and {one.legal_basis for one in entries} <= known


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


def test_what_is_hers_is_found_by_an_account_and_what_isnt_cant_be() -> None:
    from tyst.records.person import FINDERS

    assert {one.table for one in inventory().columns if one.person} == set(FINDERS)
    assert not [one for one in inventory().columns if one.export and not one.person]


def test_a_court_may_have_the_policys_fields_without_the_password() -> None:
    from tyst.core.account import FIELDS

    given = [(one.table, one.field) for one in inventory().columns if one.disclose]
    assert given == [("account", name) for name in FIELDS if name not in ("devices", "password")]


def confused(of: Inventory) -> list[Any]:
    """Entries that are about nobody by one word and about somebody by the other."""
    entries = [entry for section in of.sections() for entry in section if hasattr(entry, "dpv")]
    return [one for one in entries if (one.dpv == NOBODY) > (one.legal_basis == NOBODY)] + [
        one for one in entries if (one.legal_basis == NOBODY) > (one.dpv in (NOBODY, "dpv:AnonymisedData"))
    ]


def test_what_is_about_somebody_has_a_legal_basis_and_what_is_about_nobody_needs_none() -> None:
    everything = inventory()
    assert confused(everything) == []
    email = next(one for one in everything.columns if one.field == "email")
    assert confused(replace(everything, columns=[replace(email, legal_basis=NOBODY)])) != []
    assert confused(replace(everything, columns=[replace(email, dpv=NOBODY)])) != []


@pytest.mark.parametrize(
    ("key", "word"), [("dpv", "pd:Shoesize"), ("legal_basis", "because"), ("legal_basis", "A6-1-b")]
)
def test_a_word_that_isnt_in_the_vocabulary_is_refused(key: str, word: str) -> None:
    text = re.sub(f'(?m)^{key} = ".*"$', f'{key} = "{word}"', FILE.read_text(), count=1)
    with pytest.raises(InventoryError, match=key):
        parse(text)


def test_every_party_that_gets_something_is_told_about_and_no_other() -> None:
    everything = inventory()
    assert difference({one.folder for one in everything.parties}, parties(everything)) == []
    assert difference({*parties(everything), "matomo"}, parties(everything)) == ["declared and not there: matomo"]
