"""Heaps of slots by city, a file a month in the state folder, written by the daily batch and by nothing else.

The gate gathers in RAM (`gate.totals`); once a day, at the batch's time, used or not, what it gathered is added to the
month's file. A file has no order of slots and no time but its month, and names no person and no server. Counterparts:
`core.openness.traffic` (the heaps), `records.transparency` (signs what may be published). No Django.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from tyst.core.openness.traffic import Heap, heaps
from tyst.core.signed import SignedError, canonical
from tyst.records.errors import RecordsError
from tyst.records.whole import write_whole

FOLDER = "statistics"
Months = Mapping[str, Mapping[str, Heap]]
"""Heaps by month (YYYY-MM) and city."""


def add(state: Path, gathered: Months) -> None:
    """Adds what was gathered. RecordsError when a file is damaged: nothing of its month is written then. OSError."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    for month, cities in sorted(gathered.items()):
        before = of_month(state, month)
        whole = {city: before.get(city, Heap()) + cities.get(city, Heap()) for city in {*before, *cities}}
        text = canonical({"month": month, "cities": {city: heap.body() for city, heap in whole.items()}})
        write_whole(folder / f"{month}.json", text)


def of_month(state: Path, month: str) -> dict[str, Heap]:
    """A month's heaps by city; none for a month without a file. RecordsError for a damaged one."""
    try:
        body = json.loads((state / FOLDER / f"{month}.json").read_bytes())
        return heaps(body["cities"])
    except FileNotFoundError:
        return {}
    except (SignedError, ValueError, KeyError, TypeError):
        raise RecordsError(f"{FOLDER}/{month}.json in the state folder is damaged: move it away") from None


def months(state: Path) -> list[str]:
    """The months that have a file, in order."""
    return sorted(path.stem for path in (state / FOLDER).glob("20??-??.json"))


def forget(state: Path, month: str) -> None:
    """Removes a month's file, once what may be published of it is signed."""
    (state / FOLDER / f"{month}.json").unlink(missing_ok=True)
