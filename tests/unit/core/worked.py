"""The worked tables of docs/algorithms: what stands there is what the tests check the code against."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

from tyst.core.money import Money, from_wire

FOLDER = Path(__file__).resolve().parents[3] / "docs/algorithms"
Row = dict[str, str]


class Page:
    """One page of docs/algorithms."""

    def __init__(self, name: str) -> None:
        self.text = (FOLDER / f"{name}.md").read_text("utf-8")

    def section(self, heading: str) -> str:
        """What stands under a heading."""
        parts = re.split(r"^#+ (.*)\n", self.text, flags=re.M)
        found = [body for title, body in zip(parts[1::2], parts[2::2], strict=True) if title == heading]
        assert len(found) == 1, f"the page has one section {heading!r}"
        return found[0]

    def rows(self, heading: str, *columns: str) -> list[Row]:
        """The rows of the section's table that has exactly these columns."""
        tables: list[list[list[str]]] = [[]]
        for line in self.section(heading).splitlines():
            if line.startswith("|"):
                tables[-1].append([cell.strip() for cell in line.strip().strip("|").split("|")])
            elif tables[-1]:
                tables.append([])
        (table,) = (table for table in tables if table and table[0] == list(columns))
        assert len(table) > 2 and all(len(row) == len(columns) for row in table)
        return [dict(zip(columns, row, strict=True)) for row in table[2:]]

    def code(self, heading: str) -> str:
        """The section's one block of code."""
        (block,) = re.findall(r"^```\w*\n(.*?)^```", self.section(heading), re.M | re.S)
        return str(block)


PRICING = Page("pricing")


def money(text: str, currency: str = "EUR") -> Money:
    """An amount as the tables write it."""
    return from_wire(text, currency)


def rate_of(text: str) -> int:
    """`25.5 %` in hundredths of a per cent."""
    whole, _, part = text.removesuffix(" %").partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def day(text: str) -> date:
    """`2026-11-24`."""
    return date.fromisoformat(text)


def expiry(text: str) -> datetime | None:
    """The end of that day, or None for `never`."""
    return None if text == "never" else datetime.fromisoformat(f"{text} 23:59:59").replace(tzinfo=UTC)
