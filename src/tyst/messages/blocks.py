"""Operator → gate: 'nobody reaches this for a while', and what stands now. No field says who, or why."""

import msgspec

from tyst.messages.network import Block


class SetBlock(msgspec.Struct, frozen=True):
    """A block from now on, for its `seconds`; the same one again begins anew. `over`: it ends now."""

    block: Block
    over: bool = False


class ListBlocks(msgspec.Struct, frozen=True):
    """Which blocks stand?"""


class Blocks(msgspec.Struct, frozen=True):
    """The answer to both: all that stand, each with the seconds that are left. `full`: no room for one more."""

    blocks: tuple[Block, ...] = ()
    full: bool = False
