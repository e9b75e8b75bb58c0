"""Site ↔ gate: how busy each node is now, in ten steps, so that customers are shown idle ones first. No customer."""

from typing import Annotated

import msgspec
from msgspec import Meta

from tyst.messages.fleet import Name

Step = Annotated[int, Meta(ge=0, le=10)]


class LoadsOf(msgspec.Struct, frozen=True):
    """The newest of all nodes."""


class NodeLoads(msgspec.Struct, frozen=True):
    """By node; one that has said nothing lately is left out."""

    steps: dict[Name, Step] = {}
