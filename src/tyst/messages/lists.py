"""Node → gate: the operator's signed lists, in pieces. The gate hands on bytes; only nodes read them (`core.lists`)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from tyst.core.lists import MAX_BYTES
from tyst.messages.network import Version

PIECE = 1 << 20
"""Bytes of a bundle in one answer."""


class ListsOf(msgspec.Struct, frozen=True):
    """`version`: what `Network.lists` said; `start`: from which byte on."""

    version: Version
    start: Annotated[int, Meta(ge=0, le=MAX_BYTES)] = 0


class Piece(msgspec.Struct, frozen=True):
    """`whole`: the bundle's size; 0: the gate has another version by now, which the next look at the fleet tells."""

    whole: Annotated[int, Meta(ge=0, le=MAX_BYTES)]
    data: Annotated[bytes, Meta(max_length=PIECE)]
