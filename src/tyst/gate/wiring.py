"""Chooses the gate's parts and keeps its house: clocks, randomness, keys, the server, the daily batch, the sweeping.

The one place of this room that reads the state folder. Logging is switched off as a whole, and what Python itself would
print of an exception is cut down to its type: no line of this process can carry a value.
"""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time as TimeOfDay
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tyst.core import keyring
from tyst.core.slots import SlotTable
from tyst.core.steady import SteadyClock
from tyst.gate import authority
from tyst.gate.batch import run_batch, seconds_until
from tyst.gate.door import Door
from tyst.gate.passwords import PasswordDesk
from tyst.gate.protocol import PeerProtocol, tls_context
from tyst.gate.room import Gate
from tyst.gate.shelf import BUNDLE, ListShelf
from tyst.messages.devices import RunBatch
from tyst.records.statements import FleetRow, open_records
from tyst.records.where import chosen

FLEET_SECRET, OPENVPN_SECRET = "fleet_authority", "openvpn_authority"  # names of entries, not secrets
SWEEP_SECONDS = 5
REFRESH_SECONDS = 20
SWEEP_SLICE = 2_000
IDLE_SECONDS = 75
CONNECTIONS = 4_096


class StateError(Exception):
    """The state folder is not that of a gate. Says what to do about it."""


@dataclass(frozen=True)
class Options:
    """What the operator chose."""

    state: Path
    host: str
    port: int
    batch_at: TimeOfDay
    site_addresses: tuple[str, ...] = ()


def build(options: Options) -> Gate:
    """The gate out of its state folder."""
    state = options.state
    keys = _keys(state)
    records = open_records(chosen(state))
    fleet = records.fleet()
    if fleet is None:
        raise StateError("the records hold no fleet yet: run `./tyst fleet init` first")
    certificate = x509.load_pem_x509_certificate((state / "ca.crt").read_bytes())
    return Gate(
        keys=keys,
        records=records,
        fleet=fleet,
        authority=authority.load(certificate.public_bytes(serialization.Encoding.DER), keys.secrets[FLEET_SECRET]),
        openvpn=authority.load(fleet.openvpn_authority, keys.secrets[OPENVPN_SECRET]),
        passwords=PasswordDesk(os.cpu_count() or 1),
        clock=SteadyClock(time.time, boot_seconds),
        ticks=time.monotonic,
        draw=secrets.token_bytes,
        site_addresses=_site_addresses(options, fleet),
        slots=SlotTable(started=time.monotonic()),
        slot_secret=secrets.token_bytes(32),
        lists=ListShelf(state / BUNDLE),
    )


def boot_seconds() -> float:
    """Seconds since the machine's start, sleep included: a laptop's long night is no jump of the clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _keys(state: Path) -> keyring.Keyring:
    try:
        return keyring.from_text((state / "gate.keys").read_bytes(), room="gate")
    except FileNotFoundError:
        raise StateError("there is no gate.keys here: run `./tyst fleet init`, or give the right --state") from None


def _site_addresses(options: Options, fleet: FleetRow) -> Callable[[], list[str]]:
    """The site's addresses: as given, or as its public name resolves when a node asks."""
    if options.site_addresses:
        return lambda: list(options.site_addresses)
    site = urlsplit(fleet.site)

    def resolve() -> list[str]:
        try:
            found = socket.getaddrinfo(site.hostname, site.port or 443, type=socket.SOCK_STREAM)
        except OSError:
            return []
        return sorted({str(entry[4][0]) for entry in found})

    return resolve


def server(gate: Gate, options: Options) -> uvicorn.Server:
    """uvicorn on uvloop and httptools, with this room's protocol and TLS, and without any word about requests."""
    state = options.state
    context = tls_context(state / "gate.crt", state / "gate.key", state / "ca.crt")

    def tls(config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        return context

    return _Server(
        uvicorn.Config(
            Door(gate),
            host=options.host,
            port=options.port,
            loop="uvloop",
            http=PeerProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=2,
            limit_concurrency=CONNECTIONS,
            backlog=1024,
            ssl_context_factory=tls,
        )
    )


class _Server(uvicorn.Server):
    """uvicorn, saying one word when its door is open."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the door."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise StateError("the door can't be opened there: another gate has it, or it is not this host's") from None
        _tune_collector()
        print("ready", flush=True)


def serve(options: Options) -> None:
    """Runs the gate until it is told to stop. Prints `ready` when the door is open."""
    gate = build(options)
    silence()
    running = server(gate, options)
    with asyncio.Runner(loop_factory=running.config.get_loop_factory()) as runner:
        runner.run(_live(gate, running, options))
    gate.passwords.close()
    gate.records.close()


async def _live(gate: Gate, running: uvicorn.Server, options: Options) -> None:
    chores = [asyncio.create_task(chore) for chore in (_sweep(gate), _batches(gate, options.batch_at))]
    await running.serve()
    for chore in chores:
        chore.cancel()


def _tune_collector() -> None:
    """Takes what lives as long as the process out of the cycle collector's sight, and lets it run rarely: no pauses."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _sweep(gate: Gate) -> None:
    """Forgets what has lapsed, in slices, and lets go of what the records' reader still has in RAM."""
    refreshed = gate.ticks()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        gate.provisional.lapse(gate.ticks())
        keys = gate.slots.keys()
        for start in range(0, len(keys), SWEEP_SLICE):
            gate.slots.lapse(gate.ticks(), keys[start : start + SWEEP_SLICE])
            await asyncio.sleep(0)
        if gate.ticks() - refreshed >= REFRESH_SECONDS:
            refreshed = gate.ticks()
            with contextlib.suppress(Exception):  # the old reader goes on serving
                gate.records.refresh()


async def _batches(gate: Gate, at: TimeOfDay) -> None:
    """The daily batch at its time of day. One that fails keeps its flags for the next."""
    while True:
        await asyncio.sleep(seconds_until(at, gate.clock()))
        with contextlib.suppress(Exception):
            await run_batch(gate, "", RunBatch())
        await asyncio.sleep(1)


def silence() -> None:
    """No logging at all, and of an exception that nobody caught only its type: a traceback may show a value."""
    logging.disable(logging.CRITICAL)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.handlers, logger.propagate = [logging.NullHandler()], False
    sys.excepthook = _type_only
    sys.unraisablehook = lambda caught: _type_only(caught.exc_type, caught.exc_value, None)
    threading.excepthook = lambda caught: _type_only(caught.exc_type, caught.exc_value, None)


def _type_only(kind: type[BaseException], value: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        print(f"tyst gate: stopped by an internal error ({kind.__name__})", file=sys.stderr, flush=True)


def listen_address(text: str) -> tuple[str, int]:
    """(host, port) of `ADDR:PORT`; `:PORT` and `[::]:PORT` are every address of both families. ValueError otherwise."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 <= int(port) < 65536:
        raise ValueError("an address to listen at looks like 192.0.2.1:8443, [2001:db8::1]:8443 or :8443")
    host = host.strip("[]")
    # The event loop opens `::` for IPv6 alone; with no host at all it opens both.
    return "" if host == "::" else host, int(port)


def server_names(state: Path) -> Sequence[str]:
    """The names in the gate's own certificate, first the one that nodes use."""
    parsed = x509.load_pem_x509_certificate((state / "gate.crt").read_bytes())
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)
