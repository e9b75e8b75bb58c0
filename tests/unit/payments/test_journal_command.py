"""What the accountant gets: a month's sums as a table and as pages, and nothing else."""

import argparse
import csv
import io
import re
import zlib
from pathlib import Path

import pytest

from tests.unit.django_once import database_path, emptied

MONTH = "2026-03"


@pytest.fixture(autouse=True)
def month() -> None:
    """Two countries' sales, and a return."""
    emptied()
    from tyst.records.models import Journal

    rows = [
        ("2026-03-02", "sale", "se", 2500, "SEK", "swish", 7, 55440, 13860),
        ("2026-03-02", "return", "se", 2500, "SEK", "swish", 1, -7920, -1980),
        ("2026-03", "sale", "fi", 2550, "EUR", "any", 2, 1577, 403),
        ("2026-04-01", "sale", "se", 2500, "SEK", "swish", 9, 1, 1),
    ]
    for period, kind, country, rate, currency, method, count, net, vat in rows:
        key = {"period": period, "kind": kind, "country": country, "rate": rate, "currency": currency}
        what = {"method": method, "product": "subscription"}
        Journal(**key, **what, count=count, net=net, vat=vat).save(force_insert=True)


def test_the_accountant_gets_a_table_whose_sums_are_the_months(tmp_path: Path) -> None:
    from tyst.payments.journal_command import export

    table, _ = export(database_path().parent, MONTH, tmp_path)
    assert table.name == "journal-2026-03.csv" and table.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [(row["period"], row["kind"], row["country"], row["rate"], row["count"]) for row in rows] == [
        ("2026-03", "sale", "FI", "25.5", "2"),
        ("2026-03-02", "return", "SE", "25", "1"),
        ("2026-03-02", "sale", "SE", "25", "7"),
    ]
    assert [row["gross"] for row in rows] == ["19.80", "-99.00", "693.00"]


def test_the_pages_say_the_sums_by_country_and_are_the_same_each_time(tmp_path: Path) -> None:
    from tyst.payments.journal_command import export

    first, second = ((tmp_path / name) for name in ("one", "two"))
    for folder in (first, second):
        folder.mkdir()
        export(database_path().parent, MONTH, folder)
    paper = (first / "journal-2026-03.pdf").read_bytes()
    assert paper == (second / "journal-2026-03.pdf").read_bytes()
    assert b"D:20260301000000" in paper, "not when it was made"
    said = b"".join(zlib.decompress(one) for one in re.findall(rb"stream\n(.*?)\nendstream", paper, re.DOTALL))
    for text in (b"Sales and VAT, 2026-03", b"594.00", b"475.20", b"118.80", b"19.80"):
        assert text in said, text


def test_a_month_without_sales_is_an_empty_table(tmp_path: Path) -> None:
    from tyst.payments.journal_command import export

    table, _ = export(database_path().parent, "2020-01", tmp_path)
    assert len(table.read_text().splitlines()) == 1


def test_a_word_that_is_no_month_and_a_folder_without_records_get_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tyst.payments import journal_command

    parser = argparse.ArgumentParser()
    journal_command.add_arguments(parser)
    for word in ("march", "2026-13", "2026"):
        with pytest.raises(SystemExit):
            parser.parse_args(["export", "--month", word])
    args = parser.parse_args(["export", "--month", MONTH, "--state", str(tmp_path), "--to", str(tmp_path)])
    assert journal_command.run(args) == 1
    assert "fleet init" in capsys.readouterr().err and not list(tmp_path.iterdir())
