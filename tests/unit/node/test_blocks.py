"""A node counts the seconds of the operator's blocks itself, and forgets them when it is started anew."""

from tyst.messages.network import Block, Network, NetworkOf
from tyst.node.features import parts_of
from tyst.node.network import Fleet


class Gate:
    """Answers what it is given."""

    def __init__(self, answer: Network) -> None:
        self.answer = answer

    async def network(self, question: NetworkOf) -> Network:
        return self.answer


async def test_a_block_runs_down_while_the_gate_is_silent() -> None:
    now, kept = [100.0], list[Network]()
    gate = Gate(Network(b"1", blocks=(Block("192.0.2.0/24", "tcp", 443, 60),)))
    fleet = Fleet(gate, None, kept.append, lambda: now[0])
    assert fleet.blocks == [] and await fleet.refresh()
    assert [one.seconds for one in fleet.blocks] == [60]
    now[0] += 45
    assert [one.seconds for one in fleet.blocks] == [15]
    assert any("vp_block0" in part.declares() for part in parts_of(fleet))
    now[0] += 16
    assert fleet.blocks == []
    assert not any("vp_block0" in part.declares() for part in parts_of(fleet))


async def test_a_restarted_node_asks_for_the_blocks_again() -> None:
    kept: list[Network] = []
    fleet = Fleet(Gate(Network(b"1", blocks=(Block("192.0.2.0/24"),), draining=True)), None, kept.append)
    await fleet.refresh()
    assert kept == [Network(b"", draining=True)]


async def test_a_block_that_is_none_changes_nothing() -> None:
    fleet = Fleet(Gate(Network(b"1", blocks=(Block("nonsense"),))), None, lambda _: None)
    assert not await fleet.refresh() and fleet.now.version == b""
