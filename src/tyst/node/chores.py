"""Short work that goes on beside the loops of the agent: begun, kept until it ends, and never lost in silence."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Chores:
    """`trouble` is set when one of them fails: the agent stops then, with everything closed."""

    def __init__(self, trouble: asyncio.Event) -> None:
        self._trouble = trouble
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begins it and returns at once."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._trouble.set()
