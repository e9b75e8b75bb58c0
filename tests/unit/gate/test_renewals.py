"""A lease that has run its 24 hours ends, and its slot does not stand in the way of the one that follows."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time as TimeOfDay
from pathlib import Path

import pytest

from tests.contract.gate_cast import Customer, Provider
from tyst.core.tags import opener_of, tag_of
from tyst.gate import admission, renewals, wiring
from tyst.gate.room import Gate
from tyst.messages.admission import Admission, AdmitKey, Confirm, Ended, Held, Renew, Verdict, Why


@dataclass
class Clock:
    """Both of the gate's clocks, moved by hand."""

    now: float = 0.0


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    one = Provider(tmp_path / "state")
    yield one
    one.output.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
def gate(provider: Provider, clock: Clock) -> Iterator[Gate]:
    room = wiring.build(wiring.Options(provider.state, "", 0, TimeOfDay(4)))
    room.clock = room.ticks = lambda: clock.now
    yield room
    room.passwords.close()
    room.records.close()


async def connect(gate: Gate, one: Customer) -> Admission:
    asked = AdmitKey(tag_of(one.device), opener_of(one.device))
    admitted = await admission.admit_key(gate, "se-sto", asked)
    return await admission.confirm(gate, "se-sto", Confirm(admitted.lease)) if admitted.lease else admitted


async def test_no_lease_outlives_24_hours_without_a_new_admission(provider: Provider, gate: Gate, clock: Clock) -> None:
    alice = provider.customer("alice")
    lease = (await connect(gate, alice)).lease
    for _ in range(24 * 180):
        clock.now += 20
        if (await renewals.renew(gate, "se-sto", Renew([Held(lease)]))).ended:
            break
    else:
        clock.now += 80
        assert (await renewals.renew(gate, "se-sto", Renew([Held(lease)]))).ended == [Ended(0, Why.BUSY)]
    assert gate.slots.count(gate.account_key(alice.handle), clock.now) == 0
    assert (await connect(gate, alice)).verdict is Verdict.OPEN


async def test_an_unconfirmed_lease_is_worth_nothing_after_ten_seconds(
    provider: Provider, gate: Gate, clock: Clock
) -> None:
    alice = provider.customer("alice")
    asked = AdmitKey(tag_of(alice.device), opener_of(alice.device))
    lease = (await admission.admit_key(gate, "se-sto", asked)).lease
    assert (await renewals.renew(gate, "se-sto", Renew([Held(lease)]))).ended == []
    clock.now += 10
    assert (await admission.confirm(gate, "se-sto", Confirm(lease))).verdict is Verdict.BUSY
    assert (await renewals.renew(gate, "se-sto", Renew([Held(lease)]))).ended == [Ended(0, Why.BUSY)]
    assert gate.connected == set()


async def test_a_subscription_that_ends_at_midnight_ends_the_tunnel_after_it(
    provider: Provider, gate: Gate, clock: Clock
) -> None:
    today = time.strftime("%Y-%m-%d 23:59:59", time.gmtime(clock.now))
    alice = provider.customer("alice", until=today)
    midnight = clock.now - clock.now % 86400 + 86400
    clock.now = midnight - 30
    lease = (await connect(gate, alice)).lease
    clock.now = midnight - 1
    assert (await renewals.renew(gate, "se-sto", Renew([Held(lease)]))).ended == []
    clock.now = midnight
    assert (await renewals.renew(gate, "se-sto", Renew([Held(lease)]))).ended == [Ended(0, Why.EXPIRED)]
    assert gate.slots.count(gate.account_key(alice.handle), clock.now) == 0


async def test_a_node_that_dies_gives_its_slots_back_within_ninety_seconds(
    provider: Provider, gate: Gate, clock: Clock
) -> None:
    alice = provider.customer("alice")
    await connect(gate, alice)
    key = gate.account_key(alice.handle)
    clock.now += 89
    assert gate.slots.count(key, clock.now) == 1
    clock.now += 1
    assert gate.slots.count(key, clock.now) == 0
