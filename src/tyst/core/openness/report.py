"""The report: all that is published, computed from the signed files and nothing else, in the same bytes everywhere.

A file that is missing or whose signature is wrong counts as absent, and is named: nothing is claimed without counters.
The claim, the canary's life and each figure are computed here, for the site's page, for the operator and for a
stranger. Counterparts: `records.transparency` (the folder), `site.pages.transparency` (the page).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TypeVar

from tyst.core.openness import canary, counters, traffic
from tyst.core.openness.canary import Canary
from tyst.core.openness.counters import Counters
from tyst.core.openness.traffic import Figures
from tyst.core.signed import SignedError, canonical, opened

COUNTERS, CANARY, MONTH_PREFIX = "counters.json", "canary.json", "month-"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keys:
    """Public keys, 32 bytes each: of the counters and months, and of the canary."""

    counters: bytes
    canary: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """`counters` None: there are none that the key signed. `months`: newest first, figures by city. `broken`: names of
    files that are there and not what the keys signed."""

    counters: Counters | None
    canary: Canary | None
    months: Mapping[str, Mapping[str, Figures]]
    broken: tuple[str, ...]

    @property
    def put_back(self) -> bool:
        """Whether the counters are older than the canary: then nothing they say is believed."""
        return self.counters is not None and self.canary is not None and self.counters.number < self.canary.number

    @property
    def gave_nothing(self) -> bool:
        """Whether the page may say 'we have given no information'."""
        return self.counters is not None and self.counters.gave_nothing and not self.put_back

    def text(self) -> bytes:
        """As a file. What depends on the day of reading (is the canary stale?) is not in it, but the day is."""
        return canonical(
            {
                "claim": "we have given no information" if self.gave_nothing else None,
                "counters": self.counters.body() if self.counters else None,
                "canary": self.canary.body() if self.canary else None,
                "months": {
                    month: {city: asdict(one) for city, one in cities.items()} for month, cities in self.months.items()
                },
                "broken": list(self.broken),
            }
        )

    def stale(self, today: date) -> bool:
        """Whether there is no canary that lives."""
        return self.canary is None or self.canary.stale(today)


def build(files: Mapping[str, bytes], keys: Keys) -> Report:
    """The report of these files, by name."""
    broken: list[str] = []

    def read(name: str, kind: str, key: bytes, form: Callable[[dict[str, Any]], T]) -> T | None:
        if name not in files:
            return None
        try:
            return form(opened(files[name], kind, key))
        except SignedError:
            broken.append(name)
            return None

    counted = read(COUNTERS, counters.KIND, keys.counters, counters.read)
    alive = read(CANARY, canary.KIND, keys.canary, canary.read)
    months: dict[str, dict[str, Figures]] = {}
    for name in sorted(files, reverse=True):
        if name.startswith(MONTH_PREFIX):
            found = read(name, traffic.KIND, keys.counters, traffic.read_month)
            if found is not None and name == month_file(found[0]):
                months[found[0]] = {city: traffic.figures(heap) for city, heap in found[1].items()}
            elif found is not None:
                broken.append(name)
    return Report(counted, alive, months, tuple(sorted(broken)))


def month_file(month: str) -> str:
    """A month's name in the folder."""
    return f"{MONTH_PREFIX}{month}.json"
