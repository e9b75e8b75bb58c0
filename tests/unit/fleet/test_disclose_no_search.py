"""There is no search: the code that answers courts compares whole names and addresses, and its command has no more words.

The code and the parser are read as they are; then each thing that must not be there is planted, and found.
"""

import argparse
import ast
import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest

from tyst.core import court
from tyst.fleet import answer_pdf, disclose_command, disclosure, operators
from tyst.records import named

COMPARED = {"username", "lower"}
"""All that an account is found by. `lower`: the whole mail address in small letters."""
MAY_IMPORT = {
    court: {"core"},
    operators: {"core", "records.whole"},
    answer_pdf: {"mail.receipts"},
    named: {"core", "records.models"},
    disclose_command: {"core", "fleet", "payments.config", "records.errors", "records.transparency"},
    disclosure: {"core", "fleet", "payments.wiring", "payments.provider", "records"},
}
RECORDS = {"transparency", "inventory", "migrate", "where", "models", "named"}
"""What the answering module may take from the records: not readers, reservations, settlement, keys, statements."""
WORDS = {
    "key": {"to"},
    "operators": {"add", "remove", "state"},
    "approve": {"account", "email", "preservation", "search", "reference", "authority", "by", "key", "name", "to"},
    "answer": {"account", "email", "preservation", "search", "reference", "authority", "by", "approval", "to", "state"},
}
ORM = {"filter", "exclude", "get", "alias", "annotate", "order_by", "values", "values_list", "extra", "raw", "all"}


def faults(source: str) -> list[str]:
    """What of a file compares or lists accounts in a way that it must not."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found += _call(node, node.func.attr)
        if isinstance(node, ast.Name | ast.Attribute) and _name(node) in {"Q", "cursor", "connection", "connections"}:
            found.append(f"speaks to the database by {_name(node)}")
    return found


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _call(node: ast.Call, method: str) -> Iterator[str]:
    if method in {"extra", "raw", "all", "exclude", "iterator", "execute", "values_list", "first", "in_bulk"}:
        yield f"calls {method}"
    if method == "filter":
        words = {word.arg for word in node.keywords}
        if node.args or not words or not words <= COMPARED:
            yield f"compares {sorted(map(str, words))}"


def imports(source: str) -> set[str]:
    """The modules of ours that a file takes from, under TYPE_CHECKING too, without `tyst.`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tyst."):
            module = node.module.removeprefix("tyst.")
            found |= {f"{module}.{one.name}" for one in node.names} if "." not in module else {module}
        elif isinstance(node, ast.Import):
            found |= {one.name.removeprefix("tyst.") for one in node.names if one.name.startswith("tyst.")}
    return found


def strangers(module: ModuleType, source: str) -> set[str]:
    """What a module imports and must not."""
    wrong = {one for one in imports(source) if not any(f"{one}.".startswith(f"{may}.") for may in MAY_IMPORT[module])}
    records = {one for one in imports(source) if one.startswith("records.")}
    return wrong | ({one for one in records if one.split(".")[1] not in RECORDS} if module is disclosure else set())


def words(parser: argparse.ArgumentParser) -> dict[str, set[str]]:
    """Every option and operand of every action."""
    (actions,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return {name: {one.dest for one in sub._actions if one.dest != "help"} for name, sub in actions.choices.items()}


def parsed() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    disclose_command.add_arguments(parser)
    return parser


def test_an_account_is_found_by_a_whole_name_or_address_and_by_nothing_else() -> None:
    assert faults(inspect.getsource(named)) == []
    for module in MAY_IMPORT:
        source = inspect.getsource(module)
        assert faults(source) == [] and ("objects" in source) is (module is named)


def test_the_answering_code_takes_nothing_from_where_accounts_are_listed_or_addresses_held() -> None:
    for module in MAY_IMPORT:
        assert strangers(module, inspect.getsource(module)) == set()


def test_the_command_has_no_word_for_an_address_a_time_a_country_a_payment_or_a_pattern() -> None:
    assert words(parsed()) == WORDS


def test_a_request_has_no_field_for_it_either() -> None:
    assert set(court.Request.__slots__) == {"asked", "reference", "authority", "by", "username", "email"}


@pytest.mark.parametrize(
    "planted",
    [
        'Account.objects.filter(username__icontains="al")',
        'Account.objects.filter(country="se")',
        "Account.objects.filter(created_at__gte=day)",
        "Account.objects.filter(Q(email__endswith=domain))",
        "Account.objects.all()",
        'Account.objects.raw("SELECT * FROM account")',
        'connection.cursor().execute("SELECT 1")',
        "Account.objects.exclude(email=None)",
    ],
)
def test_a_planted_search_is_found(planted: str) -> None:
    assert faults(f"{inspect.getsource(named)}\n\nfound = {planted}\n") != []


@pytest.mark.parametrize(
    "planted",
    [
        "from tyst.records.readers import everybody",
        "from tyst.records import reservations",
        "import tyst.records.statements",
        "from tyst.gate.operator import ask",
    ],
)
def test_a_planted_import_is_found(planted: str) -> None:
    assert strangers(disclosure, f"{inspect.getsource(disclosure)}\n\n{planted}\n") != set()


@pytest.mark.parametrize("word", ["--address", "--ip", "--since", "--country", "--payment", "--pattern", "--like"])
def test_a_search_on_the_command_line_is_refused_and_a_planted_word_is_found(word: str) -> None:
    order = ["--reference", "B 1", "--authority", "Court", "--by", "se", "--approval", "a", "--to", "b"]
    for subject in (["--search"], ["--account", "alice"]):
        with pytest.raises(SystemExit):
            parsed().parse_args(["answer", *subject, word, "192.0.2.1", *order])
    parser = parsed()
    (actions,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    actions.choices["answer"].add_argument(word)
    assert words(parser) != WORDS
