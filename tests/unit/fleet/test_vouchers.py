"""Vouchers on paper: what is printed scans, redeems, and tells a server nothing; what can't be written issues nothing."""

import csv
import io
import re
import stat
import subprocess
import zlib
from pathlib import Path

import pytest

from tyst.cli import main
from tyst.core.product import Product
from tyst.core.voucher import hash_of
from tyst.fleet import founding
from tyst.fleet.voucher_sheet import LANGUAGES, Batch, as_pdf
from tyst.records.statements import open_records
from tyst.records.where import chosen

PIXELS = 8
"""A millimetre has so many in the test's printer."""
_RECT = re.compile(rb"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re f")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    founding.found(founding.Plan(folder, "https://tyst.test", ["gate.tyst.test"]), now=1_790_000_000.0)
    return folder


def issued(state: Path) -> int:
    import sqlite3

    with sqlite3.connect(state / "records.sqlite3") as records:
        return int(records.execute("SELECT count(*) FROM voucher").fetchone()[0])


def pages(pdf: bytes) -> list[bytes]:
    """The drawing of each page."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    drawn = [zlib.decompress(one) for one in streams if one[:1] == b"x"]
    return [one for one in drawn if b" re f" in one]


def printed(page: bytes, path: Path) -> Path:
    """A picture of the page's black squares, as a printer makes it: grey map (netpbm)."""
    width, height = 210 * PIXELS, 297 * PIXELS
    picture = [bytearray(b"\xff" * width) for _ in range(height)]
    scale = 25.4 / 72 * PIXELS
    for x, y, w, h in _RECT.findall(page):
        left, right = round(float(x) * scale), round((float(x) + float(w)) * scale)
        top = height - round(float(y) * scale)
        bottom = height - round((float(y) + float(h)) * scale)
        for row in range(min(top, bottom), max(top, bottom)):
            picture[row][left:right] = bytes(right - left)
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + b"".join(picture))
    return path


def scanned(picture: Path) -> set[str]:
    words = ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(picture)]
    return set(subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout.split())


def test_each_printed_code_scans_and_is_in_the_records(state: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.pdf"
    words = ["voucher", "issue", "--days", "30", "--count", "12", "--sheet", str(sheet), "--state", str(state)]
    assert main(words) == 0
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    drawn = pages(sheet.read_bytes())
    links = set().union(*(scanned(printed(page, tmp_path / f"{number}.pgm")) for number, page in enumerate(drawn)))
    assert len(drawn) == 2 and len(links) == 12
    records = open_records(chosen(state))
    records.close()
    import sqlite3

    with sqlite3.connect(state / "records.sqlite3") as known:
        hashes = {bytes(row[0]) for row in known.execute("SELECT hash FROM voucher WHERE days = 30")}
    assert hashes == {hash_of(link.partition("#")[2]) for link in links}
    assert {link.partition("#")[0] for link in links} == {"https://tyst.test/en/account/voucher"}


def test_no_server_sees_a_scanned_code() -> None:
    batch = Batch(["AAAAA-BBBBB-CCCCC-DDD"], 30, Product.SUBSCRIPTION, "https://tyst.test")
    sent, _, kept = batch.link(batch.codes[0]).partition("#")
    assert kept == batch.codes[0] and batch.codes[0] not in sent and "?" not in sent


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sheet_says_nothing_of_when_or_which(language: str) -> None:
    batch = Batch(["AAAAA-BBBBB-CCCCC-DDD"], 365, Product.MULTIHOP, "https://tyst.test", language)
    one = as_pdf(batch)
    assert as_pdf(batch) == one and b"fpdf" not in one.lower() and b"D:2000" in one


def test_a_reseller_gets_a_table(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["voucher", "issue", "--days", "7", "--count", "3", "--csv", "--for", "ipv4", "--state", str(state)]) == 0
    )
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 3 == issued(state)
    assert all((row["days"], row["product"]) == ("7", "ipv4") and row["code"] in row["link"] for row in rows)


def test_codes_on_paper_are_not_shown_on_the_screen_too(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.pdf"
    assert main(["voucher", "issue", "--days", "7", "--sheet", str(sheet), "--state", str(state)]) == 0
    assert not re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}", capsys.readouterr().out)


def test_a_sheet_that_cannot_be_written_issues_nothing(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "sheet.pdf"
    there.write_bytes(b"yesterday's vouchers")
    for path in (there, tmp_path / "no" / "such" / "folder.pdf"):
        assert main(["voucher", "issue", "--days", "7", "--sheet", str(path), "--state", str(state)]) == 1
    assert issued(state) == 0 and there.read_bytes() == b"yesterday's vouchers"
    assert "tyst voucher:" in capsys.readouterr().err
