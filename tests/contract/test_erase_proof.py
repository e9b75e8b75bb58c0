"""`./tyst proof erase`, driven whole: nothing of a deleted customer is left, and each planted fault is found; and for each
thing that a deletion has to do, a program that doesn't do it is found out.

Nearly all of a run's half minute is waiting: the gate's reader lets go of a row within 20 s. The short form runs on every
commit, the whole one and the programs that forget something by night.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tyst.lab.shop import shop
from tyst.proof import erase_check
from tyst.proof.check import How
from tyst.proof.erase import look

ROOT = Path(__file__).parents[2]
LEAKS = {
    "the address stays": (
        "records/erase.py",
        "        reservations.release(reservations.owner(owners, account), now)\n        gone",
        "        gone",
        look.RESERVED,
    ),
    "the card goes on": ("site/parting.py", "            provider.stop(name)", "            pass", look.MANDATE),
    "the list keeps her": ("site/parting.py", "services.outbox.unlist(email)", "True", look.LISTED),
    "a letter waits": (
        "site/parting.py",
        "    services.outbox.forget(email)\n",
        "",
        "her mail address is in the memory of the site",
    ),
    "the day's flag stays": (
        "gate/customers.py",
        "gate.connected.discard(handle)",
        "pass",
        "her handle is in the memory of the gate",
    ),
    "nothing is noted for a restore": (
        "records/erase.py",
        "        journal.erased(handle, journal.name(account.username), undone.today_of(now))\n",
        "",
        "after a restore her account is back",
    ),
}
"""What is taken out of which file, and what the check must then say."""


@pytest.fixture
def copy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The program's source once more, which the town runs from."""
    with TemporaryDirectory(prefix="tyst-leak-", dir="/dev/shm") as folder:
        shutil.copytree(ROOT / "src", Path(folder) / "src", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "tyst", folder)
        monkeypatch.setattr(shop, "LAUNCHER", Path(folder) / "tyst")
        yield Path(folder) / "src/tyst"


def test_a_deleted_customer_is_gone_within_a_minute() -> None:
    verdict = erase_check.run(How())
    assert verdict.found == () and verdict.passed
    assert verdict.figures["gone_after_s"] <= 60


@pytest.mark.night
def test_by_recovery_code_a_customer_is_gone_too_and_every_planted_fault_is_caught() -> None:
    said: list[str] = []
    verdict = erase_check.run(How(whole=True, tell=said.append))
    assert verdict.found == ()
    assert [fault.what for fault in verdict.faults if not fault.caught] == []
    assert len(verdict.faults) == 20 and verdict.passed
    assert verdict.figures["gone_after_s"] <= 60 and verdict.figures["code_gone_after_s"] <= 60
    assert said and not any("@" in one for one in said)


@pytest.mark.night
@pytest.mark.parametrize("leak", LEAKS)
def test_a_deletion_that_forgets_something_is_found_out(copy: Path, monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    name, old, new, sign = LEAKS[leak]
    text = (copy / name).read_text()
    assert text.count(old) == 1, "the line that the leak takes out is there"
    (copy / name).write_text(text.replace(old, new))
    monkeypatch.setattr(erase_check, "SECONDS", 40.0)
    verdict = erase_check.run(How())
    assert sign in verdict.found and not verdict.passed
