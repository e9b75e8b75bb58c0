"""I14: the machine's clock jumps by a year, forward or back, or by a leap second: nobody's time ends, nobody's begins.

Gate and site as they are wired, over records of their own, with the process's wall clock in the test's hand (the real
one belongs to the whole machine). The node, which compares WireGuard's stamps with its own clock, is told in
`tests/unit/node/test_tunnels.py`: `test_a_jump_of_the_clock_ends_nobody_early_and_keeps_nobody_for_ever`.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import time as TimeOfDay
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.gate_cast import Customer, Provider
from tyst.core.rounding import extended, month_of
from tyst.core.steady import BELIEVED, SteadyClock
from tyst.core.tags import opener_of, tag_of
from tyst.gate.admission import admit_key, confirm
from tyst.gate.batch import run_batch
from tyst.gate.renewals import renew
from tyst.gate.room import Gate
from tyst.gate.wiring import Options, build
from tyst.messages.admission import Admission, AdmitKey, Confirm, Held, Renew, Verdict, Why
from tyst.messages.devices import RunBatch
from tyst.site.wiring import clock

pytestmark = pytest.mark.lab

YEAR = 365 * 86400.0
JUMPS = [YEAR, -YEAR, 1.0, -1.0, 30 * YEAR]
NODE = "se-sto"


@dataclass
class Wall:
    """The machine's clock, as much wrong as the test says."""

    jump: float = 0.0


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    set_wrong, right = Wall(), time.time
    monkeypatch.setattr(time, "time", lambda: right() + set_wrong.jump)
    return set_wrong


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    one = Provider(tmp_path_factory.mktemp("clock") / "state")
    yield one
    one.output.close()


@pytest.fixture
def gate(provider: Provider, wall: Wall) -> Iterator[Gate]:
    made = build(Options(provider.state, "127.0.0.1", 0, TimeOfDay(4), ("198.18.1.10",)))
    yield made
    made.passwords.close()
    made.records.close()


@pytest.fixture(scope="module")
def alice(provider: Provider) -> Customer:
    """Paid until three months from now."""
    return provider.customer("alice", until=time.strftime("%Y-%m-%d 23:59:59", time.gmtime(time.time() + 90 * 86400)))


@pytest.fixture(scope="module")
def bob(provider: Provider) -> Customer:
    """His time ended three months ago."""
    return provider.customer("bob", until=time.strftime("%Y-%m-%d 23:59:59", time.gmtime(time.time() - 90 * 86400)))


def now(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def admitted(gate: Gate, one: Customer) -> Admission:
    found: Admission = now(admit_key(gate, NODE, AdmitKey(tag_of(one.device), opener_of(one.device))))
    return found


def lease_of(gate: Gate, one: Customer) -> bytes:
    """A confirmed lease, as a node holds it."""
    found: Admission = now(confirm(gate, NODE, Confirm(admitted(gate, one).lease)))
    assert found.verdict is Verdict.OPEN
    return found.lease


def ended(gate: Gate, lease: bytes) -> list[Why]:
    return [one.why for one in now(renew(gate, NODE, Renew([Held(lease, False)]))).ended]


def believing(gate: Gate) -> None:
    """The gate with the machine's own clock, as it would be without `SteadyClock`."""
    gate.clock = lambda: time.time()


def test_a_gate_that_believed_its_clock_would_end_everybody_and_let_in_whose_time_is_over(
    gate: Gate, wall: Wall, alice: Customer, bob: Customer
) -> None:
    believing(gate)
    lease = lease_of(gate, alice)
    wall.jump = 23 * 3600.0 + 90 * 86400
    assert admitted(gate, alice).why is Why.EXPIRED and ended(gate, lease), "mass expiry"
    wall.jump = -YEAR
    assert admitted(gate, bob).verdict is Verdict.OPEN, "early grant"


@pytest.mark.parametrize("jump", JUMPS)
def test_no_jump_ends_alices_tunnel_or_opens_one_for_bob(
    gate: Gate, wall: Wall, alice: Customer, bob: Customer, jump: float
) -> None:
    lease = lease_of(gate, alice)
    wall.jump = jump
    assert ended(gate, lease) == [] and admitted(gate, alice).verdict is Verdict.OPEN
    assert admitted(gate, bob).why is Why.EXPIRED
    wall.jump = 0.0
    assert ended(gate, lease) == [] and admitted(gate, bob).why is Why.EXPIRED, "and when the clock is right again"
    gate.slots.drop(gate.account_key(alice.handle), gate.ticks())


@pytest.mark.parametrize("jump", [3 * YEAR, 30 * YEAR])
def test_no_jump_has_the_daily_batch_sweep_key_records_away(
    provider: Provider, gate: Gate, wall: Wall, alice: Customer, jump: float
) -> None:
    provider.sql("UPDATE key_record SET last_month = ?", month_of(clock()(), plus=24))
    count = provider.sql("SELECT count(*) FROM key_record")
    wall.jump = jump
    now(run_batch(gate, "", RunBatch()))
    assert provider.sql("SELECT count(*) FROM key_record") == count
    believing(gate)
    now(run_batch(gate, "", RunBatch()))
    assert provider.sql("SELECT count(*) FROM key_record") == [(0,)], "believed, it would have"
    provider.register(alice, alice.device)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_voucher_redeemed_at_the_site_is_worth_its_days_whatever_the_clock_says(wall: Wall, jump: float) -> None:
    doors_clock = clock()
    right = extended(None, days=30, today=doors_clock().date())
    wall.jump = jump
    assert extended(None, days=30, today=doors_clock().date()) == right


def test_corrections_are_followed_and_the_days_go_on_under_a_wrong_clock() -> None:
    said, ticks = [1_700_000_000.0], [50.0]
    steady = SteadyClock(lambda: said[0], lambda: ticks[0])
    said[0], ticks[0] = said[0] + 86_400 + 30, ticks[0] + 86_400
    assert steady() == said[0], "half a minute is believed"
    said[0] += YEAR
    ticks[0] += 10.0
    assert steady() == said[0] - YEAR + 10.0
    said[0] += 2 * 86_400 - YEAR
    ticks[0] += 2 * 86_400 - 10.0
    assert steady() == said[0], "right again"


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1e9, 1e9)), max_size=30))
def test_whatever_the_clock_does_each_step_moves_time_by_what_passed_and_an_hour_at_most(
    steps: list[tuple[float, float]],
) -> None:
    passed, wrong = 0.0, 0.0
    steady = SteadyClock(_at(lambda: 1.7e9 + passed + wrong), _at(lambda: passed))
    before = steady()
    for seconds, jump in steps:
        passed, wrong = passed + seconds, wrong + jump
        after = steady()
        assert abs(after - before - seconds) <= BELIEVED + 1e-3
        before = after


def _at(read: Callable[[], float]) -> Callable[[], float]:
    return read
