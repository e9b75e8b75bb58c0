"""One world, played: people sign up, register devices, connect and leave; then everything is dumped for the attackers.

Real site (its WSGI door), real gate (its admissions, confirmations, renewals and batch), real node (its tunnels, down
to the kernel's stand-ins of `worlds.kernel`), real records on SQLite or PostgreSQL; clock in the hand, randomness the
machine's. It runs in a process of its own, because Django is set up once in a process. What it leaves in a folder:
`texts/` and `rows.json` for the attackers, `truth.json` for the challenger. Counterparts: `match.py`, `live.py`.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from tyst.core.sources import Sources
from tyst.core.voucher import hash_of, new_code
from tyst.core.wireguard.handshake import Initiation
from tyst.fleet import founding, nodes
from tyst.gate import admission, renewals
from tyst.gate import wiring as gate_wiring
from tyst.gate.batch import run_batch
from tyst.gate.room import Gate
from tyst.messages.admission import Admission, AdmitKey, Confirm, Renew
from tyst.messages.devices import RunBatch
from tyst.node.clock import Clock
from tyst.node.doors import GateState
from tyst.node.egress import plain
from tyst.node.packets import Captured, Knock
from tyst.node.settings import Settings
from tyst.node.states import State
from tyst.node.tunnels import Tunnels
from tyst.proof.blind import dumping, people, weaknesses
from tyst.proof.worlds.kernel import Flows, Peers, firewall
from tyst.records import undone
from tyst.records.statements import open_records
from tyst.records.where import Server, Where, chosen

NODE = "se-sto"
DAWN = datetime(2026, 11, 9, 9, tzinfo=UTC).timestamp()
_CHEAP_KIB = 64
"""Of password hashes: the proof isn't about them."""


@dataclass
class Hours:
    """A clock in the hand, in seconds since 1970; it has no seconds hand of its own."""

    moment: float = DAWN

    def __call__(self) -> float:
        return self.moment

    def when(self) -> datetime:
        """The same as the site has it."""
        return datetime.fromtimestamp(self.moment, UTC)

    def pass_by(self, least: float, most: float) -> None:
        """Some time passes."""
        self.moment += random.SystemRandom().uniform(least, most)


@dataclass
class NearGate:
    """The gate as the node has it, without the line between them."""

    gate: Gate
    weak: str = ""
    handle: bytes = field(default=b"", repr=False)
    state: GateState = GateState.CONNECTED
    lost_for: float = 0.0
    returned: list[bytes] = field(default_factory=list)

    async def admit_key(self, question: AdmitKey) -> Admission:
        """May this device in."""
        if self.weak == weaknesses.REUSED:  # her record isn't where her key says
            question = AdmitKey(weaknesses.weak_tag(self.handle, question.tag), question.opener)
        answer = await admission.admit_key(self.gate, NODE, question)
        if self.weak == weaknesses.KEPT:
            weaknesses.keep(self.gate, question.tag, answer.lease)
        return answer

    async def confirm(self, lease: bytes) -> Admission:
        """It spoke."""
        return await admission.confirm(self.gate, NODE, Confirm(lease))

    def give_back(self, lease: bytes) -> None:
        """It left."""
        if lease:
            self.returned.append(lease)


@dataclass
class World:
    """The rooms of one world and who uses them."""

    state: Path
    where: Where
    hours: Hours
    gate: Gate
    site: Any
    node: Tunnels
    peers: Peers
    near: NearGate
    weak: str
    cast: list[people.Person]
    browsers: dict[str, people.Visitor] = field(default_factory=dict)
    handles: dict[str, bytes] = field(default_factory=dict)


def main() -> int:
    """Plays the worlds that standard input names, one JSON object a line, and says 'played' after each."""
    for line in sys.stdin:
        job = json.loads(line)
        _set_up(Path(job["folder"]))
        _play(job)
        print("played", flush=True)
    return 0


def _play(job: dict[str, Any]) -> None:
    folder = Path(job["folder"])
    state = folder / "state"
    founding.found(founding.Plan(state, "https://tyst.test", ["gate.tyst.test"], job.get("database", "")), now=DAWN)
    where = chosen(state)
    if job["weak"] == weaknesses.ORDER and isinstance(where, Path):
        weaknesses.with_row_numbers(where)
    _look_at(where)
    world = _world(job, state, where)
    try:
        _days(world)
        with asyncio.Runner() as runner:
            runner.run(_connections(world))
            runner.run(_night(world))
        _tidy(world)
        _dumped(world, job, folder)
    finally:
        world.gate.passwords.close()
        world.gate.records.close()


def _look_at(where: Where) -> None:
    """Turns this process's Django to this world's database."""
    from django.db import connections

    from tyst.records.engine import database

    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = connections.configure_settings({"default": database(where)})["default"]


def _set_up(folder: Path) -> None:
    """Sets up the site's Django, once in this process, before the founding would set one up for records alone."""
    from django.conf import settings

    from tyst.site import wiring as site_wiring

    if not settings.configured:
        site_wiring.configure(folder / "nothing", ["tyst.test"])


def _world(job: dict[str, Any], state: Path, where: Where) -> World:
    hours = Hours()
    sources = Sources(hours, hours, os.urandom, random.SystemRandom().shuffle)
    nodes.add(state, nodes.Wanted(NODE, "Stockholm", "se", IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10")))
    records = open_records(where)
    records.announce(NODE, wireguard_public=os.urandom(32), key_blob=os.urandom(200))
    records.close()
    gate = gate_wiring.build(gate_wiring.Options(state, "", 0, time(4), ("192.0.2.1",)), sources)
    peers, near = Peers(), NearGate(gate, job["weak"])
    node = Tunnels(
        gate=near,
        wireguard=peers,
        firewall=firewall(),
        flows=Flows(),
        passage=plain,
        hand_on=lambda _: None,
        clock=Clock(hours, hours),
        settings=Settings(),
    )
    undone.use(state)
    site = _site(state, hours)
    return World(state, where, hours, gate, site, node, peers, near, job["weak"], people.cast(job["people"]))


def _site(state: Path, hours: Hours) -> Any:
    from tyst.site import wiring as site_wiring
    from tyst.site.passwords import Passwords

    options = site_wiring.Options(state, "https://localhost:9", [state / "no-countries"])
    door = site_wiring.assembled(options, hours.when, os.urandom)
    door.services = replace(door.services, passwords=Passwords(memory_kib=_CHEAP_KIB))
    return door


def _days(world: World) -> None:
    """Some days of one month: each signs up and registers a device; later the second ones; all connect and leave."""
    chance = random.SystemRandom()
    codes = [new_code(os.urandom(10)) for _ in world.cast]
    open_records(world.where).put_vouchers([hash_of(code) for code in codes], 30)
    current = b""
    planted = weaknesses.reused(lambda: current) if world.weak == weaknesses.REUSED else weaknesses.none()
    with planted:
        for who, code in zip(world.cast, codes, strict=True):
            world.browsers[who.name] = people.sign_up(world.site, who, code)
            current = world.handles[who.name] = _handle(who.name)
            world.hours.pass_by(30, 300)
            people.register(world.browsers[who.name], who.devices[0])
            world.hours.pass_by(60, 600)
        for who in chance.sample(world.cast, len(world.cast)):
            current = world.handles[who.name]
            people.register(world.browsers[who.name], who.devices[1])
            world.hours.pass_by(60, 400)


def _handle(name: str) -> bytes:
    from tyst.records.models import Account

    return bytes(Account.objects.get(username=name).handle)


async def _connections(world: World) -> None:
    """Every device connects once, stays a while, and leaves."""
    chance = random.SystemRandom()
    every = [(who, device) for who in world.cast for device in who.devices]
    for who, device in chance.sample(every, len(every)):
        await _connected(world, who, device.public)
        world.hours.pass_by(1, 9)
        if chance.random() < 0.2:
            await _renewed(world)
    await _renewed(world)
    await world.node.close_all()
    await _renewed(world)


async def _connected(world: World, who: people.Person, public: bytes) -> None:
    packet = Captured(who.address.packed, 40000, bytes((192, 0, 2, 10)), 51820, bytes(148))
    world.near.handle = world.handles[who.name]
    world.node.knock(Knock(Initiation(public, os.urandom(12)), packet))
    await _until(lambda: _is(world, public, State.PROVISIONAL))
    world.peers.stamps[public] = int(world.hours())
    await world.node.look()
    await _until(lambda: _is(world, public, State.OPEN))


def _is(world: World, public: bytes, state: State) -> bool:
    tunnel = world.node.table.get(public)
    return tunnel is not None and tunnel.state is state


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0)
    raise RuntimeError("a device could not connect: the world is broken, and nothing was proved")


async def _renewed(world: World) -> None:
    """One round: what is held, and what comes back."""
    returned, world.near.returned = world.near.returned, []
    await renewals.renew(world.gate, NODE, Renew(world.node.held(), returned))


async def _night(world: World) -> None:
    """Until the tunnels are long closed; the sweeps that the rooms do by themselves; the batch.

    Where rows are to lie in their order, it is a day on which nobody connected for the first time: no batch writes."""
    world.hours.pass_by(86400, 90000)
    await world.node.sweep()
    gate = world.gate
    gate.provisional.lapse(gate.ticks())
    gate.slots.lapse(gate.ticks())
    if world.weak != weaknesses.ORDER:
        await run_batch(gate, "", RunBatch())
    gate.records.refresh()


def _tidy(world: World) -> None:
    """The site's own sweep, and the nightly rewrite."""
    world.site.services.limits.forget()
    if isinstance(world.where, Server) and world.weak != weaknesses.ORDER:
        from tyst.records.postgresql.shuffle import shuffled

        shuffled(world.where)


def _dumped(world: World, job: dict[str, Any], folder: Path) -> None:
    keys = [device.public for who in world.cast for device in who.devices]
    if world.weak == weaknesses.LOGGED:
        weaknesses.log(world.state, keys, world.gate.keys.hpke)
    rooms = {"site": world.site, "gate": world.gate, "node": (world.node, world.peers)}
    dumping.write(
        folder, dumping.World(world.state, world.where, rooms, world.gate, (world.near,), job.get("data", ""))
    )
    people_ = [{**who.truth, "handle": world.handles[who.name].hex()} for who in world.cast]
    if world.weak == weaknesses.REUSED:
        for one in people_:
            handle = bytes.fromhex(one["handle"])
            one["tags"] = [weaknesses.weak_tag(handle, bytes.fromhex(tag)).hex() for tag in one["tags"]]
    (folder / "truth.json").write_text(json.dumps(people_))
