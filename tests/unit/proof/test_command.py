"""`./tyst proof`: what it runs, what it exits with, and what its report says to whom."""

import argparse
import json
import sys
import types
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tyst.proof import command, page
from tyst.proof.check import Fault, How, Verdict

VOID = {"meta", "br"}


def check(name: str, *, found: tuple[str, ...] = (), caught: bool = True, breaks: bool = False) -> types.ModuleType:
    """A check that says this."""

    def run(how: How) -> Verdict:
        how.tell("looking")
        if breaks:
            raise ValueError("secret-value-7311")
        faults = (Fault("a <log> of visits", caught),)
        return Verdict(name, ("one & two",), ("files",), found, faults, ("the moon",), {"scan_gb_per_cpu_s": 1.5})

    module = types.ModuleType(f"pretended_{name}")
    module.NAME, module.MEANING, module.run = name, f"Claim of {name}.", run  # type: ignore[attr-defined]
    return module


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, types.ModuleType]:
    """Two checks that pass."""
    made = {name: check(name) for name in ("first", "second")}
    monkeypatch.setattr(command, "CHECKS", {name: module.__name__ for name, module in made.items()})
    for module in made.values():
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


def ran(*words: str) -> int:
    """`./tyst proof` with these words."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


def test_without_a_name_all_checks_run_and_the_report_is_written(checks: object, tmp_path: Path) -> None:
    saved, shown = tmp_path / "var/proof.json", tmp_path / "var/proof.html"
    assert ran("--save", str(saved), "--html", str(shown)) == 0
    report = json.loads(saved.read_text())
    assert report["passed"] and report["form"] == "short"
    assert [one["check"] for one in report["checks"]] == ["first", "second"]
    assert "All checks passed." in shown.read_text()


def test_a_named_check_runs_alone(checks: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("second", "--json") == 0
    assert [one["check"] for one in json.loads(capsys.readouterr().out)["checks"]] == ["second"]


def test_a_check_that_does_not_exist_is_said_and_nothing_runs(
    checks: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("third") == 2
    assert "there is no check third" in capsys.readouterr().err


@pytest.mark.parametrize(
    "broken",
    [check("first", found=("an address in a file",)), check("first", caught=False), check("first", breaks=True)],
    ids=["found", "not caught", "breaks"],
)
def test_what_was_found_not_caught_or_not_run_fails(
    checks: object,
    broken: types.ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setitem(sys.modules, "pretended_first", broken)
    shown = tmp_path / "proof.html"
    assert ran("--html", str(shown)) == 1
    said = capsys.readouterr()
    assert "1 of 2 checks did not pass." in shown.read_text()
    assert "secret-value-7311" not in said.out + said.err + shown.read_text(), "an error's text may hold a value"


class Tags(HTMLParser):
    """Reads a page as a browser would: tags that match, and what would be loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [f"{tag} {name}" for name, value in attrs if name == "src" or (value or "").startswith("http")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_loads_nothing_and_shows_text_as_text(checks: object, tmp_path: Path) -> None:
    shown = tmp_path / "proof.html"
    ran("--html", str(shown))
    text, tags = shown.read_text(), Tags()
    tags.feed(text)
    assert tags.open == [] and tags.loaded == [] and "<script" not in text and "url(" not in text
    assert "A &lt;log&gt; of visits" in text and "One &amp; two" in text
    assert "prefers-color-scheme:dark" in text and "@media print" in text


def test_a_check_without_planted_faults_shows_nothing() -> None:
    nothing = Verdict("first", (), (), (), (), ())
    assert not nothing.passed
    row = {**nothing.as_dict(), "meaning": "Claim.", "broken": "", "seconds": 1}
    assert "None: so nothing is shown." in page.html(command.assemble([row], whole=False))


def test_every_check_is_a_module_that_says_what_it_claims() -> None:
    for name, module in command.CHECKS.items():
        there = __import__(module, fromlist=["run"])
        assert name == there.NAME and there.MEANING.endswith(".") and callable(there.run)
