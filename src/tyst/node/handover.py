"""What an agent leaves to the next one when it dies: its open tunnels, in RAM that has no path and ends with the node.

A memory file (memfd_create(2)) made by the supervisor and shared with each agent that it starts: cells of one size, one
for each tunnel, overwritten the moment that the tunnel ends. A cell is written whole before it counts, and a changed
one goes to another cell first, so that an agent may be killed between any two bytes. No endpoint is in it (that is in
WireGuard), no account (that is in the lease) and nothing of what the tunnel does. Counterparts: `supervisor.py` keeps
it, `table.py` writes it, `takeover.py` reads it.
"""

import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from tyst.messages.admission import Features

CELL = 512
"""Bytes. A tunnel that needs more (none does today) is served all the same, and not handed over."""
CELLS = 65536
HEADER = 4096
_HEAD = struct.Struct("=BxHIQdd")
_SERVING = struct.Struct("=I")
_DAY = struct.Struct("=q32s")
_DAY_AT = 64
_HIGH, _HIGH_AT = struct.Struct("=I"), 8
"""How many cells were ever written: those above have no memory yet, and reading them would give them some."""
_MEMFD_CLOEXEC = 1


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One tunnel. `state` and `why`: values of `states.State` and `messages.admission.Why`. No `public`: a login."""

    public: bytes
    lease: bytes
    state: str = ""
    why: str = ""
    has4: bool = False
    entered: bool = False
    keyed: bool = False
    features: Features = Features()

    def __repr__(self) -> str:
        return "<record>"


@dataclass(frozen=True, slots=True)
class Times:
    """What changes often. `fresh`, `deadline`: seconds of CLOCK_MONOTONIC, which no agent starts anew."""

    stamp: int = 0
    fresh: float = 0.0
    deadline: float = 0.0


@dataclass(frozen=True, slots=True)
class Left:
    """A cell that counted when its agent died."""

    cell: int
    record: Record
    times: Times


class Handover:
    """The cells. One writer at a time: the agent that lives. ValueError when there is no memory for them."""

    def __init__(self, handle: int) -> None:
        self._map = mmap.mmap(handle, HEADER + CELLS * CELL)
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Record)
        self._free: list[int] = []
        self._next = self._serial = 0
        self._logins: dict[bytes, int] = {}

    @classmethod
    def create(cls) -> "Handover":
        """A fresh one, all zero; pages come into being when they are written."""
        handle = os.memfd_create("tyst-handover", _MEMFD_CLOEXEC)
        try:
            os.ftruncate(handle, HEADER + CELLS * CELL)
            return cls(handle)
        finally:
            os.close(handle)  # the mapping has one of its own (mmap)

    # --- the supervisor's side ----------------------------------------------------------------------------------

    @property
    def serving(self) -> int:
        """How many agents have come as far as serving, up to now."""
        return int(_SERVING.unpack_from(self._map, 0)[0])

    def serve(self) -> None:
        """The agent of now serves."""
        _SERVING.pack_into(self._map, 0, self.serving + 1)

    @property
    def day(self) -> tuple[int, bytes]:
        """The day's number, and the key by which tunnels draw their exit addresses on it (`egress.py`)."""
        day, key = _DAY.unpack_from(self._map, _DAY_AT)
        return int(day), bytes(key)

    @day.setter
    def day(self, value: tuple[int, bytes]) -> None:
        _DAY.pack_into(self._map, _DAY_AT, *value)

    # --- tunnels ------------------------------------------------------------------------------------------------

    def put(self, record: Record, times: Times, old: int = -1) -> int:
        """Writes a tunnel, and only then overwrites the cell that it had; its cell, or -1 when there is no room."""
        body = self._encoder.encode(record)
        cell = self._take() if len(body) <= CELL - _HEAD.size else -1
        if cell >= 0:
            self._serial += 1
            at = _at(cell)
            self._map[at + _HEAD.size : at + _HEAD.size + len(body)] = body
            head = (len(body), self._serial, times.stamp, times.fresh, times.deadline)
            _HEAD.pack_into(self._map, at, 0, *head)
            self._map[at] = 1
        self.erase(old)
        return cell

    def touch(self, cell: int, times: Times) -> None:
        """Other times for a tunnel."""
        if cell >= 0:
            struct.pack_into("=Qdd", self._map, _at(cell) + 8, times.stamp, times.fresh, times.deadline)

    def erase(self, cell: int) -> None:
        """The tunnel ended: its cell counts no more, and holds nothing."""
        if cell >= 0:
            at = _at(cell)
            self._map[at] = 0
            self._map[at : at + CELL] = _EMPTY
            self._free.append(cell)

    def mirror(self, leases: Iterable[bytes]) -> None:
        """OpenVPN's leases as they are now: what a successor gives back, because those tunnels end with their agent."""
        wanted = set(leases)
        for lease in [one for one in self._logins if one not in wanted]:
            self.erase(self._logins.pop(lease))
        for lease in wanted - self._logins.keys():
            self._logins[lease] = self.put(Record(b"", lease), Times())

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        if self._next == CELLS:
            return -1
        self._next += 1
        _HIGH.pack_into(self._map, _HIGH_AT, self._next)
        return self._next - 1

    # --- the successor's side -----------------------------------------------------------------------------------

    def inherit(self) -> list[Left]:
        """All that counted when the agent before died, each tunnel once; every other cell is empty afterwards."""
        left = self.look()
        kept = {one.cell for one in left}
        self._free, self._next = [], self._high
        for cell in range(self._next):
            if cell not in kept:
                self.erase(cell)
        return left

    def look(self) -> list[Left]:
        """What counts now, each tunnel once, by the cell that was written last."""
        found: dict[bytes, tuple[int, Left]] = {}
        for cell in range(self._high):
            for serial, left in self._read(cell):
                name = left.record.public or left.record.lease
                before = found.get(name)
                if before is None or before[0] < serial:
                    found[name] = serial, left
                self._serial = max(self._serial, serial)
        return [left for _, left in found.values()]

    @property
    def _high(self) -> int:
        return min(CELLS, int(_HIGH.unpack_from(self._map, _HIGH_AT)[0]))

    def _read(self, cell: int) -> Iterator[tuple[int, Left]]:
        at = _at(cell)
        counts, length, serial, *times = _HEAD.unpack_from(self._map, at)
        if counts != 1:
            return
        try:
            record = self._decoder.decode(self._map[at + _HEAD.size : at + _HEAD.size + length])
        except msgspec.MsgspecError:
            return
        yield serial, Left(cell, record, Times(*times))


_EMPTY = bytes(CELL)


def _at(cell: int) -> int:
    return HEADER + cell * CELL
