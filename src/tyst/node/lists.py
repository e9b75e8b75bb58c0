"""The operator's signed lists on a node: fetched from the gate when it has others, checked, kept in RAM, put to use.

A bundle must be signed by the key that came with this node's token (from the operator's hand, not from the gate), and
be newer than the last one taken. Any other changes nothing; one word says so, once for each. Counterparts:
`fleet.lists` signs, `gate.shelf` hands on, `core.lists` has the form.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from tyst.core.lists import Lists, ListsError, opened
from tyst.messages.lists import ListsOf, Piece
from tyst.node.doors import Door
from tyst.node.drivers.process import ProgramError
from tyst.node.gate_link import GateAbsent, GateRefused

RETRY = 20.0
REFUSED = "lists-refused"
_VERSION_BYTES = 16


class ListsGate(Protocol):
    """The gate, as this needs it."""

    async def lists(self, question: ListsOf) -> Piece:
        """One piece; GateAbsent, GateRefused."""


class Keeper:
    """`public`: the operator's key; empty: no lists are taken. `before`: the bundle of an earlier start, or nothing.

    `wanted()`: the version that the gate has. `keep(bundle)`: puts it where a restart finds it. `say(word)`: to the
    operator.
    """

    def __init__(
        self,
        gate: ListsGate,
        public: bytes,
        before: bytes,
        *,
        wanted: Callable[[], bytes],
        keep: Callable[[bytes], None],
        say: Callable[[str], None],
    ) -> None:
        self._gate, self._public, self._keep, self._say = gate, public, keep, say
        self._wanted, self._refused = wanted, b""
        self.now, self._version = Lists(0), b""
        with contextlib.suppress(ListsError):
            self.now, self._version = opened(before, public), _version(before)

    @property
    def behind(self) -> bool:
        """Whether the gate has others, which were not refused."""
        wanted = self._wanted()
        return bool(wanted and self._public) and wanted not in (self._version, self._refused)

    async def look(self) -> bool:
        """Fetches what is new; True when `now` changed. An absent gate changes nothing."""
        wanted = self._wanted()
        if not self.behind:
            return False
        try:
            bundle = await self._fetch(wanted)
        except (GateAbsent, GateRefused):
            return False
        if bundle is None:
            return False
        try:
            self.now = await asyncio.to_thread(opened, bundle, self._public, above=self.now.version)
        except ListsError:
            self._refused = wanted
            self._say(REFUSED)
            return False
        self._version = wanted
        self._keep(bundle)
        return True

    async def _fetch(self, wanted: bytes) -> bytes | None:
        """The bundle of this version; None when the gate has another one by now."""
        bundle = b""
        while True:
            piece = await self._gate.lists(ListsOf(wanted, len(bundle)))
            bundle += piece.data
            if not piece.data or len(bundle) > piece.whole:
                return None
            if len(bundle) == piece.whole:
                return bundle if _version(bundle) == wanted else None


class Following:
    """A door of the node that keeps a resolver at the newest lists. `on_change(told)`: the fleet tells of changes."""

    def __init__(
        self,
        resolver: Door,
        keeper: Keeper,
        on_change: Callable[[Callable[[], None]], None],
        use: Callable[[Lists], Awaitable[None]],
    ) -> None:
        self._resolver, self._keeper, self._use = resolver, keeper, use
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        on_change(self._changed.set)

    async def start(self) -> None:
        """Serves when the resolver does."""
        await self._resolver.start()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._resolver.stop()

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), RETRY if self._keeper.behind else None)
            self._changed.clear()
            with contextlib.suppress(OSError, ProgramError):  # the lists of before stay in use; the next ones may work
                if await self._keeper.look():
                    await self._use(self._keeper.now)


def _version(bundle: bytes) -> bytes:
    return hashlib.blake2s(bundle, digest_size=_VERSION_BYTES).digest()
