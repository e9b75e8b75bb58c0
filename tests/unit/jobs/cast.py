"""A day's work for tests: a clock that is turned, an outbox that shows what was posted, accounts of the cast."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.unit.django_once import database_path
from tests.unit.records.people import PHC
from tyst.core.keyring import new_pair
from tyst.core.rounding import end_of_day
from tyst.mail.letter import Letter

START = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)


class Clock:
    """Time, turned by hand."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **words: float) -> None:
        self.moment += timedelta(**words)


class Shelf:
    """An outbox whose letters stay to be looked at."""

    open = True

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def post(self, letter: Letter) -> None:
        self.letters.append(letter)

    def taken(self) -> list[tuple[str, str]]:
        """Kind and address of what was posted since the last look."""
        found = sorted((letter.kind, letter.to) for letter in self.letters)
        self.letters.clear()
        return found


def person(name: str, *, ends: int | None = None, made: datetime = START, email: bool = True, **more: Any) -> Any:
    """An account. `ends`: its subscription ends so many days after START."""
    from tyst.core.rounding import nearest_hour
    from tyst.records import accounts
    from tyst.records.models import Account

    handle = name.encode().ljust(16, b".")
    words: dict[str, Any] = {"country": "se", "language": "en", "currency": "EUR", "password": PHC, "now": made}
    accounts.create(handle=handle, username=name, **words)
    changes: dict[str, Any] = {"email": f"{name}@example.org" if email else None, **more}
    changes["created_at"] = nearest_hour(made)
    if ends is not None:
        changes["subscription"] = end_of_day(START.date() + timedelta(days=ends))
    Account.objects.filter(handle=handle).update(**changes)
    return Account.objects.get(handle=handle)


def parts(state: Path, clock: Clock, shelf: Shelf, providers: Mapping[str, Any] | None = None) -> Any:
    """The jobs' parts, with what the day needs."""
    from tyst.core.owner import OWNER
    from tyst.jobs.book import Book
    from tyst.jobs.renewals import Till
    from tyst.jobs.work import Parts
    from tyst.mail.letters import Writer
    from tyst.payments import catalogue
    from tyst.payments.orders import OrderKeys
    from tyst.payments.settling import Settler

    def tell(paid: Any) -> None:
        shelf.post(Letter("receipt", paid.account.email or "", "", ""))

    keys, _ = new_pair(lambda count: bytes(range(count)))
    orders = OrderKeys(state, lambda: int(clock().timestamp()))
    found = dict(providers or {})
    settler = Settler(orders, keys, clock, tell, found)
    numbers: Iterator[int] = iter(range(1, 1000))
    till = Till(catalogue.load(state), orders, settler, keys.secrets[OWNER], "se", lambda n: next(numbers).to_bytes(n))
    outbox: Any = shelf
    return Parts(
        database_path(), clock, Book(state), outbox, Writer("https://tyst.test"), orders, found, settler, till, state
    )
