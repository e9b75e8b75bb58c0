"""The open payments: what a buyer is shown while she pays, in RAM alone, and forgotten soon.

There is no order table. Between the buy page and the receipt the site must know which code, address or link a payment
has; it keeps that under the sealed order for as long as the processor keeps the payment open, at most half an hour, and
drops it the moment the payment is settled. While anything is open a thread asks the processors about it once a minute,
for buyers who closed the page and callbacks that never came. Lost at a restart, which loses no payment: sweeps find
those. Counterpart: `shop.py`.
"""

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tyst.payments.provider import Checkout

OPEN_FOR = timedelta(minutes=30)
PAUSE_SECONDS = 60.0
MOST = 10_000


@dataclass(frozen=True)
class _Open:
    checkout: Checkout = field(repr=False)
    ends: datetime


class Till:
    """`now`: aware UTC. `ask(reference)`: looks at one open payment at its processor; must not raise."""

    def __init__(self, now: Callable[[], datetime], ask: Callable[[str], None], pause: float = PAUSE_SECONDS) -> None:
        self._now, self._ask, self._pause = now, ask, pause
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()
        self._running = False

    def put(self, reference: str, checkout: Checkout) -> None:
        """Remembers what the buyer of this order is shown."""
        with self._lock:
            while len(self._open) >= MOST:
                self._open.pop(next(iter(self._open)))
            self._open[reference] = _Open(checkout, self._now() + OPEN_FOR)
            if not self._running:
                self._running = True
                threading.Thread(target=self._watch, name="till", daemon=True).start()

    def get(self, reference: str) -> Checkout | None:
        """What she is shown, while the processor keeps it open."""
        with self._lock:
            found, now = self._open.get(reference), self._now()
        if found is None or found.ends <= now or (found.checkout.until is not None and found.checkout.until <= now):
            return None
        return found.checkout

    def drop(self, reference: str) -> None:
        """Forgets it: settled, or given up."""
        with self._lock:
            self._open.pop(reference, None)

    def references(self) -> list[str]:
        """The sealed orders of all that are open."""
        with self._lock:
            return list(self._open)

    def __len__(self) -> int:
        return len(self._open)

    def _watch(self) -> None:
        """Until nothing is open any more."""
        pause = threading.Event()
        try:
            pause.wait(self._pause)
            while self._round():
                pause.wait(self._pause)
        except BaseException:
            self._running = False
            raise

    def _round(self) -> bool:
        with self._lock:
            now = self._now()
            self._open = {name: one for name, one in self._open.items() if one.ends > now}
            names = list(self._open)
            self._running = bool(names)
        for name in names:
            self._ask(name)
        gc.collect()
        return bool(names)
