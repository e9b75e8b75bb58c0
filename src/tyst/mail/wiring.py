"""Puts the outbox together from `mail.toml`: the services in the operator's order."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tyst.mail import config
from tyst.mail.config import Config, ConfigError
from tyst.mail.letter import Service
from tyst.mail.outbox import Outbox


def outbox(state: Path, wanted: Callable[[str], bool] = lambda _: True) -> Outbox:
    """The outbox of this state folder; without `mail.toml` one that is never open. ConfigError with a sentence.

    `wanted`: as `Outbox` has it.
    """
    found = config.read(state)
    return Outbox(services(found) if found else (), wanted=wanted)


def services(found: Config) -> list[Service]:
    """The services that the file names. ConfigError for a missing or wrong answer."""
    return [service(name, found) for name in found.order]


def service(name: str, found: Config) -> Service:
    """One of them."""
    try:
        built: Service = import_module(f"tyst.mail.{name}.service").build(found.answers[name], found.sender)
    except (KeyError, ValueError):
        raise ConfigError(
            f"{config.FILE}: an answer for {name} is missing or wrong; `tyst mail setup {name}`"
        ) from None
    return built
