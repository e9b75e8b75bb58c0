"""How often authorities asked, from where, and what they got: numbers by month, and the one claim that follows.

Nothing of a request is in it but its kind, its authority's country and its month. `number` goes up by one with each, so
that an older copy can be told from a newer one. `gave_nothing` is the claim 'we have given no information': it is
computed here and written nowhere, so nobody can publish it against the numbers. Counterpart: `core.court`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tyst.core.country import COUNTRIES
from tyst.core.court import Answer, Asked
from tyst.core.openness.traffic import MONTH
from tyst.core.signed import SignedError

KIND = "tyst counters 1"
Key = tuple[str, str, str, str]
"""(month, kind, country, answer)."""


@dataclass(frozen=True, slots=True)
class Counters:
    """`since`: the month (YYYY-MM) in which the counting began."""

    since: str
    counts: Mapping[Key, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How many requests there were."""
        return sum(self.counts.values())

    @property
    def given(self) -> int:
        """How often information was given."""
        return sum(count for key, count in self.counts.items() if key[3] == Answer.GIVEN)

    @property
    def gave_nothing(self) -> bool:
        """Whether we have given no information about any customer to anybody."""
        return self.given == 0

    def with_one(self, month: str, asked: Asked, by: str, answer: Answer) -> "Counters":
        """One more."""
        key = (month, str(asked), by, str(answer))
        return Counters(self.since, {**self.counts, key: self.counts.get(key, 0) + 1})

    def body(self) -> dict[str, Any]:
        """For signing."""
        words = ("month", "kind", "country", "answer")
        rows = [{**dict(zip(words, key, strict=True)), "count": count} for key, count in sorted(self.counts.items())]
        return {"since": self.since, "number": self.number, "requests": rows}


def read(body: Mapping[str, Any]) -> Counters:
    """The counters of a signed body. SignedError when it has another form, or sums that don't agree."""
    try:
        counts = {_key(row): _count(row["count"]) for row in body["requests"]}
        counters = Counters(_month(body["since"]), counts)
    except (KeyError, TypeError, ValueError):
        raise SignedError("these counters have another form than this version reads") from None
    if counters.body() != dict(body):
        raise SignedError("these counters don't agree with themselves")
    return counters


def fell(before: Counters, after: Counters) -> bool:
    """Whether anything counted before is missing after: somebody put old counters back."""
    return before.since != after.since or any(after.counts.get(key, 0) < count for key, count in before.counts.items())


def _key(row: Mapping[str, Any]) -> Key:
    if row["country"] not in COUNTRIES:
        raise ValueError
    return _month(row["month"]), str(Asked(row["kind"])), str(row["country"]), str(Answer(row["answer"]))


def _month(text: str) -> str:
    if not MONTH.fullmatch(text):
        raise ValueError
    return text


def _count(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError
    return value
