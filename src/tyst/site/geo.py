"""Which country an address is in, from a table in RAM; the address is looked at once and dropped.

Reads the text format of Debian's tor-geoipdb: `low,high,CC` a line, IPv4 as numbers, IPv6 as addresses; one reader for
both. The data comes from the IPFire Location database (CC BY-SA 4.0); the page's footer says so. Unknown is an answer:
then the visitor is asked.
"""

import socket
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

from tyst.core.country import COUNTRIES
from tyst.site.limits import Address

DEFAULT_FILES = (Path("/usr/share/tor/geoip"), Path("/usr/share/tor/geoip6"))


class GeoSource(Protocol):
    """Something that knows countries of addresses."""

    def country(self, address: Address) -> str | None:
        """Two small letters, or None when unknown."""


class _Ranges:
    """Sorted ranges with a country each: three flat arrays. IPv6 ranges are kept by their upper 64 bits."""

    def __init__(self, code: str) -> None:
        self.low, self.high, self.names = array(code), array(code), array("H")

    def add(self, low: int, high: int, name: int) -> None:
        self.low.append(low)
        self.high.append(high)
        self.names.append(name)

    def find(self, number: int) -> int | None:
        place = bisect_right(self.low, number) - 1
        return self.names[place] if place >= 0 and number <= self.high[place] else None


class TableSource:
    """The whole table in RAM: about 15 MB for Debian's two files."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._v4, self._v6 = _Ranges("I"), _Ranges("Q")
        self._names: list[str] = sorted(COUNTRIES)
        places = {name: place for place, name in enumerate(self._names)}
        for line in lines:
            if not line.startswith("#") and line.count(",") == 2:
                low, high, code = line.strip().split(",")
                self._add(low, high, places.get(code.lower()))

    def _add(self, low: str, high: str, name: int | None) -> None:
        if name is None:
            return
        if ":" in low:
            self._v6.add(_upper64(low), _upper64(high), name)
        else:
            self._v4.add(int(low), int(high), name)

    def country(self, address: Address) -> str | None:
        value = address.reveal()
        if value is None:
            return None
        v4 = isinstance(value, IPv4Address)
        name = self._v4.find(int(value)) if v4 else self._v6.find(int(value) >> 64)
        return None if name is None else self._names[name]


def _upper64(text: str) -> int:
    return int.from_bytes(socket.inet_pton(socket.AF_INET6, text)[:8])


def from_files(paths: Iterable[Path]) -> TableSource:
    """The table of these files, those that exist; the files' own order is by address."""
    return TableSource(_lines(path for path in paths if path.exists()))


def _lines(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        with path.open(encoding="ascii") as file:
            yield from file
