"""The daily batch: the few facts that use may leave, written once a day at one moment, in an order that tells nothing.

It sets `has_connected` for those who connected for the first time since the last batch, deletes key records whose last
month is over, and takes public IPv4 addresses back from accounts whose add-on has ended. It runs at a fixed time of day
(UTC), or when the operator asks. A gate that dies before it loses the day's flags and no more.
"""

import asyncio
import random
from datetime import UTC, datetime, time, timedelta

from tyst.core.owner import OWNER
from tyst.gate.room import Gate
from tyst.messages.devices import BatchDone, RunBatch


async def run_batch(gate: Gate, name: str, asked: RunBatch) -> BatchDone:
    """Writes the day's flags now. If the records can't be written, they are kept for the next time."""
    gathered, gate.connected = gate.connected, set()
    try:
        changed = await asyncio.to_thread(
            gate.records.daily_batch,
            gathered,
            month=gate.month(),
            shuffle=random.SystemRandom().shuffle,
            owners=gate.keys.secrets[OWNER],
            today=gate.today(),
        )
    except Exception:
        gate.connected |= gathered
        raise
    return BatchDone(changed)


def seconds_until(at: time, now: float) -> float:
    """Seconds from `now` to the next time of day `at` (UTC)."""
    present = datetime.fromtimestamp(now, UTC)
    due = datetime.combine(present.date(), at, UTC)
    return (due - present + (timedelta(days=1) if due <= present else timedelta())).total_seconds()
