"""Keeps the site's memory clean of visitors: collects what requests leave in reference cycles, soon after they end.

The allocator overwrites what is freed (`MALLOC_PERTURB_`), but a connection's buffers refer to each other and would
wait for Python's collector, with addresses and forms in them; and `urllib` keeps the last addresses of pages that it
took apart. What was made at start is set aside first (`gc.freeze`), so that a collection costs about a millisecond.
Once a minute the windows of the site's limits that are over are forgotten, also when nobody comes any more, and in the
others the order of coming.
docs/threat-model.md says what this promises.
"""

import gc
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib import parse

PAUSE_SECONDS = 0.2
ROUNDS = 20
"""How many more times it looks after the last request: connections end later than their requests."""
FORGET_SECONDS = 60

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Sweeper:
    """Wraps the site; each request wakes the collector's thread, which goes back to sleep when it is quiet.

    `forget`: called at least every `FORGET_SECONDS` while it is quiet, and after each request.
    """

    def __init__(self, door: Wsgi, forget: Callable[[], None] = lambda: None) -> None:
        self._door, self._forget = door, forget
        self._woken = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return self._door(environ, start_response)
        finally:
            self._woken.set()

    def start(self) -> None:
        """Sets aside what exists, and starts the thread."""
        gc.collect()
        gc.freeze()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._forget()
            if not self._woken.wait(FORGET_SECONDS):
                continue
            for _ in range(ROUNDS):
                self._woken.clear()
                pause.wait(PAUSE_SECONDS)
                _forget_addresses()
                gc.collect()
                if self._woken.is_set():
                    break


def _forget_addresses() -> None:
    """Empties urllib's caches of addresses; the function is documented and not in its type stubs."""
    clear: Callable[[], None] = vars(parse)["clear_cache"]
    clear()
