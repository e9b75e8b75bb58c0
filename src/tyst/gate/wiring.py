"""Chooses the gate's parts and keeps its house: clocks, randomness, keys, the server, the daily batch, the sweeping.

The one place of this room that reads the state folder. `gate.command` runs it inside the fence (`tyst.quiet.fence`).
"""

import asyncio
import gc
import os
import random
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time as TimeOfDay
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tyst.core import keyring, metric
from tyst.core.events import Event
from tyst.core.slots import SlotTable
from tyst.core.sources import Sources
from tyst.core.steady import SteadyClock
from tyst.gate import authority
from tyst.gate.batch import run_batch, seconds_until
from tyst.gate.door import Door
from tyst.gate.passwords import PasswordDesk
from tyst.gate.protocol import PeerProtocol, tls_context
from tyst.gate.room import Gate
from tyst.gate.shelf import BUNDLE, ListShelf
from tyst.messages.devices import RunBatch
from tyst.quiet import fence, process
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


def build(options: Options, sources: Sources | None = None) -> Gate:
    """The gate out of its state folder. `sources`: time and chance; the machine's own unless somebody gives others."""
    state, chance = options.state, sources or machine()
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
        clock=chance.clock,
        ticks=chance.ticks,
        draw=chance.draw,
        shuffle=chance.shuffle,
        site_addresses=_site_addresses(options, fleet),
        slots=SlotTable(started=chance.ticks()),
        slot_secret=chance.draw(32),
        lists=ListShelf(state / BUNDLE),
        state=state,
    )


def machine() -> Sources:
    """This machine's clocks and randomness."""
    shuffle = random.SystemRandom().shuffle
    return Sources(SteadyClock(time.time, boot_seconds), time.monotonic, secrets.token_bytes, shuffle)


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
        fence.say(Event.READY)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes the door. uvicorn ends the process by the signal that stopped it, so the last words are said here."""
        await super().shutdown(sockets)
        fence.tell()


def serve(options: Options) -> None:
    """Runs the gate until it is told to stop. Prints `ready` when the door is open."""
    gate = build(options)
    _show(gate)
    running = server(gate, options)
    with asyncio.Runner(loop_factory=running.config.get_loop_factory()) as runner:
        runner.run(_live(gate, running, options))
    gate.passwords.close()
    gate.records.close()


def _show(gate: Gate) -> None:
    """The figures of this room, where they are asked for."""
    process.ask(metric.GATE_NODES, lambda: gate.loads.heard(gate.ticks()))
    process.ask(metric.GATE_TUNNELS, gate.slots.total)


async def _live(gate: Gate, running: uvicorn.Server, options: Options) -> None:
    asyncio.get_running_loop().set_exception_handler(fence.loop_fault)
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
        with fence.counted():  # the records are away: this slot has no figures
            gate.totals.tick(gate.clock(), partial(cities, gate))
        keys = gate.slots.keys()
        for start in range(0, len(keys), SWEEP_SLICE):
            gate.slots.lapse(gate.ticks(), keys[start : start + SWEEP_SLICE])
            await asyncio.sleep(0)
        if gate.ticks() - refreshed >= REFRESH_SECONDS:
            refreshed = gate.ticks()
            with fence.counted():  # the old reader goes on serving
                gate.records.refresh()


def cities(gate: Gate) -> dict[str, str]:
    """The city of each node that should be up now."""
    return {row.name: row.location for row in gate.records.nodes() if not row.revoked and row.wireguard_public}


async def _batches(gate: Gate, at: TimeOfDay) -> None:
    """The daily batch at its time of day. One that fails keeps its flags for the next."""
    while True:
        await asyncio.sleep(seconds_until(at, gate.clock()))
        with fence.counted():
            await run_batch(gate, "", RunBatch())
        await asyncio.sleep(1)


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
