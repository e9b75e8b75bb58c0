"""Operators' commands are counted by kind and month, and nothing else about them is anywhere."""

import argparse
import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tyst import cli
from tyst.records import staff

NOVEMBER = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)


def test_a_command_is_counted_by_kind_and_month(tmp_path: Path) -> None:
    staff.count(tmp_path, "voucher", NOVEMBER)
    staff.count(tmp_path, "voucher", NOVEMBER)
    staff.count(tmp_path, "disclose", NOVEMBER.replace(month=12))
    assert json.loads((tmp_path / staff.FILE).read_text()) == {"2026-11": {"voucher": 2}, "2026-12": {"disclose": 1}}
    assert staff.counts(tmp_path) == {"voucher": 2, "disclose": 1}
    assert (tmp_path / staff.FILE).stat().st_mode & 0o777 == 0o600


def test_nothing_but_listed_kinds_is_ever_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no operator's command"):
        staff.count(tmp_path, "alice", NOVEMBER)
    assert not (tmp_path / staff.FILE).exists()
    (tmp_path / staff.FILE).write_text('{"2026-11": {"alice": 1, "fleet": 2}}')
    assert staff.by_month(tmp_path) == {"2026-11": {"fleet": 2}}


def test_after_thirteen_months_they_go(tmp_path: Path) -> None:
    for year, month in ((2025, 9), (2025, 10), (2025, 11), (2026, 10)):
        staff.count(tmp_path, "fleet", datetime(year, month, 1, tzinfo=UTC))
    staff.count(tmp_path, "fleet", NOVEMBER)
    assert sorted(staff.by_month(tmp_path)) == ["2025-11", "2026-10", "2026-11"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"2026-11": 3}', "\x00", '{"2026-11": {"fleet": "x"}}'])
def test_a_damaged_file_stops_no_command(tmp_path: Path, text: str) -> None:
    (tmp_path / staff.FILE).write_text(text)
    staff.count(tmp_path, "fleet", NOVEMBER)
    assert staff.by_month(tmp_path)["2026-11"] == {"fleet": 1}


def test_where_nothing_can_be_written_the_command_has_still_been_done(tmp_path: Path) -> None:
    staff.count(tmp_path / "absent", "fleet", NOVEMBER)


@pytest.mark.parametrize(("code", "counted"), [(0, {"voucher": 1}), (1, {})])
def test_the_command_line_counts_what_went_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, counted: dict[str, int]
) -> None:
    def words(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--state", type=Path)
        parser.add_argument("account", nargs="?")

    module = SimpleNamespace(add_arguments=words, run=lambda _: code)
    monkeypatch.setattr(importlib, "import_module", lambda _: module)
    assert cli.main(["voucher", "alice", "--state", str(tmp_path)]) == code
    assert staff.counts(tmp_path) == counted
    assert not any("alice" in path.read_text() for path in tmp_path.iterdir())
