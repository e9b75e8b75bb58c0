"""How often operators' commands were given, by kind and month: `staff.json` in the state folder.

Staff see no pages of customers; what they can do, they do with these commands, and each that went well counts one. No
name of an operator, no account, no day: whom a court's order names, for one, is in no file of ours. Thirteen months,
then they go. Counterpart: `tyst.cli` counts.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tyst.core import metric
from tyst.core.rounding import month_of
from tyst.records.whole import write_whole

FILE = "staff.json"
ACTIONS = metric.STAFF_ACTIONS
_KEPT = -13

Months = dict[str, dict[str, int]]


def count(state: Path, action: str, now: datetime) -> None:
    """One more. ValueError for an action that isn't listed; what can't be written is not counted."""
    if action not in ACTIONS:
        raise ValueError("no operator's command has that name")
    months = by_month(state)
    month = f"{now.astimezone(UTC):%Y-%m}"
    of_month = months.setdefault(month, {})
    of_month[action] = of_month.get(action, 0) + 1
    oldest = str(month_of(now, plus=_KEPT))
    kept = {one: counts for one, counts in months.items() if one.replace("-", "") > oldest}
    with contextlib.suppress(OSError):
        write_whole(state / FILE, json.dumps(kept, sort_keys=True).encode())


def by_month(state: Path) -> Months:
    """All that is kept; nothing where nothing is, or where it can't be read."""
    try:
        return {
            str(month): {str(action): int(count) for action, count in counts.items() if action in ACTIONS}
            for month, counts in json.loads((state / FILE).read_bytes()).items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def counts(state: Path) -> Mapping[str, int]:
    """Over all months that are kept, by action."""
    total: Counter[str] = Counter()
    for month in by_month(state).values():
        total.update(month)
    return total
