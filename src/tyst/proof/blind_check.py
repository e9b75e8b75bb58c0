"""Blind: whoever holds all dumps but the gate's own keys can't say whose is what better than a coin does.

Four sorts of worlds are played: clean ones to practise on, clean ones to be judged on, and ones with a planted
weakness, of each one to practise on and one to be judged on. Practice only sets what each attacker's word is worth when
all speak together. Every attacker alone, and all together, must stay within what chance does with 99 % for the whole
family of tests; who doesn't is asked the same again in fresh worlds, twice as often, and what shows twice is found.
docs/algorithms/blind.md has the statistics. Counterparts: `blind/play.py`, `blind/match.py`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tyst.proof.blind import match, odds, opened, weaknesses
from tyst.proof.blind.attacks import ATTACKS
from tyst.proof.blind.match import ALL, Asked, Tally
from tyst.proof.check import Fault, How, Verdict
from tyst.proof.worlds import cluster

NAME = "blind"
MEANING = "From all dumps but the gate's keys, nobody can say whose device or whose address something is."
TRIALS, WORLDS = 200, 5
PRACTICE, PLANTED, PLANTED_PRACTICE = 20, 20, 10
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
_CANNOT = (
    "A leak that helps in fewer than about one case in four is not told from chance by 200 questions.",
    "People of one month are compared: a record's last month is stored, so whoever signed up later than that month is "
    "not its owner (docs/known-issues.md).",
    "Whoever ordered an opt-in (a public IPv4 address) is tied to that address by it; nobody here has one.",
    "The gate's own keys are not among the dumps, and all tunnels are closed: with both, what is open now is knowable.",
    "Nobody watches while it happens: who sees requests and rows come, one after the other, ties them by their time.",
)
_SHORT = (
    "Rooms live in one process here, and their memory is every value that lives in them; freed memory and real "
    "processes are looked at by night."
)
_LIVE = "The node's process has no kernel here; what a whole node holds in memory and kernel is the residue proof's."


class BlindError(Exception):
    """A world could not be played. Says which, and shows nothing of it."""


@dataclass
class Place:
    """A folder in RAM for worlds, and a PostgreSQL server where they are to be on one."""

    root: Path
    engine: str
    servers: cluster.Cluster | None = None
    count: int = 0

    @property
    def data(self) -> str:
        """PostgreSQL's data directory, or nothing."""
        return "" if self.servers is None else str(self.servers.data)

    def folder(self) -> tuple[Path, str]:
        """A new world's folder, and the address of its database; empty for a file."""
        self.count += 1
        folder = self.root / f"world-{self.count}"
        folder.mkdir()
        return folder, "" if self.servers is None else self.servers.make(f"blind{self.count}").url


@dataclass
class Player:
    """A process that plays worlds, one after the other."""

    place: Place
    waiting: list[Path] = field(default_factory=list)
    process: "subprocess.Popen[str]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        source = "import sys; from tyst.proof.blind.play import main; sys.exit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-c", source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def order(self, people: int, weak: str = "") -> None:
        """Asks for a world with so many people; it is played while others are looked at."""
        folder, database = self.place.folder()
        job = {"folder": str(folder), "people": people, "weak": weak, "database": database, "data": self.place.data}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        self.waiting.append(folder)

    def next(self) -> Path:
        """The next world, played. BlindError."""
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "played\n":
            raise BlindError("a world could not be played: its process ended")
        return self.waiting.pop(0)

    def stop(self) -> None:
        """Ends the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()


@dataclass
class Outcome:
    """One engine's match: the judged worlds, the planted ones by weakness, and what was found twice."""

    engine: str
    clean: Tally
    planted: dict[str, Tally]
    found: list[str]


def run(how: How) -> Verdict:
    """All of it on SQLite, and by night on PostgreSQL, too."""
    engines = (SQLITE, POSTGRESQL) if how.whole else (SQLITE,)
    outcomes = [_outcome(engine, how) for engine in engines]
    if how.whole:
        from tyst.proof.blind import live

        outcomes += [live.outcome(engine, how) for engine in engines]
    return verdict(outcomes, how)


def verdict(outcomes: Sequence[Outcome], how: How) -> Verdict:
    """In words."""
    faults = [
        Fault(f"{one.engine}: {weaknesses.MEANING[weak]}; won by {winners(tally) or 'nobody'}", bool(winners(tally)))
        for one in outcomes
        for weak, tally in one.planted.items()
    ]
    return Verdict(
        NAME,
        planted=(
            "people who sign up, register two devices each, connect from addresses of their own, and leave",
            *(f"a weakness: {weaknesses.MEANING[weak]}" for weak in weaknesses.MEANING),
        ),
        searched=(
            "the database's file or tables with the place and transaction of each row, a backup, every file of the "
            "state folder with the site's keys, the opened undo journal, and the memory of site, gate and node",
            f"by {len(ATTACKS)} attackers, alone and together: {', '.join(attack.name for attack in ATTACKS)}",
        ),
        found=tuple(line for one in outcomes for line in one.found),
        faults=tuple(faults),
        cannot=(*_CANNOT, _LIVE if how.whole else _SHORT),
        figures=_figures(outcomes),
    )


def _figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    figures: dict[str, float] = {"tests_in_the_family": len(Asked) * (len(ATTACKS) + 1)}
    for one in outcomes:
        for asked in Asked:
            words = f"{one.engine}_{asked.name}".lower().replace(", ", "_").replace(" ", "_")
            figures[f"{words}_right_together"] = one.clean.right[asked, ALL]
            figures[f"{words}_questions"] = one.clean.trials(asked, ALL)
            figures[f"{words}_right_at_most"] = max(one.clean.right[asked, attack.name] for attack in ATTACKS)
    figures["chance_99_percent_from"], figures["chance_99_percent_to"] = odds.interval(TRIALS, odds.LEVEL)
    limits = odds.interval(TRIALS, odds.each(int(figures["tests_in_the_family"])))
    figures["each_attacker_from"], figures["each_attacker_to"] = limits
    return figures


def names() -> list[str]:
    """All attackers, and all together."""
    return [*(attack.name for attack in ATTACKS), ALL]


def beyond(tally: Tally) -> list[tuple[Asked, str]]:
    """Who, at what, is beyond what chance does in the whole family of tests with 99 %."""
    level = odds.each(len(Asked) * len(names()))
    return [(asked, name) for asked in Asked for name in names() if _beyond(tally, asked, name, level)]


def _beyond(tally: Tally, asked: Asked, name: str, level: float) -> bool:
    fewest, most = odds.interval(tally.trials(asked, name), level)
    return not fewest <= tally.right[asked, name] <= most


def outside(tally: Tally, asked: Asked, name: str) -> bool:
    """Whether one attacker, alone, is outside what chance does with 99 %."""
    return _beyond(tally, asked, name, odds.LEVEL)


def winners(tally: Tally) -> str:
    """Who won beyond chance (and did not only lose)."""
    won = {name: None for asked, name in beyond(tally) if 2 * tally.right[asked, name] > tally.trials(asked, name)}
    return ", ".join(won)


def _outcome(engine: str, how: How) -> Outcome:
    with place(engine) as where, player(where) as one:
        return Match(one, how).outcome()


@contextmanager
def place(engine: str) -> Iterator[Place]:
    """Somewhere to play, and nothing of it afterwards."""
    with ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="tyst-blind-", dir="/dev/shm"))
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        servers = None
        if engine == POSTGRESQL:
            root.chmod(0o755)  # the server's own user passes through
            servers = cluster.start(root)
            stack.callback(servers.stop)
        yield Place(root, engine, servers)


@contextmanager
def player(where: Place) -> Iterator[Player]:
    """A process that plays there."""
    one = Player(where)
    try:
        yield one
    finally:
        one.stop()


class Match:
    """One engine's worlds, in order: practice, planted practice, planted, judged."""

    def __init__(self, player: Player, how: How) -> None:
        self._player, self._how = player, how
        self._common: frozenset[bytes] = frozenset()
        self._voices: match.Weights = {}

    def outcome(self) -> Outcome:
        """Plays everything."""
        for people, weak in self._plan():
            self._player.order(people, weak)
        first, second = self._player.next(), self._player.next()
        self._common = frozenset(opened.windows(match.read(first)) & opened.windows(match.read(second)))
        practice = self._played(first, PRACTICE)
        practice.add(self._played(second, PLANTED_PRACTICE))
        for _ in list(weaknesses.MEANING)[1:]:
            practice.add(self._played(self._player.next(), PLANTED_PRACTICE))
        self._voices = match.weights(practice)
        planted = {weak: self._played(self._player.next(), PLANTED) for weak in weaknesses.MEANING}
        clean = self._judged()
        return Outcome(self._player.place.engine, clean, planted, self._twice(clean))

    def _plan(self) -> Iterator[tuple[int, str]]:
        yield 2 * PRACTICE, ""
        yield from ((2 * PLANTED_PRACTICE, weak) for weak in weaknesses.MEANING)
        yield from ((2 * PLANTED, weak) for weak in weaknesses.MEANING)
        yield from ((2 * TRIALS // WORLDS, "") for _ in range(WORLDS))

    def _judged(self) -> Tally:
        tally = Tally()
        for number in range(WORLDS):
            self._how.tell(f"blind, {self._player.place.engine}: world {number + 1} of {WORLDS}")
            tally.add(self._played(self._player.next(), TRIALS // WORLDS))
        return tally

    def _played(self, folder: Path, trials: int) -> Tally:
        try:
            return match.play(folder, trials, self._voices, self._common, whole=self._how.whole)
        finally:
            shutil.rmtree(folder)

    def _twice(self, clean: Tally) -> list[str]:
        """Whoever was beyond chance is asked again, twice as often, in worlds of their own."""
        suspects = beyond(clean)
        if not suspects:
            return []
        again = Tally()
        for _ in range(2 * WORLDS):
            self._player.order(2 * TRIALS // WORLDS)
        for _ in range(2):
            again.add(self._judged())
        return [sentence(self._player.place.engine, again, *one) for one in suspects if outside(again, *one)]


def sentence(engine: str, tally: Tally, asked: Asked, name: str) -> str:
    """What was found."""
    right, trials = tally.right[asked, name], tally.trials(asked, name)
    fewest, most = odds.interval(trials, odds.LEVEL)
    chance = f"chance is right {fewest} to {most} times"
    return f"{engine}: {name} says {asked.value}: right in {right} of {trials}, where {chance}"
