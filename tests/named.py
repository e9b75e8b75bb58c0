"""Tests that our documents name: what is named exists, as a file, a folder, or a function in a file."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
_TOKEN = re.compile(r"`(tests/[^`\s]+)`")


def named(text: str) -> list[str]:
    """Every test that a text names: `tests/…`, with `::function` or without."""
    return _TOKEN.findall(text)


def missing(names: list[str]) -> list[str]:
    """Those that don't exist."""
    return [name for name in names if not _exists(name)]


def rows(text: str) -> list[list[str]]:
    """The lines of every table, but headings, as cells."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for number, row in enumerate(cells) if not _rule(row) and not _rule([*cells, [""]][number + 1])]


def sections(text: str) -> dict[str, str]:
    """What stands under each second-level heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _rule(row: list[str]) -> bool:
    return bool(row) and all(re.fullmatch(r":?-+:?", cell) for cell in row)


@cache
def _exists(name: str) -> bool:
    path, _, function = name.partition("::")
    where = ROOT / path
    if not function:
        return where.exists()
    return where.is_file() and re.search(rf"^(async )?def {function}\(", where.read_text(), re.MULTILINE) is not None
