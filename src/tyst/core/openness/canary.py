"""The canary: dated sentences that an operator signs again and again while they are true, and that grow stale alone.

Nobody has to do anything for a canary to die: after its day the page says STALE. It names how many requests were
counted when it was signed, so that counters which are put back later are noticed. `words`: a headline of the day, say,
which shows that it was not signed in advance. The sentence 'we have given no information' is not among those that can
be signed: that one follows from the counters. Counterpart: `counters.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from tyst.core.signed import SignedError

KIND = "tyst canary 1"
GOOD_FOR = timedelta(days=35)
LONGEST = timedelta(days=100)
WORDS = 300


class Says(StrEnum):
    """What can be signed. The site has the sentences."""

    NO_CHANGE = "no-change"
    """Nobody has made us change the program, or run another one."""
    NO_KEYS = "no-keys"
    """Nobody but us has our keys."""
    NO_SILENCE = "no-silence"
    """There is no order that forbids us to speak of it."""


@dataclass(frozen=True, slots=True)
class Canary:
    """`number`: of `Counters` on that day."""

    day: date
    until: date
    number: int
    says: tuple[Says, ...]
    words: str = ""

    def stale(self, today: date) -> bool:
        """Whether it is over, or of a day that is still to come."""
        return not self.day <= today <= self.until

    def body(self) -> dict[str, Any]:
        """For signing."""
        days = {"day": self.day.isoformat(), "until": self.until.isoformat()}
        return {**days, "number": self.number, "says": [str(one) for one in self.says], "words": self.words}


def read(body: Mapping[str, Any]) -> Canary:
    """The canary of a signed body. SignedError when it has another form."""
    try:
        days = date.fromisoformat(body["day"]), date.fromisoformat(body["until"])
        canary = Canary(*days, body["number"], tuple(Says(one) for one in body["says"]), body["words"])
        if canary.body() != dict(body) or not timedelta() <= canary.until - canary.day <= LONGEST:
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise SignedError("this canary has another form than this version reads") from None
    return canary
