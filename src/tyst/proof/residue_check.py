"""Residue: marked customers use a real provider; whatever of them is found afterwards stayed behind.

The short form has the rooms as processes on one machine: site, gate and jobs with a mail server. Guests use everything,
a crowd is connected at one moment, and every file, name, open file, memory, command line and environment is searched in
three phases: while they are there (what is in use *is* found, or the search is blind), after they left, and after all
rooms were restarted. Then the same is done to a provider with all leaky changes of `residue.leaks`, each of which must
be caught. The whole form has a thousand at once, waits the whole 185 s, and adds the lab: tunnels, kernels, disks.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from tempfile import TemporaryDirectory

from tyst.core.residue import Mark
from tyst.fleet import nodes
from tyst.lab.shop.shop import Town
from tyst.proof.check import Fault, How, Verdict
from tyst.proof.engine import Engine
from tyst.proof.erase.alice import NODE
from tyst.proof.erase.doorstep import Doorstep
from tyst.proof.marks import Draw
from tyst.proof.residue import guests, town
from tyst.proof.residue.guests import Crowd, Guest
from tyst.proof.residue.leaks import AT_POSTGRESQL, LEAKS, POSTGRESQL, Leak, leaky
from tyst.proof.residue.town import ALLOWED, OF_A_BROWSER, Look, Seen
from tyst.proof.sources import FileSource
from tyst.proof.worlds import cluster
from tyst.proof.worlds.cluster import Cluster

NAME = "residue"
MEANING = "Nothing is left of somebody who used the VPN: not in a file, not in a memory, in no form."
SETTLE = 185.0
"""Seconds after which nothing may be left."""
SHORT, WHOLE = 60, 1_000
"""How many are on the line at one moment, besides the guests."""
PAUSE, TRIES = 0.5, 4
LIVE = (("memory of site", "address"), *sorted(ALLOWED), OF_A_BROWSER)
"""What must be found while they are there: or the search is blind, and nothing that it doesn't find means anything."""
WORDS = {
    "address": "the address she comes from",
    "agent": "her browser's name",
    "device": "her device's key",
    "email": "her mail address",
    "opener": "what opens her device's record",
    "password": "her password",
    "path": "the address of a page",
    "session": "her session",
    "tag": "the name of her device's record",
    "username": "her user name",
}
"""The values, in words."""
_SEARCHED = (
    "every file of the state folder (the SQLite file with its free pages), of the folder for temporary files and what "
    "the processes print; their names; files that have none any more",
    "the memory, command lines and environments of site, gate and jobs and of every process below them",
    "what the visitors' browsers were given to keep",
)
_CANNOT = (
    "Values that were encrypted or hashed with a key look like noise: for those there is the check “worlds”.",
    "Values that were compressed: nothing of ours compresses what it keeps.",
    "The crowd's values are looked for in six common forms, the other customers' in all.",
    "The kernel's own freed memory, and machines that aren't ours: the customer's, her provider's, a mail service's.",
)
_SHORT = (
    "No tunnels, nodes, resolvers, raw disks, kernel tables or PostgreSQL took part, and the full 185 seconds were not "
    "waited out when nothing was left before: all that is the whole form, by night.",
)


def run(how: How) -> Verdict:
    """The honest provider in three phases, the leaky one, and with `whole` the lab."""
    honest = Stage(how, WHOLE if how.whole else SHORT)
    found = honest.run()
    how.tell(f"{len(LEAKS)} leaky changes in a provider of their own")
    faulty = Stage(how, 3, LEAKS)
    faults = list(honest.faults) + faulty.leaks(max(honest.clean_after * 2, 10.0))
    searched: tuple[str, ...] = _SEARCHED
    cannot: tuple[str, ...] = (*_CANNOT, *(() if how.whole else _SHORT))
    figures = honest.figures
    if how.whole:
        from tyst.proof.residue import lab

        for more in (postgresql(how), lab.run(how)):
            found, faults = found + list(more.found), faults + list(more.faults)
            searched, cannot = (*searched, *more.searched), (*cannot, *more.cannot)
            figures = {**figures, **more.figures}
    planted = (
        f"two customers who do everything, each with {len(honest.kinds)} values made up for this run: "
        f"{', '.join(WORDS[kind] for kind in sorted(honest.kinds))}",
        f"{honest.crowd} visitors on the line at the same moment, each with an address and a browser's name of her own",
        f"{figures['decoys']:.0f} decoys, which nobody sent: whatever finds one of them finds noise",
        f"each value in at least {figures['encodings_each']:.0f} forms: text, bytes, hex, base64, base32, hashes, …",
    )
    return Verdict(NAME, planted, searched, tuple(dict.fromkeys(found)), tuple(faults), cannot, figures)


def postgresql(how: How) -> Verdict:
    """The same over PostgreSQL: its data directory with its write-ahead log, and the memory of its processes."""
    if cluster.programs() is None:
        return Verdict(NAME, (), (), (), (), ("PostgreSQL isn't installed here: only SQLite was searched.",))
    how.tell("a provider on PostgreSQL")
    with TemporaryDirectory(prefix="tyst-residue-", dir="/dev/shm") as name:
        Path(name).chmod(0o755)  # the server's own user passes through
        server = cluster.start(Path(name))
        try:
            honest = Stage(replace(how, whole=False), SHORT, server=server)
            found = honest.run()
            faulty = Stage(how, 3, AT_POSTGRESQL, server)
            faults = honest.faults + faulty.leaks(max(honest.clean_after * 2, 10.0))
        finally:
            server.stop()
    figures = {f"postgresql_{name}": value for name, value in honest.figures.items()}
    searched = ("PostgreSQL: its whole data directory with the write-ahead log, and the memory of its processes",)
    return Verdict(NAME, (), searched, tuple(f"{one} (PostgreSQL)" for one in found), tuple(faults), (), figures)


class _Leaky(Town):
    """A town whose processes have their temporary files in a folder of ours, and start with these leaks."""

    def __init__(self, temp: Path, leaks: tuple[str, ...], database: str) -> None:
        super().__init__(parts=("smtp",), database=database)
        self._temp, self._leaks = temp, leaks

    def _start(self, name: str, *words: str) -> None:
        with leaky(self.state, self._temp, self._leaks, self._database):
            super()._start(name, *words)


class Stage:
    """One town and one visit. `leaks`: changes that its processes start with. `server`: where the records are, too."""

    def __init__(self, how: How, crowd: int, leaks: tuple[Leak, ...] = (), server: Cluster | None = None) -> None:
        self._how, self.crowd, self._leaks, self._server = how, crowd, leaks, server
        self.faults: list[Fault] = []
        self.figures: dict[str, float] = {}
        self.kinds: set[str] = set()
        self.clean_after = 0.0

    def run(self) -> list[str]:
        """The honest provider: what was found that should not be there, as sentences."""
        with self._town() as (place, look):
            engine = self._visit(place, look)
            self._how.tell("everybody has left: everything is searched until nothing is found")
            found = self._closed(look, engine)
            self._how.tell("every room is restarted, and everything searched again")
            place.restart()
            seen, took = self._settled(look, engine)  # a room that starts reads the records, and lets go of them
            self.figures["seconds_until_nothing_was_left_after_a_restart"] = round(took, 1)
            found += _sentences(seen, "after a restart")
            self._recall(place, look, engine)
            self.figures["searched_mb"] = round(look.searched / 1e6)
            self.figures["scan_gb_per_cpu_s"] = round(look.searched / max(look.cpu_seconds, 1e-9) / 1e9, 2)
            defects = [f"noise: a value that nobody sent was found in {where}" for where in look.decoys]
            return found + defects + look.failures

    def leaks(self, after: float) -> list[Fault]:
        """The leaky provider: each change, and whether it was seen at its place so many seconds after the visit."""
        with self._town() as (place, look):
            engine = self._visit(place, look)
            left = time.monotonic()
            self._how.tell(f"{after:.0f} s until what an honest provider holds for a moment is gone there too")
            while time.monotonic() < left + after:
                time.sleep(PAUSE)
            seen = look.seen(engine)
        return [Fault(f"leak: {leak.what}", _is_seen(leak.place, leak.mark, seen)) for leak in self._leaks]

    @contextmanager
    def _town(self) -> Iterator[tuple[Town, Look]]:
        """A provider. Its processes have their temporary files in the town's folder."""
        with ExitStack() as stack:
            temp = Path(stack.enter_context(TemporaryDirectory(prefix="tyst-residue-")))
            server = self._server
            database = server.make(f"residue{len(self._leaks)}").url if server else ""
            place = _Leaky(temp, tuple(leak.name for leak in self._leaks), database)
            stack.enter_context(place)
            more = {"postgres": server.process.pid} if server else {}
            data = {"tmp": temp, **({"postgresql": server.data} if server else {})}
            yield place, Look(place.folder, lambda: {**place.processes(), **more}, data=data)

    def _visit(self, place: Town, look: Look) -> Engine:
        """Guests come, use everything and are looked for while they and the crowd are there; then all leave."""
        draw, began = Draw(), guests.now()
        nodes.add(place.state, _NODE)
        node = Doorstep(place.gate, place.state / "ca.crt", nodes.token(place.state, NODE, place.gate))
        people = [Guest(place), Guest(place)]
        look.guests = people
        self._how.tell("marked customers use everything")
        crowd = Crowd(place.url, self.crowd, draw)
        leases = []
        for guest in people:
            guest.arrive(draw)
            guest.use()
            leases.append(node.open(guest.public).lease)
        self._how.tell(f"{self.crowd} visitors on the line at one moment: they must be found now")
        engine = self._engine(self._marks(people, crowd, began), draw)
        self._all_at_once(look, engine, crowd)
        for guest, lease in zip(people, leases, strict=True):
            guest.close()
            node.leave(lease)
        return engine

    def _marks(self, people: list[Guest], crowd: Crowd, began: float) -> list[Mark]:
        own = [mark for number, guest in enumerate(people) for mark in guest.marks(number)]
        self.kinds = {mark.name.partition(".")[2] for mark in own}
        return [*own, *guests.moments(began, guests.now()), *crowd.marks()]

    def _engine(self, marks: list[Mark], draw: Draw) -> Engine:
        noise = guests.decoys([mark for mark in marks if not mark.name.startswith("crowd")], draw)
        engine = town.engine([*marks, *noise])
        patterns = engine.scan_set.patterns
        counts: dict[str, int] = {}
        for pattern in (one for one in patterns if not one.mark.name.startswith("crowd")):
            counts[pattern.mark.name] = counts.get(pattern.mark.name, 0) + 1
        self.figures |= {"marks": len(marks), "decoys": len(noise), "patterns": len(patterns)}
        self.figures["encodings_each"] = min(counts.values())
        return engine

    def _all_at_once(self, look: Look, engine: Engine, crowd: Crowd) -> None:
        """The positive phase: whoever is there is found. A busy site may hang up on idle lines: then again."""
        for _ in range(TRIES):
            with crowd.connected() as links:
                seen = set() if self._leaks else look.seen(engine)
                there = {name for name in look.who if name.startswith("crowd") and name.endswith(".address")}
                served = crowd.ask(links)
            if self._leaks or (len(there) == served == self.crowd):
                break
        if not self._leaks:
            self.figures |= {"on_the_line": self.crowd, "of_these_found_in_memory": len(there), "answered": served}
            wanted = [one for one in LIVE if self._server is None or one not in ALLOWED]
            wanted += [(POSTGRESQL, mark) for _, mark in sorted(ALLOWED)] if self._server else []
            self.faults += [
                Fault(f"while she is there: {WORDS[one[1]]}, in {one[0]}", _is_seen(*one, seen)) for one in wanted
            ]
            everybody = len(there) == served == self.crowd
            self.faults.append(Fault("while they are there: the address of everybody who is on the line", everybody))

    def _closed(self, look: Look, engine: Engine) -> list[str]:
        """Nothing is left once they are gone; the long form waits all of the time, and looks again."""
        seen, self.clean_after = self._settled(look, engine)
        if self._how.whole and not seen:
            time.sleep(max(0.0, SETTLE - self.clean_after))
            seen = _undeclared(look.seen(engine))
        self.figures["seconds_until_nothing_was_left"] = round(self.clean_after, 1)
        return _sentences(seen, f"{SETTLE:.0f} s after they left")

    def _settled(self, look: Look, engine: Engine) -> tuple[Seen, float]:
        """Looks until nothing is left, and for how many seconds; what is there after `SETTLE` seconds has stayed."""
        began = time.monotonic()
        while seen := _undeclared(look.seen(engine)):
            if time.monotonic() - began > SETTLE:
                break
            time.sleep(PAUSE)
        return seen, time.monotonic() - began

    def _recall(self, place: Town, look: Look, engine: Engine) -> None:
        """Every form of every mark, written into a file: the very same search must find them all."""
        wanted = [one for one in engine.scan_set.patterns if not one.mark.decoy]
        plant = place.state / "planted"
        plant.write_bytes(b"\n\n".join(one.data for one in wanted))
        tally = engine.search(FileSource(plant))
        plant.unlink()
        missing = {one.index for one in wanted} - {*tally.counted, *tally.unwitnessed}
        self.figures |= {"forms_planted": len(wanted), "forms_found": len(wanted) - len(missing)}
        self.faults.append(Fault("every value in every form, written into one file", not missing))


_NODE = nodes.Wanted(NODE, "Stockholm", "se", IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10"))


def _is_seen(place: str, mark: str, seen: Seen) -> bool:
    return any(where.startswith(place) and what == mark for where, what in seen)


def _undeclared(seen: Seen) -> Seen:
    return {(where, mark) for where, mark in seen if not town.allowed(where, mark)}


def _sentences(seen: Seen, when: str) -> list[str]:
    return [f"{mark} in {where}, {when}" for where, mark in sorted(seen)]
