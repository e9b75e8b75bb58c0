"""Site ↔ gate: how many devices has this customer connected now. Asked with her own sealed session, answered in RAM."""

from typing import Annotated

import msgspec
from msgspec import Meta

Blob = Annotated[bytes, Meta(max_length=1024)]


class DevicesOf(msgspec.Struct, frozen=True):
    """`session`: the customer's own sealed session (kind SESSION). Nobody can ask about anybody else."""

    session: Blob


class Devices(msgspec.Struct, frozen=True):
    count: Annotated[int, Meta(ge=0, le=4)]


class DropDevices(msgspec.Struct, frozen=True):
    """'Disconnect all': drops the customer's slots; the nodes hear of it at their next renewal.

    `leaving`: she deletes her account, so what the day's flags know of her is thrown away too.
    """

    session: Blob
    leaving: bool = False


class Dropped(msgspec.Struct, frozen=True):
    count: int


class RunBatch(msgspec.Struct, frozen=True):
    """The operator asks for the daily batch now (it runs by itself at its daily slot)."""


class BatchDone(msgspec.Struct, frozen=True):
    """How many rows the batch changed: an aggregate, no account."""

    changed: int
