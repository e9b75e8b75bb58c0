"""Password checks beside the door: in threads as many as there are cores, one queue per node, each of them short.

argon2id takes tens of milliseconds by design. It runs in threads of low priority, so that keys and credentials never
wait behind it; nodes take turns, so that one node's flood delays only that node; a full queue says so at once. A name
that no account has costs the same as one that exists. Nothing about a name or a password is kept.
"""

import asyncio
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
QUEUE = 64
"""Logins that may wait per node."""
_NICE = 10


class PasswordDesk:
    """Verifies passwords in turn. `cores`: how many at once."""

    def __init__(self, cores: int, queue: int = QUEUE) -> None:
        self._free = cores
        self._queue = queue
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._threads = ThreadPoolExecutor(cores, "password", initializer=_yield_to_the_door)
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES)
        self._dummy = self._hasher.hash(os.urandom(16))

    async def verify(self, node: str, stored: str | None, password: bytes) -> bool | None:
        """Whether the password is the stored one; None when this node's queue is full. No hash: a dummy is checked."""
        if not await self._turn(node):
            return None
        try:
            loop = asyncio.get_running_loop()
            digest = stored or self._dummy
            matches = await loop.run_in_executor(self._threads, self._matches, digest, password)
        finally:
            self._next()
        return matches and stored is not None

    def close(self) -> None:
        """Lets the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, node: str) -> bool:
        if self._free > 0:
            self._free -= 1
            return True
        queue = self._waiting.setdefault(node, deque())
        if len(queue) >= self._queue:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        await turn
        return True

    def _next(self) -> None:
        """Gives the free place to the node that waits longest for a turn, or keeps it."""
        if not self._waiting:
            self._free += 1
            return
        node = next(iter(self._waiting))
        queue = self._waiting.pop(node)
        turn = queue.popleft()
        if queue:
            self._waiting[node] = queue
        turn.set_result(None)

    def _matches(self, stored: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _yield_to_the_door() -> None:
    """Linux gives each thread its own nice value (setpriority(2), notes)."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
