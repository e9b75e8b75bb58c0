"""What the gate gathers of cities: heaps of whole slots in RAM, and one write a day, whoever used what."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tyst.core.openness.traffic import SLOT_SECONDS, Heap
from tyst.gate.batch import _write_statistics
from tyst.gate.totals import Totals
from tyst.records import statistics

FLEET = {"se-sto": "sto", "se-sto2": "sto", "de-fra": "fra"}
BEGIN = 1_795_478_400.0
"""2026-11-24 00:00 UTC."""


def running(totals: Totals, slot: int) -> None:
    """The slots' clock stands at the beginning of this one; the first, in which the gate began, is over."""
    for number in range(-1, slot + 1):
        totals.tick(BEGIN + number * SLOT_SECONDS, lambda: FLEET)


def test_a_slot_holds_the_sum_of_a_citys_servers() -> None:
    totals = Totals()
    running(totals, 0)
    for node, steps in {"se-sto": (10, 20), "se-sto2": (1, 1), "de-fra": (4,)}.items():
        for step in steps:
            totals.note(node, step)
    totals.tick(BEGIN + SLOT_SECONDS, lambda: FLEET)
    assert totals.take() == {"2026-11": {"sto": Heap(1, 1, 0, {16: 1}), "fra": Heap(1, 1, 0, {4: 1})}}
    assert totals.take() == {}


def test_one_server_that_may_hide_somebody_withholds_its_city() -> None:
    totals = Totals()
    running(totals, 0)
    totals.note("se-sto", 50)
    totals.note("se-sto2", 3)
    totals.note("se-sto2", None)
    totals.tick(BEGIN + SLOT_SECONDS, lambda: FLEET)
    assert totals.take()["2026-11"] == {"sto": Heap(1, 1, 1), "fra": Heap(1)}, "and who said nothing was down"


def test_the_slot_in_which_the_gate_began_is_left_out() -> None:
    totals = Totals()
    totals.note("se-sto", 5)
    totals.tick(BEGIN + 200, lambda: FLEET)
    totals.note("se-sto", 5)
    totals.tick(BEGIN + SLOT_SECONDS, lambda: FLEET)
    assert totals.take() == {}
    totals.tick(BEGIN + SLOT_SECONDS + 299, lambda: FLEET)
    assert totals.take() == {}, "and a slot that runs is nobody's yet"


def test_a_slot_without_records_is_lost_and_the_next_is_whole() -> None:
    totals = Totals()
    running(totals, 0)

    def away() -> dict[str, str]:
        raise OSError

    with pytest.raises(OSError):
        totals.tick(BEGIN + SLOT_SECONDS, away)
    totals.note("de-fra", 2)
    totals.tick(BEGIN + 2 * SLOT_SECONDS, lambda: FLEET)
    assert totals.take()["2026-11"]["fra"] == Heap(1, 1, 0, {2: 1})


async def test_the_batch_writes_daily_used_or_not_and_keeps_what_it_could_not_write(tmp_path: Path) -> None:
    totals = Totals()
    gate: Any = SimpleNamespace(state=tmp_path, totals=totals, clock=lambda: BEGIN)
    await _write_statistics(gate)
    file = tmp_path / statistics.FOLDER / "2026-11.json"
    assert statistics.of_month(tmp_path, "2026-11") == {} and file.stat().st_mode & 0o077 == 0
    running(totals, 3)
    file.write_bytes(b"{}")
    await _write_statistics(gate)
    file.unlink()
    await _write_statistics(gate)
    assert statistics.of_month(tmp_path, "2026-11") == {"sto": Heap(3), "fra": Heap(3)}
    running(totals, 1)
    totals.tick(BEGIN + 2 * SLOT_SECONDS, lambda: FLEET)
    await _write_statistics(gate)
    assert statistics.of_month(tmp_path, "2026-11")["fra"].slots > 3


async def test_between_batches_nothing_is_written(tmp_path: Path) -> None:
    totals = Totals()
    gate: Any = SimpleNamespace(state=tmp_path, totals=totals, clock=lambda: BEGIN)
    running(totals, 50)
    assert list(tmp_path.iterdir()) == []
    await _write_statistics(gate)
    assert len(list(tmp_path.rglob("*.json"))) == 1


async def test_a_month_that_cannot_be_written_waits_and_the_other_is_not_counted_twice(tmp_path: Path) -> None:
    totals = Totals()
    gate: Any = SimpleNamespace(state=tmp_path, totals=totals, clock=lambda: BEGIN)
    totals.put_back({"2026-10": {"sto": Heap(2)}, "2026-11": {"sto": Heap(5)}})
    (tmp_path / statistics.FOLDER).mkdir()
    damaged = tmp_path / statistics.FOLDER / "2026-11.json"
    damaged.write_bytes(b"[")
    await _write_statistics(gate)
    damaged.unlink()
    await _write_statistics(gate)
    assert statistics.of_month(tmp_path, "2026-10") == {"sto": Heap(2)}
    assert statistics.of_month(tmp_path, "2026-11") == {"sto": Heap(5)} and totals.take() == {}
