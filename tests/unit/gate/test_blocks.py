"""The operator's blocks: few, in RAM, each with an end, and a version that time alone does not change."""

import pytest
from msgspec import structs

from tyst.gate import blocks
from tyst.gate.blocks import MOST, BlockList
from tyst.gate.door import PATHS
from tyst.gate.identity import Role
from tyst.gate.refusals import Refused
from tyst.messages.blocks import Blocks, SetBlock
from tyst.messages.network import Block

WEB = Block("192.0.2.0/24", "tcp", 443, 600)


def test_a_block_ends_by_itself() -> None:
    one = BlockList()
    assert one.put(WEB, 1000.0)
    assert one.standing(1400.0) == (structs.replace(WEB, seconds=200),)
    assert one.standing(1600.0) == ()


def test_the_version_changes_with_blocks_and_not_with_time() -> None:
    one = BlockList()
    none = one.version(0.0)
    one.put(WEB, 0.0)
    during = one.version(0.0)
    assert one.version(300.0) == during != none
    one.put(WEB, 300.0)
    assert one.version(300.0) not in (none, during)
    assert one.version(900.0) == none
    one.put(WEB, 1000.0)
    one.end(structs.replace(WEB, seconds=5))
    assert one.version(1000.0) == none


def test_there_is_room_for_64_and_one_that_stands_may_begin_anew() -> None:
    one = BlockList()
    assert all(one.put(Block(f"192.0.2.{n}"), 0.0) for n in range(MOST))
    assert not one.put(WEB, 0.0) and one.put(Block("192.0.2.1"), 5.0)
    assert one.put(WEB, 3700.0), "those have ended"


@pytest.mark.parametrize(
    "wrong",
    [Block("0.0.0.0/0"), Block("::/0"), Block("x"), Block("192.0.2.1", "", 80), Block("192.0.2.1", seconds=0)],
)
async def test_what_would_cut_everybody_off_or_is_no_block_is_refused(wrong: Block) -> None:
    class Room:
        blocks = BlockList()

        @staticmethod
        def ticks() -> float:
            return 0.0

    with pytest.raises(Refused):
        await blocks.block(Room, "", SetBlock(wrong))  # type: ignore[arg-type]
    assert await blocks.block(Room, "", SetBlock(WEB)) == Blocks((WEB,))  # type: ignore[arg-type]


def test_only_the_operator_may_and_no_field_says_who() -> None:
    assert PATHS["/v1/block"].role is PATHS["/v1/blocks"].role is Role.OPERATOR
    assert structs.fields(Block) and {one.name for one in structs.fields(Block)} == {
        "net",
        "protocol",
        "port",
        "seconds",
    }
