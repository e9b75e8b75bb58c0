"""`./tyst lab shop` in front of a person: it opens, sells, and takes everything away again."""

import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tyst.core.voucher import normalise
from tyst.lab.shop.regtest import free_port
from tyst.lab.shop.shop import Town, TownError

ROOT = Path(__file__).parents[2]
FOLDERS = [Path("/dev/shm"), Path("/tmp")]


def folders(process: int) -> set[Path]:
    """Those that a process made."""
    return {found for folder in FOLDERS for found in folder.glob(f"tyst-shop-{process}-*")}


def get(address: str, authority: Path | None = None) -> httpx.Response:
    verify = ssl.create_default_context(cafile=authority) if authority else True
    return httpx.get(address, trust_env=False, follow_redirects=True, timeout=15, verify=verify)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with Town(parts=("swish", "smtp"), jobs=False) as one:
        yield one
    assert not one.folder.exists()


def test_the_shop_is_open_in_both_ways(town: Town) -> None:
    assert get(f"{town.url}/en/pricing").status_code == 200
    assert get(f"{town.https}/en/pricing", town.ca_file).status_code == 200


def test_the_board_leads_to_each_part_and_issues_vouchers(town: Town) -> None:
    httpx.post(town.board.page, trust_env=False)
    page = get(town.board.page).text
    assert all(fake.page in page and get(fake.page).status_code == 200 for fake in town.fakes.values())
    found = re.search(r"<code>([^<]+)</code>", page)
    assert found is not None and normalise(found[1])


def test_the_operators_own_check_finds_the_fakes_well(town: Town) -> None:
    assert town.run("payments", "check").startswith("swish: ")


def test_the_processes_say_nothing(town: Town) -> None:
    get(town.url)
    assert town.said() == ""


def test_a_town_that_cannot_open_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = folders(os.getpid())
    monkeypatch.setitem(Town._configure.__globals__, "SELLER", {"name": ""})
    with pytest.raises(TownError), Town(parts=()):
        raise AssertionError("it opened")
    assert folders(os.getpid()) == before


def test_a_person_opens_it_and_ctrl_c_takes_it_away() -> None:
    port = free_port()
    command = [str(ROOT / "tyst"), "lab", "shop", "--only", "smtp", "--port", str(port)]
    shop = subprocess.Popen(
        command, env={"TYST_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert shop.stdout is not None
        lines = iter(shop.stdout.readline, "")
        assert any("Ctrl-C" in line for line in lines)
        assert get(f"http://localhost:{port}/en/").status_code == 200
        assert len(folders(shop.pid)) == 1
        shop.send_signal(signal.SIGINT)
        assert shop.wait(30) == 0
    finally:
        shop.terminate()  # never SIGKILL: it would leave the town's processes behind
        shop.communicate(timeout=30)
    assert not folders(shop.pid)
    with pytest.raises(httpx.ConnectError):
        get(f"http://localhost:{port}/")
