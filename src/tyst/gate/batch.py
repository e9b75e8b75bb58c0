"""The daily batch: the few facts that use may leave, written once a day at one moment, in an order that tells nothing.

It sets `has_connected` for those who connected for the first time since the last batch, deletes key records whose last
month is over, takes public IPv4 addresses back from accounts whose add-on has ended, and adds the day's slots to each
city's heap (`records.statistics`). It runs at a fixed time of day
(UTC), or when the operator asks. A gate that dies before it loses the day's flags and no more.
"""

import asyncio
from datetime import UTC, datetime, time, timedelta

from tyst.core.owner import OWNER
from tyst.gate.room import Gate
from tyst.messages.devices import BatchDone, RunBatch
from tyst.records import statistics
from tyst.records.errors import RecordsError


async def run_batch(gate: Gate, name: str, asked: RunBatch) -> BatchDone:
    """Writes the day's flags now. If the records can't be written, they are kept for the next time."""
    gathered, gate.connected = gate.connected, set()
    try:
        changed = await asyncio.to_thread(
            gate.records.daily_batch,
            gathered,
            month=gate.month(),
            shuffle=gate.shuffle,
            owners=gate.keys.secrets[OWNER],
            today=gate.today(),
        )
    except Exception:
        gate.connected |= gathered
        raise
    await _write_statistics(gate)
    return BatchDone(changed)


async def _write_statistics(gate: Gate) -> None:
    """The month's file is written anew each day, whether or not anybody used anything. What can't be written waits."""
    if gate.state is None:
        return
    taken = {f"{datetime.fromtimestamp(gate.clock(), UTC):%Y-%m}": {}, **gate.totals.take()}
    for month, cities in sorted(taken.items()):
        try:
            await asyncio.to_thread(statistics.add, gate.state, {month: cities})
        except (OSError, RecordsError):
            gate.totals.put_back({month: cities})


def seconds_until(at: time, now: float) -> float:
    """Seconds from `now` to the next time of day `at` (UTC)."""
    present = datetime.fromtimestamp(now, UTC)
    due = datetime.combine(present.date(), at, UTC)
    return (due - present + (timedelta(days=1) if due <= present else timedelta())).total_seconds()
