"""Puts one site together from its state folder: keys, database, gate, table of countries, clock and randomness."""

import atexit
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
from tyst.records import undone
from tyst.records.engine import database
from tyst.records.errors import RecordsError
from tyst.records.where import Where, chosen
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


def configure(where: Where, hosts: Sequence[str]) -> None:
    """Sets Django up, once in a process."""
    words: dict[str, Any] = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    del words["HERE"]
    active.configure(**{**words, "DATABASES": {"default": database(where)}, "ALLOWED_HOSTS": [*LOOPBACK, *hosts]})
    django.setup()


def site_keys(state: Path) -> Keyring:
    """The site's own keyring."""
    return from_text((state / "site.keys").read_bytes(), room="site")


def application(options: Options) -> Any:
    """The site as a WSGI application. Raises OSError, KeyringError or AssetsError with what to mend."""
    configure(chosen(options.state), options.hosts)
    return assembled(options, clock(), os.urandom)


def assembled(options: Options, now: Callable[[], datetime], draw: Callable[[int], bytes]) -> Any:
    """The same where Django is set up already, with time and chance from wherever the caller has them."""
    # Django's models can be imported only now.
    from tyst.mail import config
    from tyst.mail import wiring as mail
    from tyst.mail.bounces import Bounces
    from tyst.mail.letters import Writer
    from tyst.records import accounts
    from tyst.site import assets, geo, hosting, limits, passwords, sessions, shop
    from tyst.site.gate_client import HttpsGate
    from tyst.site.services import Services, SiteHandler
    from tyst.site.steering import Steering

    address = _admit_own_name()
    _refuse_other_tables()
    undone.use(options.state, draw)
    gate = HttpsGate(options.gate, options.state)
    keys, outbox = site_keys(options.state), mail.outbox(options.state)
    atexit.register(outbox.close)
    services = Services(
        now=now,
        draw=draw,
        keys=keys,
        gate=gate,
        geo=geo.from_files(options.geoip or geo.DEFAULT_FILES),
        limits=limits.default_limits(now, draw),
        passwords=passwords.Passwords(),
        denied=sessions.Denied(),
        assets=assets.load(),
        steering=Steering(gate, now),
        shop=shop.build(options.state, shop.Parts(keys, now, draw, outbox, address)),
        outbox=outbox,
        writer=Writer(address.rstrip("/")),
        bounces=Bounces(config.read(options.state), draw(32), lambda one: accounts.forget_address(one, now())),
        hosting=hosting.load(options.state),
        transparency=options.state / "transparency",
    )
    return SiteHandler(services)


def _refuse_other_tables() -> None:
    """SchemaError where the tables hold more, or hold it finer, than the privacy policy says."""
    from django.db import connection

    from tyst.records import schema
    from tyst.records.inventory import inventory

    with connection.cursor() as cursor:
        schema.check(inventory(), connection.vendor, cursor)


def _admit_own_name() -> str:
    """Answers to the name that the fleet's profiles call the site. Its whole address; nothing before there is one."""
    from django.db import Error

    from tyst.records.places import fleet

    try:
        facts = fleet()
    except Error:
        raise RecordsError("the records can't be read: run `./tyst fleet init`, or start the database") from None
    name = urlsplit(facts.site).hostname if facts else None
    if name:
        active.ALLOWED_HOSTS.append(name)
    return facts.site if facts else ""
