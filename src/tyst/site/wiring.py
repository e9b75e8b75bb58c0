"""Puts one site together from its state folder: keys, database, gate, table of countries, clock and randomness."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings as active

from tyst.core.keyring import Keyring, from_text
from tyst.core.steady import SteadyClock
from tyst.records.engine import database
from tyst.site import settings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Options:
    """What the operator says. `hosts`: names that the site answers to, besides the fleet's own and loopback."""

    state: Path
    gate: str
    geoip: Sequence[Path] = ()
    hosts: Sequence[str] = ()


def clock() -> Callable[[], datetime]:
    """The door's clock. It does not believe a jump of the machine's, sleep apart (CLOCK_BOOTTIME)."""
    steady = SteadyClock(time.time, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
    return lambda: datetime.fromtimestamp(steady(), UTC)


def configure(path: Path, hosts: Sequence[str]) -> None:
    """Sets Django up, once in a process."""
    words: dict[str, Any] = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    del words["HERE"]
    active.configure(**{**words, "DATABASES": {"default": database(path)}, "ALLOWED_HOSTS": [*LOOPBACK, *hosts]})
    django.setup()


def site_keys(state: Path) -> Keyring:
    """The site's own keyring."""
    return from_text((state / "site.keys").read_bytes(), room="site")


def application(options: Options) -> Any:
    """The site as a WSGI application. Raises OSError, KeyringError or AssetsError with what to mend."""
    configure(options.state / "records.sqlite3", options.hosts)
    # Django's models can be imported only now.
    from tyst.site import assets, geo, limits, passwords, sessions
    from tyst.site.gate_client import HttpsGate
    from tyst.site.services import Services, SiteHandler
    from tyst.site.steering import Steering

    _admit_own_name()
    now = clock()
    gate = HttpsGate(options.gate, options.state)
    services = Services(
        now=now,
        draw=os.urandom,
        keys=site_keys(options.state),
        gate=gate,
        geo=geo.from_files(options.geoip or geo.DEFAULT_FILES),
        limits=limits.default_limits(now, os.urandom),
        passwords=passwords.Passwords(),
        denied=sessions.Denied(),
        assets=assets.load(),
        steering=Steering(gate, now),
    )
    return SiteHandler(services)


def _admit_own_name() -> None:
    """Answers to the name that the fleet's profiles call the site."""
    from tyst.records.places import fleet

    facts = fleet()
    name = urlsplit(facts.site).hostname if facts else None
    if name:
        active.ALLOWED_HOSTS.append(name)
