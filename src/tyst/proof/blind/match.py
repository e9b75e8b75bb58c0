"""The match: questions with two answers, one of them right by a coin; what each attacker says; what all say together.

Three questions. WHOSE: of which of two accounts is this record? TWINS: which of two records is of the same account as
this one? (An account's devices could be listed with either.) ADDRESS: of which of two accounts was this address, the
customer's own and her tunnels'? Who is asked about is drawn after the dumps were taken; no account is in two questions
of a sort. So, where the dumps say nothing, the two answers are as likely as each other, and no answer says anything of
the next: in each pair, the two accounts' records might as well be swapped.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from pathlib import Path

from tyst.core.transient import Transient
from tyst.proof.blind import odds
from tyst.proof.blind.attack import NOTHING, Case
from tyst.proof.blind.attacks import ATTACKS
from tyst.proof.blind.things import Dumps, Row, Thing

ALL = "all together"


class Asked(Enum):
    """What a question is about."""

    WHOSE = "whose a record is"
    TWINS = "which records are of one account"
    ADDRESS = "whose an address was"


@dataclass(frozen=True)
class Question:
    """`right`: 0 or 1."""

    asked: Asked
    what: Thing = field(repr=False)
    choices: tuple[Thing, Thing] = field(repr=False)
    right: int = field(repr=False)


@dataclass
class Tally:
    """By question and attacker: how often right, wrong, and without a word (then a coin answers)."""

    right: Counter[tuple[Asked, str]] = field(default_factory=Counter)
    wrong: Counter[tuple[Asked, str]] = field(default_factory=Counter)
    said: Counter[tuple[Asked, str]] = field(default_factory=Counter)

    def note(self, asked: Asked, name: str, answer: int | None, right: int) -> None:
        """One answer; None: none, and a coin is thrown."""
        self.said[asked, name] += answer is not None
        given = random.SystemRandom().randrange(2) if answer is None else answer
        (self.right if given == right else self.wrong)[asked, name] += 1

    def add(self, other: "Tally") -> None:
        """Both."""
        self.right += other.right
        self.wrong += other.wrong
        self.said += other.said

    def trials(self, asked: Asked, name: str) -> int:
        """How many."""
        return self.right[asked, name] + self.wrong[asked, name]


Weights = Mapping[tuple[Asked, str], float]


def weights(practice: Tally) -> Weights:
    """What each attacker's word is worth by what it did in practice."""
    names = {key for key in (*practice.right, *practice.wrong) if key[1] != ALL}
    return {key: odds.weight(practice.right[key], practice.wrong[key]) for key in names}


def play(folder: Path, trials: int, voices: Weights, common: Set[bytes], *, whole: bool = False) -> Tally:
    """Asks every attacker `trials` questions of each sort about the world in this folder."""
    case = Case(read(folder), whole, common)
    asked = list(questions(folder, case, trials))
    judges = [(attack.name, attack.prepare(case)) for attack in ATTACKS]
    tally = Tally()
    for question in asked:
        answers = {name: _answer(link, question) for name, link in judges}
        for name, answer in answers.items():
            tally.note(question.asked, name, answer, question.right)
        tally.note(question.asked, ALL, _together(question.asked, answers, voices), question.right)
    return tally


def _answer(link: Callable[[Thing, Thing], float], question: Question) -> int | None:
    first, second = (link(question.what, choice) for choice in question.choices)
    if first == second or first == NOTHING == second:
        return None
    return int(second > first)


def _together(asked: Asked, answers: Mapping[str, int | None], voices: Weights) -> int | None:
    """A vote in which each word counts as much as practice says."""
    votes = (
        voices.get((asked, name), 0.0) * (1 if answer else -1) for name, answer in answers.items() if answer is not None
    )
    total = sum(votes)
    return None if total == 0 else int(total > 0)


def questions(folder: Path, case: Case, trials: int) -> Iterable[Question]:
    """Pairs of accounts that share nobody, and coins, drawn now."""
    truth = json.loads((folder / "truth.json").read_text())
    chance = random.SystemRandom()
    drawn = chance.sample(range(len(truth)), 2 * trials)
    accounts, records, addresses = _things(case, truth)
    case.things = [*accounts, *(one for every in records for one in every), *addresses]
    for a, b in zip(drawn[::2], drawn[1::2], strict=True):
        choices = (accounts[a], accounts[b])
        yield _tossed(Asked.WHOSE, records[a][0], choices)
        yield _tossed(Asked.TWINS, records[a][0], (records[a][1], records[b][1]))
        yield _tossed(Asked.ADDRESS, addresses[a], choices)


def _tossed(asked: Asked, what: Thing, choices: tuple[Thing, Thing]) -> Question:
    """The first choice is the right one; a coin says where it stands."""
    coin = random.SystemRandom().randrange(2)
    return Question(asked, what, choices if coin == 0 else (choices[1], choices[0]), coin)


def _things(case: Case, truth: Sequence[Mapping[str, object]]) -> tuple[list[Thing], list[list[Thing]], list[Thing]]:
    dumps = case.dumps
    at = {row.values["handle"]: index for index, row in enumerate(dumps.rows["account"])}
    tags = {row.values["tag"]: index for index, row in enumerate(dumps.rows["key_record"])}
    accounts, records, addresses = [], [], []
    for who in truth:
        index = at[bytes.fromhex(str(who["handle"]))]
        accounts.append(Thing(_own(dumps.rows["account"][index]), "account", index))
        its = [tags[bytes.fromhex(str(tag))] for tag in _list(who["tags"])]
        found = [
            Thing(tuple(dumps.rows["key_record"][one].values[name] for name in ("tag", "record")), "key_record", one)
            for one in its
        ]
        records.append([case.known(one) for one in found])
        addresses.append(
            Thing(_spellings(str(who["address"]), *(str(t) for pair in _list(who["tunnels"]) for t in pair)))
        )
    return accounts, records, addresses


def _list(value: object) -> list[str]:
    assert isinstance(value, list)
    return value


def _own(row: Row) -> tuple[bytes, ...]:
    """By what an account's row can be recognised: what is its own and no other's."""
    return tuple(value for name in ("handle", "username", "password", "email") if (value := row.values.get(name)))


def _spellings(*addresses: str) -> tuple[bytes, ...]:
    """Of the customer's own address, the first, also as IPv6 has it, and as the site's limits name its street."""
    from tyst.site.limits import prefix_of

    faces: list[bytes] = []
    for number, text in enumerate(addresses):
        one = ip_address(text)
        faces += [text.encode(), one.packed]
        if number == 0:
            faces += [bytes(10) + b"\xff\xff" + one.packed, prefix_of(Transient(one))]
    return tuple(faces)


def read(folder: Path) -> Dumps:
    """The dumps in a folder."""
    texts = {path.name: path.read_bytes() for path in sorted((folder / "texts").iterdir())}
    raw = json.loads((folder / "rows.json").read_text())
    rows = {
        table: [
            Row({name: bytes.fromhex(value) for name, value in row[2].items()}, tuple(row[0]), row[1]) for row in every
        ]
        for table, every in raw.items()
    }
    public = {name: bytes.fromhex(value) for name, value in json.loads((folder / "public.json").read_text()).items()}
    return Dumps(texts, rows, public)
