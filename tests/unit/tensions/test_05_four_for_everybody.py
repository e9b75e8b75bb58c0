"""Tension 5: how many devices may connect is one number for all; nothing that would need a history comes into it."""

import inspect
from dataclasses import fields

from tyst.core import slots
from tyst.core.entitlement import Allowed, Facts


def test_four_is_the_only_number_there_is() -> None:
    assert slots.MAX_SLOTS == 4
    table = slots.SlotTable(started=-100.0)
    taken = [table.take(b"alice", bytes([number]) * 8, 0.0) for number in range(6)]
    assert [one is not None for one in taken] == [True] * 4 + [False] * 2


def test_nothing_that_the_gate_reads_of_an_account_could_raise_it() -> None:
    read = {one.name for one in (*fields(Facts), *fields(Allowed))}
    assert read == {"subscription", "multihop", "ipv6", "streaming", "compression", "connected", "ipv4"}
    for method in (slots.SlotTable.take, slots.SlotTable.renew):
        assert set(inspect.signature(method).parameters) == {"self", "key", "slot_id", "now"} | (
            {"quiet"} if method is slots.SlotTable.renew else set()
        )
