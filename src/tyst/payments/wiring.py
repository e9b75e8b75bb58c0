"""Makes the providers that the operator has set up: `payments.toml` in, one object for each processor out.

The site, the jobs and the operator's command all come here. Counterpart: `config.py` (the file), `setup.py` of each
folder (what must stand in it).
"""

import importlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import cast

from tyst.core.order import METHODS
from tyst.payments import config, seller, vies
from tyst.payments.config import Answers, ConfigError
from tyst.payments.provider import Provider, Question

PROCESSORS = tuple(method for method in METHODS if method != "voucher")
"""The folders. Vouchers have no processor."""
Build = Callable[[Answers, Path, Callable[[], datetime]], Provider]


def providers(state: Path, now: Callable[[], datetime]) -> dict[str, Provider]:
    """The processors of this state folder by name, in the order of `METHODS`. ConfigError with a sentence."""
    tables = config.read(state)
    unknown = set(tables) - {*PROCESSORS, seller.NAME, vies.NAME}
    if unknown:
        raise ConfigError(f"{config.FILE} has a table that no processor reads; they are {', '.join(PROCESSORS)}")
    return {name: provider(name, tables[name], state, now) for name in PROCESSORS if name in tables}


def provider(name: str, answers: Answers, state: Path, now: Callable[[], datetime]) -> Provider:
    """One of them from its answers. ConfigError: an answer is missing or can't be."""
    missing = [one.name for one in questions(name) if not one.optional and not answers.get(one.name)]
    if missing:
        raise ConfigError(f"[{name}] lacks {', '.join(missing)}: ./tyst payments setup {name}")
    build = cast(Build, importlib.import_module(f"tyst.payments.{name}.provider").build)
    return build(answers, state, now)


def questions(name: str) -> tuple[Question, ...]:
    """What the operator is asked about one of them, or about herself (`seller`)."""
    return seller.QUESTIONS if name == seller.NAME else cast(tuple[Question, ...], _setup(name, "QUESTIONS"))


def afterwards(name: str) -> str:
    """What she does next; `{callback}` stands for the callback address."""
    return seller.AFTERWARDS if name == seller.NAME else cast(str, _setup(name, "AFTERWARDS"))


def completed(name: str, answers: Answers, now: datetime) -> Mapping[str, str]:
    """The answers with what a processor's folder adds to them by itself, if it does (`setup.completed`)."""
    complete = None if name == seller.NAME else _setup(name, "completed")
    return answers if complete is None else cast(Callable[[Answers, datetime], Answers], complete)(answers, now)


def forget(found: Mapping[str, Provider]) -> int:
    """Destroys what a processor's folder has kept for long enough (Monero's wallets); how many. Daily, by the jobs."""
    acts = (getattr(one, "forget", None) for one in found.values())
    return sum(act() for act in acts if act is not None)


def _setup(name: str, what: str) -> object:
    return getattr(importlib.import_module(f"tyst.payments.{name}.setup"), what, None)
