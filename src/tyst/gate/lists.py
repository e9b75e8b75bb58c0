"""The path by which nodes fetch the operator's signed lists in pieces. Counterparts: `gate.shelf`, `node.lists`."""

from tyst.gate.room import Gate
from tyst.messages.lists import ListsOf, Piece


async def lists(gate: Gate, name: str, asked: ListsOf) -> Piece:
    """One piece for a node."""
    return gate.lists.piece(asked)
