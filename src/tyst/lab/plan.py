"""What the builder tells the keeper: the hosts to make and the files to put into them, as JSON on one line.

Values only; made by `prepare.py`, read by `keeper.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One file (or symbolic link to `text`) in a host. `append`: after what the machine has at that path."""

    path: str
    text: str
    link: bool = False
    append: bool = False
    mode: int = 0o644


@dataclass(frozen=True)
class HostPlan:
    """A host to make. `router`: it forwards packets."""

    name: str
    router: bool
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class LabPlan:
    """A lab to make: whose it is (the builder's pid), where its RAM goes, and its hosts."""

    name: str
    builder: int
    ram: str
    views: tuple[str, ...]
    hosts: tuple[HostPlan, ...]

    def to_line(self) -> str:
        """The plan as one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "LabPlan":
        """The plan out of its line."""
        value: dict[str, Any] = json.loads(line)
        hosts = tuple(_host(host) for host in value["hosts"])
        return cls(value["name"], value["builder"], value["ram"], tuple(value["views"]), hosts)


def _host(value: Mapping[str, Any]) -> HostPlan:
    return HostPlan(value["name"], value["router"], tuple(Entry(**entry) for entry in value["entries"]))
