"""The blind proof with real processes: gate and site as the operator runs them, a node beside them, people over HTTP.

What each process holds in its memory is read from outside, through /proc: every page that it has written since the
first visitor came, freed pieces and buffers included. The attackers and their questions are the same. Root is needed,
and some minutes. Counterparts: `play.py` has all rooms in one process; `node_room.py` is the node's process.
"""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from tyst.core.keyring import SHARED, Keyring, from_text
from tyst.core.voucher import hash_of, new_code
from tyst.fleet import nodes
from tyst.gate import operator
from tyst.messages.devices import BatchDone, RunBatch
from tyst.proof import blind_check
from tyst.proof.blind import dumping, match, opened, people, weaknesses
from tyst.proof.check import How
from tyst.proof.sources import PAGE, MemorySource
from tyst.proof.worlds.device import Device
from tyst.proof.worlds.people import Answer
from tyst.records.statements import open_records
from tyst.records.where import Server, chosen

NODE = "se-sto"
PLANTED = 20
SETTLE = 185
"""Seconds after the last tunnel's end until the dumps are taken: what lapses has lapsed."""
_AS_SHIPPED = {
    "PYTHONMALLOC": "malloc",
    "MALLOC_PERTURB_": "165",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""What `./tyst` sets for every room."""
_RUN = "from tyst.cli import main; raise SystemExit(main())"
_PLANTED = f"from tyst.proof.blind import weaknesses; weaknesses.infect(); {_RUN}"
_NODE = "from tyst.proof.blind.node_room import main; raise SystemExit(main())"


class LiveError(RuntimeError):
    """A room did not start or a step had no effect. Says which."""


class Visitor(people.Visitor):
    """A browser that speaks to the site's listener, from a loopback address of its own."""

    port = 0

    def _sent(self, method: str, path: str, body: bytes, good: int) -> Answer:
        line = HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=(self._address, 0))
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Origin": f"http://127.0.0.1:{self.port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            line.request(method, path, body or None, headers)
            response = line.getresponse()
            content = response.read()
        finally:
            line.close()
        for value in response.headers.get_all("Set-Cookie", []):
            self._keep(value)
        if response.status != good:
            raise LiveError(f"{method} {path} answers {response.status}, not {good}")
        return Answer(response.status, content)


@dataclass
class Room:
    """A process of ours, and the pages that it held before anybody came."""

    name: str
    process: "subprocess.Popen[str]"
    before: set[bytes] = field(default_factory=set, repr=False)

    def wait(self) -> None:
        """Its one word."""
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise LiveError(f"the {self.name} does not start")

    def do(self, job: dict[str, str]) -> None:
        """One job of the node's."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            raise LiveError("a device could not connect")

    def remember(self) -> None:
        """Notes every page that it holds now."""
        self.before = set(pages(self.process.pid))

    def dump(self) -> bytes:
        """Every page that it did not hold then."""
        return b"".join(page for page in pages(self.process.pid) if page not in self.before)

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


def pages(pid: int) -> Iterator[bytes]:
    """Every page of a process that holds more than one value."""
    with MemorySource(pid) as source:
        for begin, end in source.runs():
            content = bytearray(end - begin)
            source.read_into(begin, memoryview(content))
            for place in range(0, len(content), PAGE):
                page = bytes(content[place : place + PAGE])
                if page.count(page[:1]) != len(page):
                    yield page


def outcome(engine: str, how: How) -> blind_check.Outcome:
    """A planted world of real processes, and a clean one with all questions."""
    with ExitStack() as stack:
        player = stack.enter_context(blind_check.place(engine))
        planted = _played(player, how, 2 * PLANTED, weaknesses.KEPT)
        clean = _played(player, how, 2 * blind_check.TRIALS, "")
        common = frozenset(opened.windows(match.read(planted)) & opened.windows(match.read(clean)))
        found = match.play(planted, PLANTED, {}, common)
        tally = match.play(clean, blind_check.TRIALS, match.weights(found), common)
        suspects = blind_check.beyond(tally)
        lines = []
        if suspects:
            shutil.rmtree(clean)
            again = match.play(
                _played(player, how, 2 * blind_check.TRIALS, ""), blind_check.TRIALS, match.weights(found), common
            )
            lines = [
                blind_check.sentence(f"{engine}, real processes", again, *one)
                for one in suspects
                if blind_check.outside(again, *one)
            ]
        return blind_check.Outcome(f"{engine}, real processes", tally, {weaknesses.KEPT: found}, lines)


def _played(place: "blind_check.Place", how: How, count: int, weak: str) -> Path:
    """One world; its folder has what `play.py` leaves."""
    how.tell(f"blind, {place.engine}, real processes: {count} people")
    folder, database = place.folder()
    state = folder / "state"
    _found(state, database)
    with _rooms(state, weak) as (rooms, site, gate):
        for room in rooms.values():
            room.remember()
        cast = _cast(count)
        _use(state, rooms["node"], site, cast)
        how.tell(f"blind, {place.engine}, real processes: waiting {SETTLE} s")
        time.sleep(SETTLE)
        operator.ask(state, ("127.0.0.1", gate), "/v1/batch", RunBatch(), BatchDone)
        _night(state)
        _dump(folder, state, rooms, place.data)
    _tell_truth(folder, cast)
    return folder


def _found(state: Path, database: str) -> None:
    words = ["--state", str(state), "--site", "https://tyst.test", "--gate-name", "localhost"]
    words += ["--database", database] if database else []
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "fleet", "init", *words], env=_environment(), capture_output=True, timeout=120
    )
    if done.returncode:
        raise LiveError("a provider can't be made")


def _environment() -> dict[str, str]:
    return {**os.environ, **_AS_SHIPPED, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@contextmanager
def _rooms(state: Path, weak: str) -> Iterator[tuple[dict[str, Room], int, int]]:
    """Gate, site and node, ready; the site's port, and the gate's."""
    site, gate = _free_port(), _free_port()
    address = f"https://localhost:{gate}"
    with ExitStack() as stack:

        def start(name: str, source: str, *words: str) -> Room:
            process = subprocess.Popen(
                [sys.executable, "-c", source, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=_environment(),
            )
            room = Room(name, process)
            stack.callback(room.stop)
            room.wait()
            return room

        listen = ("--state", str(state), "--listen", f"127.0.0.1:{gate}", "--site-address", "192.0.2.1")
        rooms = {"gate": start("gate", _PLANTED if weak else _RUN, "gate", *listen)}
        nodes.add(state, nodes.Wanted(NODE, "Stockholm", "se", IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10")))
        token = nodes.token(state, NODE, address)
        rooms["node"] = start("node", _NODE, str(state.parent / "node"), token)
        served = ("--state", str(state), "--http", f"127.0.0.1:{site}", "--gate", address)
        rooms["site"] = start("site", _RUN, "serve", *served)
        yield rooms, site, gate


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cast(count: int) -> list[people.Person]:
    """People on streets of loopback, all different: that is where their requests really come from."""
    chance = random.SystemRandom()
    streets = chance.sample(range(1, 1 << 16), count)
    made = []
    for street in streets:
        address = IPv4Address((127 << 24) + (street << 8) + chance.randrange(2, 250))
        made.append(people.Person(f"p{os.urandom(6).hex()}", address, tuple(Device(os.urandom(32)) for _ in range(2))))
    return made


def _use(state: Path, node: Room, site: int, cast: list[people.Person]) -> None:
    """As in `play.py`: each signs up and registers a device, later the second; all connect, and leave."""
    chance = random.SystemRandom()
    codes = [new_code(os.urandom(10)) for _ in cast]
    open_records(chosen(state)).put_vouchers([hash_of(code) for code in codes], 30)
    browsers: dict[str, people.Visitor] = {}
    for who, code in zip(cast, codes, strict=True):
        browser = Visitor(None, str(who.address))
        browser.port = site
        browsers[who.name] = people.signed_up(browser, who, code)
        people.register(browser, who.devices[0])
    for who in chance.sample(cast, len(cast)):
        people.register(browsers[who.name], who.devices[1])
    every = [(who, device) for who in cast for device in who.devices]
    for who, device in chance.sample(every, len(every)):
        node.do({"key": device.public.hex(), "address": str(who.address)})
        if chance.random() < 0.05:
            node.do({})
    node.do({})


def _night(state: Path) -> None:
    """PostgreSQL's nightly rewrite."""
    where = chosen(state)
    if isinstance(where, Server):
        from tyst.records.postgresql.shuffle import shuffled

        shuffled(where)


def _dump(folder: Path, state: Path, rooms: dict[str, Room], data: str) -> None:
    ring = from_text((state / "gate.keys").read_bytes(), room="gate")
    memories = {name: dumping.without(room.dump(), _own(ring)) for name, room in rooms.items()}
    dumping.write_texts(folder, state, chosen(state), memories, data)
    (folder / "public.json").write_text(json.dumps({"gate": ring.hpke_public.hex()}))


def _own(ring: Keyring) -> list[bytes]:
    """What stands in the gate's key file alone."""
    kinds = [key.secret for kind, keys in ring.seal.items() if kind not in SHARED for key in keys]
    return [*kinds, *ring.hpke, *(value for name, value in ring.secrets.items() if name != "owner")]


def _tell_truth(folder: Path, cast: list[people.Person]) -> None:
    rows: list[Any] = json.loads((folder / "rows.json").read_text())["account"]
    handles = {bytes.fromhex(row[2]["username"]).decode(): row[2]["handle"] for row in rows}
    (folder / "truth.json").write_text(json.dumps([{**who.truth, "handle": handles[who.name]} for who in cast]))
