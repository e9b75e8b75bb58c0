"""Row 31: many people redeem one voucher at the same moment, and more than one gains its days.

Two site processes serve two hundred customers at once; one of them wins. (`tests/unit/records/test_vouchers.py` runs the
same race at the records, without the site.)
"""

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.findings.account import Account, Page
from tests.findings.world import World
from tyst.core.voucher import hash_of
from tyst.lab.bringup import GATE_NAME, GATE_PORT, STATE, TYST

pytestmark = pytest.mark.lab

PEOPLE = 200
SECOND_PORT = 4443


@pytest.fixture
def second_site(world: World) -> Iterator[int]:
    """A second site process over the same records."""
    words = [TYST, "serve", "--state", STATE, "--https", f"[::]:{SECOND_PORT}", "--http", "127.0.0.1:8001"]
    words += ["--gate", f"https://{GATE_NAME}:{GATE_PORT}"]
    process = world.control.popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    yield SECOND_PORT
    process.terminate()
    assert process.communicate(timeout=20) == ("", ""), "the site says nothing about anything"


def together(actions: list[threading.Thread]) -> None:
    """Runs them all at once, to their end."""
    for action in actions:
        action.start()
    for action in actions:
        action.join(60)
        assert not action.is_alive(), "somebody still waits for the site"


def naive(database: Path, code: bytes, handle: int, start: threading.Barrier, won: list[int]) -> None:
    """Redeems as one is tempted to: look whether it is there, then give the days, then take it away."""
    with sqlite3.connect(database, timeout=20, isolation_level=None) as records:
        start.wait()
        if records.execute("SELECT days FROM voucher WHERE hash = ?", (code,)).fetchone():
            time.sleep(0.01)  # whatever else a page does
            records.execute("UPDATE account SET days = days + 30 WHERE handle = ?", (handle,))
            records.execute("DELETE FROM voucher WHERE hash = ?", (code,))
            won.append(handle)
    records.close()


def test_redeemed_without_a_transaction_a_voucher_is_worth_more_than_once(tmp_path: Path) -> None:
    database, code, won = tmp_path / "naive.sqlite3", os.urandom(32), list[int]()
    with sqlite3.connect(database) as records:
        records.executescript("CREATE TABLE voucher (hash, days); CREATE TABLE account (handle, days);")
        records.execute("INSERT INTO voucher VALUES (?, 30)", (code,))
        records.executemany("INSERT INTO account VALUES (?, 0)", [(number,) for number in range(20)])
    records.close()
    start = threading.Barrier(20)
    together([threading.Thread(target=naive, args=(database, code, one, start, won)) for one in range(20)])
    assert len(won) > 1


def test_of_two_hundred_people_at_two_sites_one_redeems_the_voucher(world: World, second_site: int) -> None:
    people = world.customers(PEOPLE, 0, paid=False)
    (code,) = world.provider.vouchers(1)
    start, pages = threading.Barrier(PEOPLE), list[Page]()

    def redeem(session: str, port: int) -> None:
        account = Account(world, session, port=port)
        start.wait(60)
        pages.append(account.post("/en/account/voucher", {"code": code}))

    sides = [443, second_site] * (PEOPLE // 2)
    together(
        [threading.Thread(target=redeem, args=(one.session, port)) for one, port in zip(people, sides, strict=True)]
    )
    assert sorted({page.status for page in pages}) == [200, 422] and len(pages) == PEOPLE
    assert [page.status for page in pages].count(200) == 1
    assert len({page.wrong for page in pages if page.status == 422}) == 1, "a used voucher has one sentence"
    handles = [one.handle for one in people]
    marks = ",".join("?" * PEOPLE)
    query = f"SELECT count(*) FROM account WHERE subscription IS NOT NULL AND handle IN ({marks})"
    assert world.sql(query, *handles) == [(1,)]
    assert world.sql("SELECT count(*) FROM voucher WHERE hash = ?", hash_of(code)) == [(0,)]
    world.sql(f"DELETE FROM account WHERE handle IN ({marks})", *handles)
