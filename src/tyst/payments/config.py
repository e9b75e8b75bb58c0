"""What the operator has told of her processors: `payments.toml` in the state folder, for its owner alone.

One table for each provider, with the answers to its `setup.QUESTIONS`. A provider that isn't in the file isn't offered.
Written by `./tyst payments setup`, read by `wiring.py`. Never in an error: what stands in it.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tyst.records.whole import write_whole

FILE = "payments.toml"
Answers = Mapping[str, str]


class ConfigError(ValueError):
    """The file can't be used. Says where, never what stands there."""


def read(state: Path) -> dict[str, dict[str, str]]:
    """The answers by provider; nothing when no processor was set up."""
    try:
        text = (state / FILE).read_text("utf-8")
    except FileNotFoundError:
        return {}
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise ConfigError(f"{FILE} can't be read: mend what was changed in it by hand, or set up anew") from None
    return {name: {key: str(value) for key, value in table.items()} for name, table in tables.items()}


def write(state: Path, tables: Mapping[str, Answers]) -> None:
    """Writes the file, whole or not at all, readable by its owner only."""
    write_whole(state / FILE, to_text(tables).encode())


def to_text(tables: Mapping[str, Answers]) -> str:
    """The file's text. JSON's strings are TOML's basic strings (TOML 1.0), so `json` quotes."""
    parts = []
    for name, answers in sorted(tables.items()):
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in answers.items()]
        parts.append("\n".join([f"[{name}]", *lines, ""]))
    return "\n".join(parts)
