"""The real tables on both engines against the inventory, both ways, with faults planted by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tyst.records import schema
from tyst.records.inventory import inventory
from tyst.records.where import Server, Where

ALLOWED = {
    schema.TIME: {
        "account.created_at",
        "account.updated_at",
        "account.subscription",
        "account.ipv4",
        "account.multihop",
        "key_record.last_month",
        "journal.period",
        "node_address.rests",
        "django_migrations.applied",
    },
    schema.ADDRESS: {
        "node.ipv4",
        "node.ipv6",
        "node.exit6",
        "node_address.address",
        "public_address.address",
    },
    schema.FREE: {
        "account.username",
        "account.email",
        "journal.method",
        "journal.product",
        "location.slug",
        "location.city",
        "node.name",
        "node.location",
        "node_address.node",
        "fleet.tls_crypt",
        "fleet.site",
        "django_migrations.app",
        "django_migrations.name",
        "sqlite_sequence.name",
    },
}
"""What may hold a time, an address or free text. Whoever adds one here says why in the same change."""


@contextmanager
def spoilt(*statements: str) -> Iterator[Any]:
    """A cursor after these statements, which are taken back."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for one in statements:
            cursor.execute(one)
        yield cursor
        transaction.set_rollback(True)


def faults(*statements: str) -> list[str]:
    from django.db import connection

    with spoilt(*statements) as cursor:
        return schema.faults(inventory(), connection.vendor, cursor)


def test_the_tables_are_the_declared_ones() -> None:
    assert faults() == []


def test_the_site_may_start_on_them_and_not_on_others() -> None:
    from django.db import connection

    with spoilt() as cursor:
        schema.check(inventory(), connection.vendor, cursor)
    with (
        spoilt("ALTER TABLE account ADD COLUMN last_login text") as cursor,
        pytest.raises(schema.SchemaError, match="last_login"),
    ):
        schema.check(inventory(), connection.vendor, cursor)


def test_a_column_a_table_and_a_view_that_nobody_declared_are_found() -> None:
    found = faults(
        "ALTER TABLE account ADD COLUMN last_login text",
        "CREATE TABLE session (id text)",
        "CREATE VIEW seen AS SELECT username AS who FROM account",
    )
    assert found == [
        "there and not declared: ('account', 'last_login')",
        "there and not declared: ('seen', 'who')",
        "there and not declared: ('session', 'id')",
    ]


def test_a_declared_column_that_is_gone_is_found() -> None:
    assert faults("ALTER TABLE account DROP COLUMN streaming") == ["declared and not there: ('account', 'streaming')"]


def test_a_time_that_the_database_would_no_longer_round_is_found(where: Where) -> None:
    kind = "timestamptz" if isinstance(where, Server) else "datetime"
    found = faults("ALTER TABLE account DROP COLUMN updated_at", f"ALTER TABLE account ADD COLUMN updated_at {kind}")
    assert found == ["account.updated_at is declared as 'hour' and held as moment"]
    found = faults("ALTER TABLE account DROP COLUMN updated_at", "ALTER TABLE account ADD COLUMN updated_at text")
    assert found == ["account.updated_at is declared as 'hour' and held as text"]


@pytest.mark.parametrize(
    ("column", "kind", "held"),
    [("streaming", "integer", "number"), ("streaming", "text", "text"), ("password", "text", "text")],
)
def test_a_column_that_lost_its_check_is_found(column: str, kind: str, held: str) -> None:
    found = faults(f"ALTER TABLE account DROP COLUMN {column}", f"ALTER TABLE account ADD COLUMN {column} {kind}")
    assert len(found) == 1 and found[0].endswith(f"held as {held}")


def test_only_these_columns_may_hold_a_time_an_address_or_free_text() -> None:
    found = {what: {".".join(name) for name in names} for what, names in schema.allowed(inventory()).items()}
    assert found == ALLOWED


def test_what_the_database_holds_as_a_time_is_declared_as_one() -> None:
    """Not by the inventory's word: by the catalogue's."""
    from django.db import connection

    with spoilt() as cursor:
        real = schema.READERS[connection.vendor](cursor)
    times = {".".join(name) for name, held in real.items() if held in (schema.HOUR, schema.DAY, schema.MOMENT)}
    assert times == ALLOWED[schema.TIME] - {"key_record.last_month", "journal.period"}
    assert [name for name, held in real.items() if held == schema.MOMENT] == [("django_migrations", "applied")]


def test_text_that_isnt_free_is_held_to_its_list_by_its_column() -> None:
    assert _loose(inventory().columns) == []


def test_text_declared_as_a_list_that_no_column_enforces_is_caught() -> None:
    email = next(one for one in inventory().columns if one.field == "email")
    assert _loose([replace(email, type="word of a list")]) == [("account", "email")]


def _loose(columns: Any) -> list[tuple[str, str]]:
    """Columns declared as of a list or form that neither a model's column nor the database keeps to it."""
    from django.apps import apps
    from django.db import connection

    from tyst.records import columns as forms

    with spoilt() as cursor:
        real = schema.READERS[connection.vendor](cursor)
    strict = (forms._ListedField, forms.VersionField)
    models = {(m._meta.db_table, str(f.column)): f for m in apps.get_models() for f in m._meta.local_fields if f.column}
    names = [(one.table, one.field) for one in columns if schema.TYPES[one.type].listed]
    return [one for one in names if not isinstance(models[one], strict) and real[one] != schema.WORDS]


def test_a_type_that_nobody_knows_is_caught() -> None:
    from django.db import connection

    first, *rest = inventory().columns
    odd = replace(inventory(), columns=[replace(first, type="something"), *rest])
    with spoilt() as cursor:
        found = schema.faults(odd, connection.vendor, cursor)
    assert found == ["account.handle is declared as 'something', which is no type of schema.py"]
