"""The operator's manual: every page is linked, every link leads somewhere, every command in it exists."""

import argparse
import importlib
import re
from pathlib import Path

import pytest

from tyst import cli

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs/operate"
PAGES = sorted(path for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"] if "decisions" not in path.parts)
COMMAND = re.compile(r"\./tyst ([a-z][^`\n#|)…]*)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def links(page: Path) -> list[Path]:
    """Where a page's own links lead, as files."""
    return [(page.parent / target).resolve() for target in LINK.findall(page.read_text())]


def parsers(room: str) -> argparse.ArgumentParser:
    """A command's parser."""
    module, _ = cli.JOURNEY if room == "lab journey" else cli.ROOMS[room]
    parser = argparse.ArgumentParser(prog=room)
    importlib.import_module(module).add_arguments(parser)
    return parser


def fault(words: list[str]) -> str:
    """Which word of a command its parser doesn't know; empty when it knows all."""
    if words[:2] == ["lab", "journey"]:
        words = ["lab journey", *words[2:]]
    if words[0] not in {*cli.ROOMS, "lab journey"}:
        return words[0]
    parser = parsers(words[0])
    for word in words[1:]:
        if word == "--":
            return ""
        if word.startswith("--") and word.split("=")[0] not in {*parser._option_string_actions}:
            return word
        actions = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
        if actions and not word.startswith("-"):
            if word not in actions[0].choices:
                return word
            parser = actions[0].choices[word]
    return ""


def commands(text: str) -> list[list[str]]:
    """The `./tyst` commands that a page speaks of: words and options; what stands for something is left as it is."""
    joined = text.replace("\\\n", " ")
    spoken = [re.split(r"[;&>]|\s{3,}", found)[0].split() for found in COMMAND.findall(joined)]
    return [[re.sub(r"[\[\].,:?'\"]", "", word).split("|")[0] for word in words] for words in spoken if words]


def test_every_page_of_the_manual_is_linked_from_its_index() -> None:
    linked = set(links(MANUAL / "README.md"))
    assert {path for path in MANUAL.glob("*.md") if path.name != "README.md"} == {
        p for p in linked if p.parent == MANUAL
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [str(path) for path in links(page) if not path.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_in_the_docs_exists(page: Path) -> None:
    assert [(words, fault(words)) for words in commands(page.read_text()) if fault(words)] == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert fault(["fleet", "ad", "se-sto"]) == "ad"
    assert fault(["fleet", "add", "se-sto", "--cities", "x"]) == "--cities"
    assert fault(["fly"]) == "fly"
    assert fault(["fleet", "add", "se-sto", "--city", "x", "--state", "y"]) == ""
    assert commands("`./tyst fleet add se-sto --city X` and\n./tyst lab journey # a walk") == [
        ["fleet", "add", "se-sto", "--city", "X"],
        ["lab", "journey"],
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in MANUAL.glob("*.md")))
def test_every_page_begins_with_its_title_and_says_something(name: str) -> None:
    text = (MANUAL / name).read_text()
    assert text.startswith("# ") and len(text.split()) > 60
