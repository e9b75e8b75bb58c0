"""All worlds over one database, in a process of its own: `python -m tyst.proof.worlds.run ENGINE SEED WHAT …`.

Each world is a fork of this process, so that all begin with the same memory, at the same path, with a copy of the same
ground. What they say comes back through a pipe. Prints one JSON line at the end. Caller: `tyst.proof.worlds_check`.
"""

import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tyst.proof.worlds import acts, cluster, ground, still
from tyst.proof.worlds.acts import Stage, Step
from tyst.proof.worlds.asked import ENGINES
from tyst.proof.worlds.difference import NOTHING, Declared, differences, used
from tyst.proof.worlds.faults import OF_POSTGRESQL, WEAKNESSES, Weakness
from tyst.proof.worlds.forks import forked
from tyst.proof.worlds.hand import Hand
from tyst.proof.worlds.people import Person
from tyst.proof.worlds.persisted import Engine, History, Postgresql, Sqlite, Watch
from tyst.proof.worlds.rooms import Place, Rooms
from tyst.records import slots_file, undone
from tyst.records.where import SQLITE, Where
from tyst.site import wiring as site_wiring

_HOUR, _DAY = 3600, 86400
RAM = Path("/dev/shm")  # noqa: S108 - a tmpfs on every Linux; a node takes its folder nowhere else
FLAG = Declared(frozenset({"account.has_connected"}))
BOUGHT = Declared(
    frozenset({"account.subscription", "account.updated_at"}),
    # Until which day her row is paid, under a keyed hash, over what stood there of her: her slot, and (there) his.
    {f"state/{undone.FILE}": (2, slots_file.SLOT)},
)


@dataclass
class Worlds:
    """Makes worlds over one engine."""

    place: Place
    where: Where
    server: cluster.Cluster | None
    seed: bytes = field(repr=False)
    moment: float
    copy: Path = field(init=False)
    voucher: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        site_wiring.configure(self.where, ["localhost"])
        _warm()
        self.copy = self.place.root.with_name("ground")
        self.voucher = forked(lambda: ground.make(self.place, self.where, Hand(self.moment, self.seed)), self._clear)
        shutil.copytree(self.place.root, self.copy)
        if self.server is not None:
            self.server.make("ground", "world")

    def history(self, steps: Sequence[Step], weakness: Weakness | None = None) -> History:
        """One world: what is persisted before the steps and after each."""
        return forked(lambda: self._lived(steps, weakness), self.restore)

    def _clear(self) -> None:
        """Nothing yet."""
        for folder in (self.place.root, self.place.node):
            shutil.rmtree(folder, ignore_errors=True)
        self.place.root.mkdir()
        if self.server is not None:
            self.server.make("world")

    def restore(self) -> None:
        """The ground as it was."""
        shutil.rmtree(self.place.root)
        shutil.copytree(self.copy, self.place.root)
        if self.server is not None:
            self.server.make("world", "ground")

    def stage(self, change: Callable[[Any], None] = lambda _: None) -> Stage:
        """Rooms over what is there. To be called in a fork."""
        hand = Hand(self.moment + _HOUR, self.seed)
        return Stage(Rooms(self.place, hand, change), self.people)

    @property
    def people(self) -> dict[str, Person]:
        """The cast."""
        return ground.people(Hand(self.moment, self.seed))

    def engine(self) -> Engine:
        """What looks into the database."""
        if self.server is not None:
            return Postgresql(self.server, "world")
        return Sqlite(self.place.state / SQLITE)

    def _lived(self, steps: Sequence[Step], weakness: Weakness | None) -> History:
        root = self.place.root
        stage = self.stage(lambda gate: weakness.plant(gate, root) if weakness else None)
        watch = Watch(root, self.engine())
        history = [watch.look("the beginning")]
        for name, step in steps:
            step(stage)
            history.append(watch.look(name, scattered=name == acts.NIGHT and self.server is not None))
        return history


def _warm() -> None:
    """Whatever each fork would have to read and compile for itself; nothing of it touches the database."""
    from django.template.loader import get_template
    from django.urls import get_resolver

    import tyst.site
    from tyst.site import shop

    assert shop.COOKIE and get_resolver().url_patterns
    for file in (Path(tyst.site.__file__).parent / "templates").glob("*.html"):
        get_template(file.name)


# --- what is compared -----------------------------------------------------------------------------------------------


@dataclass
class Told:
    """For the caller."""

    found: list[str] = field(default_factory=list)
    faults: list[tuple[str, list[str]]] = field(default_factory=list)
    """What was planted, and by which differences it was caught."""
    figures: dict[str, float] = field(default_factory=dict)

    def count(self, name: str, number: int) -> None:
        """Adds to a figure."""
        self.figures[name] = self.figures.get(name, 0) + number


@dataclass(frozen=True)
class Pair:
    """Two worlds that must be the same but for what is declared."""

    name: str
    one: Sequence[Step]
    other: Sequence[Step]
    declared: Declared = NOTHING


def pairs(worlds: Worlds) -> list[Pair]:
    """All of them."""
    alice, bob, charlie, dora = (worlds.people[name] for name in (*ground.KNOWN, *ground.NEW))
    stranger, code = worlds.people[ground.STRANGER], worlds.voucher
    use = [acts.then_batch(acts.use(one, stranger)) for one in (alice, bob)]
    first = [acts.then_night(acts.then_batch(acts.connect(one))) for one in (charlie, dora)]
    buy = [acts.then_night(acts.buy(one, code)) for one in (alice, bob)]
    return [
        Pair("use", use[0], use[1]),
        Pair("first", first[0], first[1], FLAG),
        Pair("order", *_in_both_orders(charlie, dora)),
        Pair("buy", buy[0], buy[1], BOUGHT),
    ]


def _in_both_orders(one: Person, other: Person) -> tuple[Sequence[Step], Sequence[Step]]:
    a, b = acts.connect(one), acts.connect(other)
    return acts.then_batch((*a, *b)), acts.then_batch((*b, *a))


def compare(worlds: Worlds, told: Told) -> None:
    """The pairs of worlds that must be the same."""
    for pair in pairs(worlds):
        one, other = worlds.history(pair.one), worlds.history(pair.other)
        told.found += [f"{pair.name}: {what}" for what in differences(one, other, pair.declared)]
        if used(one, other) != pair.declared.fields:
            told.found.append(f"{pair.name}: what is declared did not change: the comparison shows nothing")
        told.count("worlds", 2)
        told.count("moments_compared", len(one))
        told.count("files_compared", sum(len(moment.files) for moment in one))
        told.count("rows_compared", sum(len(rows) for moment in one for rows in moment.rows.values()))


def catch(worlds: Worlds, told: Told, names: Sequence[str]) -> None:
    """Plants each weakness in both worlds of a pair; the comparison has to tell them apart."""
    known = {**WEAKNESSES, **OF_POSTGRESQL} if worlds.server is not None else WEAKNESSES
    meant = names or [name for name, one in known.items() if worlds.server is None or not one.aside]
    alice, bob, charlie, dora = (worlds.people[who] for who in (*ground.KNOWN, *ground.NEW))
    for name in [one for one in meant if one in known]:
        weakness = known[name]
        a, b = _in_both_orders(charlie, dora) if weakness.order else (acts.connect(alice), acts.connect(bob))
        found = differences(worlds.history(a, weakness), worlds.history(b, weakness))
        told.faults.append((weakness.what, found))


def stay(worlds: Worlds, told: Told, names: Sequence[str]) -> None:
    """Zero bytes: use writes nothing, and planted writes are seen."""
    known = still.OF_POSTGRESQL if worlds.server is not None else still.FAULTS
    if not names:
        told.found += forked(lambda: still.watched(worlds), worlds.restore)
    for name in [one for one in names or known if one in known]:
        found = forked(partial(still.watched, worlds, known[name], still.short(worlds)), worlds.restore)
        told.faults.append((known[name].what, found))


def main(engine: str, seed: str, what: Sequence[str]) -> int:
    """An odd seed begins just before midnight. `what`: `compare`, `catch`, `catch:NAME`; nothing means both of the
    first; or `bytes`, `bytes:NAME`, which run over a disk."""
    if engine not in ENGINES:
        raise SystemExit("there is no such database")
    begun, told = time.monotonic(), Told()
    disk = still.on_disk() if any(one.startswith("bytes") for one in what) else None
    with ExitStack() as undo:
        worlds = enter(engine, int(seed), undo, disk)
        told.figures["ground_s"] = round(time.monotonic() - begun, 2)
        if any(one.startswith("bytes") for one in what):
            stay(worlds, told, _names(what, "bytes"))
        else:
            _compare_and_catch(worlds, told, what)
    told.figures["seconds"] = round(time.monotonic() - begun, 2)
    print(json.dumps({"found": told.found, "faults": told.faults, "figures": told.figures}))
    return 0


def _names(what: Sequence[str], of: str) -> list[str]:
    return [one.partition(":")[2] for one in what if one.startswith(f"{of}:")]


def _compare_and_catch(worlds: Worlds, told: Told, what: Sequence[str]) -> None:
    caught = _names(what, "catch")
    if not what or "compare" in what:
        compare(worlds, told)
    if not what or "catch" in what or caught:
        catch(worlds, told, caught)


def enter(engine: str, seed: int, undo: ExitStack, disk: Path | None = None) -> Worlds:
    """A ground over an engine, taken away by `undo`. `disk`: where what is persisted goes, RAM by default."""
    ram = Path(tempfile.mkdtemp(prefix="tyst-worlds-", dir=RAM))
    undo.callback(shutil.rmtree, ram, ignore_errors=True)
    base = ram
    if disk is not None:
        base = Path(tempfile.mkdtemp(prefix="tyst-worlds-", dir=disk))
        undo.callback(shutil.rmtree, base, ignore_errors=True)
    root = base / "world"
    root.mkdir()
    for name, value in (("TMPDIR", root / "tmp"), ("HOME", root / "home")):
        os.environ[name] = str(value)
    tempfile.tempdir = str(root / "tmp")
    ear = undo.enter_context(socket.create_server(("127.0.0.1", 0)))
    server: cluster.Cluster | None = None
    where: Where = root / "state" / SQLITE
    if engine == "postgresql":
        base.chmod(0o711)
        server = cluster.start(base)
        undo.callback(server.stop)
        where = server.server("world")
    return Worlds(Place(root, ram, ear), where, server, b"two worlds %d" % seed, _moment(time.time(), seed))


def _moment(now: float, seed: int) -> float:
    """When the ground is made: never after now, and not a day ago, because TLS asks the real clock about certificates.

    The last full hour; or, for an odd seed, so that midnight (UTC) comes in the middle of the worlds.
    """
    midnight = now // _DAY * _DAY
    return midnight - _HOUR - 20 if seed % 2 and now - midnight < 22 * _HOUR else now // _HOUR * _HOUR


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
