"""What our documents claim, they name a test for; and what they name exists. Both ways where there is another way."""

import re

import pytest

from tests.named import ROOT, missing, named, rows, sections

DOCS = ROOT / "docs"
PAGES = ("threat-model.md", "tensions.md", "promises.md")
KNOWN = re.compile(r"known issue: \*\*([^*]+)\*\*")


def text(page: str) -> str:
    """A page."""
    return (DOCS / page).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    assert missing(named(text(page))) == []


def test_every_line_of_the_threat_model_names_a_test() -> None:
    parts = sections(text("threat-model.md"))
    claims = [row for name, part in parts.items() if name != "Actors" for row in rows(part)]
    assert len(claims) > 40
    assert [row[0] for row in claims if not named(row[-1])] == []


def test_every_part_of_the_threat_model_names_one_too() -> None:
    assert [
        name for name, part in sections(text("threat-model.md")).items() if name != "Actors" and not named(part)
    ] == []


def test_the_tensions_are_all_there_once_and_in_order() -> None:
    assert [row[0] for row in rows(text("tensions.md"))] == [str(number) for number in range(1, 33)]


def test_each_tension_is_resolved_in_words_and_names_a_test_or_a_known_issue() -> None:
    known = text("known-issues.md")
    for number, what, how, shown in rows(text("tensions.md")):
        assert len(what) > 15 and len(how) > 15, number
        issues = KNOWN.findall(shown)
        assert named(shown) or issues, number
        assert [one for one in issues if f"**{one}" not in known] == [], number


def test_every_test_of_a_tension_stands_in_its_line() -> None:
    lines = {int(row[0]): row[-1] for row in rows(text("tensions.md"))}
    files = sorted((ROOT / "tests/unit/tensions").glob("test_*.py"))
    assert files
    assert [one.name for one in files if f"tests/unit/tensions/{one.name}" not in lines[int(one.name[5:7])]] == []


def test_each_of_the_eight_promises_names_a_test() -> None:
    promises = rows(text("promises.md"))
    assert [row[0] for row in promises] == [str(number) for number in range(1, 9)]
    assert [row[0] for row in promises if not named(row[-1])] == []


def test_a_name_of_nothing_is_noticed() -> None:
    assert missing(["tests/unit/test_named_tests.py::test_that_is_not_there"]) != []
    assert missing(["tests/unit/test_no_such_file.py"]) != []
    assert missing(["tests/unit/test_named_tests.py::test_a_name_of_nothing_is_noticed"]) == []


def test_a_line_without_a_test_is_noticed() -> None:
    table = "| promise | test |\n|---|---|\n| a | `tests/named.py` |\n| b | nothing |\n"
    assert [row[0] for row in rows(table) if not named(row[-1])] == ["b"]
