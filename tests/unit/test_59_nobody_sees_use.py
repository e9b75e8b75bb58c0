"""Row 59: no page, command, message or column lets the operator see what somebody did, or find somebody by it.

There is no administration site. What exists is enumerated here: a new address, command, message or field that could
show use or search people fails, until it is looked at and listed. The planted faults are such additions.
"""

import argparse
import importlib
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.unit.django_once import database_path
from tyst import cli

USE = re.compile(
    r"last_(login|seen|used|ip)|login_at|seen_at|connected_at|ip_?addr|user_?agent|bytes_(in|out)|activity"
)
"""Names under which others keep a person's use."""
SEARCH = re.compile(
    r"^--?(ip|addr(ess)?|from-time|since|until|user-agent|pattern|search|payment|all-users|list-users)$"
)
"""What a command would be asked by, to find people by their use."""


@pytest.fixture(autouse=True)
def django() -> None:
    database_path()


def patterns(found: Iterable[object], prefix: str = "") -> Iterator[str]:
    """Every address of the site."""
    for one in found:
        inner = getattr(one, "url_patterns", None)
        if inner is None:
            yield prefix + str(one.pattern)  # type: ignore[attr-defined]
        else:
            yield from patterns(inner, prefix)


def users(addresses: Iterable[str]) -> list[str]:
    """Addresses that name somebody, or a list of people."""
    return [one for one in addresses if re.search(r"admin|users?(/|$)|customers?|<\w*:?(user|handle|account)", one)]


def test_the_site_has_no_address_for_an_administrator_and_none_that_names_somebody() -> None:
    from django.conf import settings

    from tyst.site import urls

    found = list(patterns(urls.urlpatterns))
    assert len(found) > 40 and users(found) == []
    assert users([*found, "admin/", "users", "account/<str:user>/sessions"]) == [
        "admin/",
        "users",
        "account/<str:user>/sessions",
    ]
    assert not [app for app in settings.INSTALLED_APPS if "admin" in app or "auth" in app or "sessions" in app]


def options() -> Iterator[tuple[str, str]]:
    """(command, option) of everything that `./tyst` takes."""
    for room, (module, _) in cli.ROOMS.items():
        parser = argparse.ArgumentParser(prog=room)
        importlib.import_module(module).add_arguments(parser)
        yield from _options(room, parser)


def _options(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from _options(f"{name} {word}", inner)
        if action.nargs != 0:  # a switch asks for nobody: `disclose --search` says that an order can't be answered
            yield from ((name, text) for text in action.option_strings or [action.dest])


def test_no_command_searches_for_people_or_shows_one() -> None:
    found = list(options())
    assert len(found) > 50
    assert [one for one in found if SEARCH.match(one[1])] == []
    names = {command.split()[0] for command, option in found if re.search(r"account|email|user|customer", option)}
    assert names - {"lab"} <= {"disclose"}, "the one command that takes a name is the court's"
    assert [one for one in [*found, ("who", "--ip")] if SEARCH.match(one[1])] == [("who", "--ip")]


def test_no_column_and_no_message_has_a_field_of_use() -> None:
    import msgspec

    from tyst.records.inventory import inventory

    columns = [f"{one.table}.{one.field}" for one in inventory().columns]
    fields = []
    for module in ("admission", "devices", "fleet", "load", "network"):
        found = importlib.import_module(f"tyst.messages.{module}")
        structs = [one for one in vars(found).values() if isinstance(one, type) and issubclass(one, msgspec.Struct)]
        fields += [f"{one.__name__}.{name}" for one in structs for name in one.__struct_fields__]
    assert len(columns) > 60 and len(fields) > 40
    assert [one for one in [*columns, *fields] if USE.search(one)] == []
    assert [one for one in [*columns, "account.last_login"] if USE.search(one)] == ["account.last_login"]


def test_between_site_and_gate_nobody_asks_about_somebody_else() -> None:
    """The gate's door: each path that is about a customer takes her own sealed session, and none takes a name."""
    import msgspec

    from tyst.gate import door

    for path, way in door.PATHS.items():
        form = way.form
        assert issubclass(form, msgspec.Struct)
        assert not {"username", "email", "account", "handle"} & set(form.__struct_fields__), path
    told = {path: set(way.form.__struct_fields__) for path, way in door.PATHS.items() if str(way.role) == "site"}
    assert told["/v1/devices"] == {"session"} and told["/v1/drop"] == {"session", "leaving"}
