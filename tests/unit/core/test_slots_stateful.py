"""Any interleaving of connects, goodbyes, duplicates, restarts and partitions: never five, and true within one TTL.

The model is the world: which tunnels of one account are open on which node. A node renews every 20 s, unless it is cut
off; it ends what the gate says must end; a node that dies takes its tunnels with it and says nothing. The gate may die
and start empty at any moment.
"""

import itertools
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tyst.core.slots import MAX_SLOTS, RENEWAL, TTL, Renewal, SlotTable

KEY = b"alice"
NODES = st.sampled_from(["se-sto", "de-fra", "no-osl"])


@dataclass
class World:
    """What is really open: slot id → node, and which nodes are cut off from the gate."""

    open: dict[bytes, str] = field(default_factory=dict)
    quiet: set[bytes] = field(default_factory=set)
    cut_off: set[str] = field(default_factory=set)


class SlotsUnderFire(RuleBasedStateMachine):
    """One account, three nodes, one gate."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.table = SlotTable(started=0)
        self.world = World()
        self.numbers = itertools.count(1)
        self.past: list[bytes] = []

    @rule(node=NODES)
    def connect(self, node: str) -> None:
        if node in self.world.cut_off:
            return
        slot = next(self.numbers).to_bytes(8, "big")
        full = self.table.full(KEY, self.now)
        taken = self.table.take(KEY, slot, self.now)
        assert (taken is None) == full
        if taken is not None:
            self.world.open[slot] = node
            self.past.append(slot)

    @precondition(lambda self: self.world.open)
    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.world.open)))
        node = self.world.open.pop(slot)
        if node not in self.world.cut_off:
            before = self.table.count(KEY, self.now)
            released = self.table.release(KEY, slot)
            assert self.table.count(KEY, self.now) == before - released
            assert not released or not self.table.holds(KEY, slot, self.now)

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def a_goodbye_comes_twice(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(self.past))
        if slot not in self.world.open:
            self.table.release(KEY, slot)

    @precondition(lambda self: self.world.open)
    @rule(data=st.data())
    def falls_asleep_or_wakes(self, data: st.DataObject) -> None:
        self.world.quiet ^= {data.draw(st.sampled_from(sorted(self.world.open)))}

    @rule(node=NODES)
    def partition(self, node: str) -> None:
        self.world.cut_off ^= {node}

    @rule(node=NODES)
    def node_dies_without_a_word(self, node: str) -> None:
        self.world.open = {slot: where for slot, where in self.world.open.items() if where != node}

    @rule()
    def gate_is_killed_and_started(self) -> None:
        self.table = SlotTable(started=self.now)

    @rule()
    def disconnect_all(self) -> None:
        before = self.table.count(KEY, self.now)
        assert self.table.drop(KEY, self.now) == before
        assert self.table.count(KEY, self.now) == 0

    @rule(seconds=st.integers(1, 30))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.table.lapse(self.now)

    @rule()
    def nodes_renew(self) -> None:
        self._renew()

    @rule()
    def nodes_renew_twice(self) -> None:
        self._renew()
        self._renew()

    @rule(node=NODES)
    def heals_and_settles_within_one_term(self, node: str) -> None:
        """I2: with the gate in reach the count is the truth after one TTL and a renewal."""
        self.world.cut_off.clear()
        self._renew()
        for _ in range(TTL // RENEWAL + 1):
            self.now += RENEWAL
            assert self._renew() <= {Renewal.KEPT, Renewal.FULL}
        assert self.table.count(KEY, self.now) == len(self.world.open)

    def _renew(self) -> set[Renewal]:
        said = set()
        for slot, node in list(self.world.open.items()):
            if node in self.world.cut_off:
                continue
            answer = self.table.renew(KEY, slot, slot in self.world.quiet, self.now)
            said.add(answer)
            if answer in {Renewal.FULL, Renewal.DROPPED}:
                del self.world.open[slot]
        return said

    @invariant()
    def never_fewer_than_none_or_more_than_four(self) -> None:
        assert 0 <= self.table.count(KEY, self.now) <= MAX_SLOTS


SlotsUnderFire.TestCase.settings = settings(max_examples=500, stateful_step_count=100, deadline=None)
TestSlotsUnderFire = SlotsUnderFire.TestCase
