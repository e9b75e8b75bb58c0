"""Every way in which a processor may tell of Alice's two orders: a case, what it has to come to, and how it is judged.

A case is up to five tellings and one crash, before or after a statement. A letter is a telling: `a`, `b` paid; `A`
returned (refunded or charged back); `r` Alice gives her refund code; `s` seen; `x` another processor claims that `a` was
paid to it. What has to come of it is said here in a few words of arithmetic, without the program's own rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

LETTERS = "abArsx"
LONGEST = 5
DAYS = {"a": 30, "b": 60}
NOW = datetime(2026, 3, 1, 12, 29, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """`story`: the tellings. `crash`: (statement, whether after it), counted from 0; None for none.

    `late`: what the crash cut off is told again after all others, as a sweep does; otherwise at once, as a retry does.
    """

    story: str
    crash: tuple[int, bool] | None = None
    late: bool = False


@dataclass
class Found:
    """What the database holds for one case, and what was told while it ran."""

    until: datetime | None
    sold: dict[str, int] = field(default_factory=dict)
    """Sales less returns in the journal, by order."""
    sums: dict[str, int] = field(default_factory=dict)
    """Their money."""
    rows: int = 0
    receipts: list[str] = field(default_factory=list)


def stories(longest: int = LONGEST) -> Iterator[str]:
    """All of them, shortest first."""
    for length in range(1, longest + 1):
        for letters in product(LETTERS, repeat=length):
            yield "".join(letters)


def faults(case: Case, found: Found, price: int) -> list[str]:
    """Where it did not come out as it has to, in words. Empty when all is well."""
    returned = "A" in case.story or "r" in case.story
    stands = {"a": "a" in case.story and not returned, "b": "b" in case.story}
    days = sum(DAYS[order] for order, granted in stands.items() if granted)
    wrong = []
    today = NOW.replace(hour=23, minute=59, second=59)
    wanted = {today + timedelta(days=days)} if days else {None, today}
    if found.until not in wanted:
        wrong.append(f"the time is wrong by {_off(found.until, today, days)} days")
    for order, granted in stands.items():
        if found.sold.get(order, 0) != int(granted) or found.sums.get(order, 0) != price * int(granted):
            wrong.append(f"the journal has {found.sold.get(order, 0)} of {order}, and it should have {int(granted)}")
        told = found.receipts.count(order)
        cut = case.crash is not None
        if told > 1 or (told == 0 and granted and not cut) or (told and order not in case.story):
            wrong.append(f"{told} receipts for {order}")
    if found.rows > 3:
        wrong.append("the journal has more rows than there were sales and returns")
    return wrong


def _off(until: datetime | None, today: datetime, days: int) -> int:
    return ((until - today).days if until else 0) - days
