"""What the operator has told of her mail: `mail.toml` in the state folder, for its owner alone.

The table `[mail]` has the sender and the order in which services are tried; each further table is a service with the
answers to its `setup.QUESTIONS`. Without the file no mail is sent. Written by `./tyst mail setup`, read by `wiring.py`.
Never in an error: what stands in it.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path

from tyst.records.whole import write_whole

FILE = "mail.toml"
SERVICES = ("mailgun", "postmark", "smtp")
"""The folders of this room."""
_GENERAL = "mail"


class ConfigError(ValueError):
    """The file can't be used. Says where, never what stands there."""


@dataclass(frozen=True)
class Config:
    """`sender`: as in From; `order`: services, the first is tried first; `answers` by service."""

    sender: str
    order: Sequence[str]
    answers: Mapping[str, Mapping[str, str]] = field(repr=False)


def read(state: Path) -> Config | None:
    """The operator's answers, or None when mail was never set up. ConfigError with a sentence."""
    try:
        tables = tomllib.loads((state / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigError(f"{FILE} can't be read: mend what was changed in it by hand, or set up anew") from None
    general = tables.pop(_GENERAL, None)
    if not isinstance(general, dict) or not _is_sender(str(general.get("sender", ""))):
        raise ConfigError(f'{FILE} needs a table [mail] with the sender: sender = "Name <address>"')
    order = general.get("order", [])
    if not isinstance(order, list) or not order or any(name not in SERVICES or name not in tables for name in order):
        raise ConfigError(f"{FILE}: `order` lists services that have a table in the file, of {', '.join(SERVICES)}")
    answers = {name: {key: str(value) for key, value in tables[name].items()} for name in order}
    return Config(str(general["sender"]), tuple(order), answers)


def write(state: Path, config: Config) -> None:
    """Writes the file, whole or not at all, readable by its owner only."""
    write_whole(state / FILE, to_text(config).encode())


def to_text(config: Config) -> str:
    """The file's text. JSON's strings and lists of them are TOML's (TOML 1.0), so `json` quotes."""
    parts = [f"[{_GENERAL}]\nsender = {_quoted(config.sender)}\norder = {_quoted(list(config.order))}\n"]
    for name, answers in config.answers.items():
        parts.append("\n".join([f"[{name}]", *(f"{key} = {_quoted(value)}" for key, value in answers.items()), ""]))
    return "\n".join(parts)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _is_sender(text: str) -> bool:
    return "@" in parseaddr(text)[1] and not set("\r\n") & set(text)
