"""The jobs by name, and which of them belong to every round and which to a day.

A job is a function of `Parts` that says in one word and a number what it did. One that fails stops no other: what it
did not do is done in the next round, or the next day; letters alone are not tried again (`book.py` says why).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from django.db import DatabaseError, connections

from tyst.core.metric import JOBS_DONE
from tyst.jobs import letters, renewals
from tyst.jobs.book import Book
from tyst.mail.letters import Writer
from tyst.mail.outbox import Outbox
from tyst.payments import wiring as processors
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import PaymentError, Provider
from tyst.payments.settling import Settler
from tyst.quiet import fence, process
from tyst.records import bookkeeping, erase, undone
from tyst.records.backup import keys as backups
from tyst.records.backup import nightly, tidying
from tyst.records.errors import RecordsError
from tyst.records.postgresql import shuffle
from tyst.records.where import Server, Where


@dataclass(frozen=True)
class Parts:
    """What jobs need of the world, chosen in `wiring.py`. `till`: None while nothing is sold."""

    where: Where
    now: Callable[[], datetime]
    book: Book
    outbox: Outbox
    writer: Writer
    orders: OrderKeys = field(repr=False)
    providers: Mapping[str, Provider]
    settler: Settler = field(repr=False)
    till: renewals.Till | None = field(repr=False)
    state: Path = field(default=Path("/var/lib/tyst"))

    @property
    def today(self) -> date:
        """The UTC day."""
        return self.now().astimezone(UTC).date()


def _keys(parts: Parts) -> str:
    parts.orders.renew()
    return "renewed"


def _sweep(parts: Parts) -> str:
    """Payments that no callback told of."""
    counts: dict[str, int] = {}
    for provider in parts.providers.values():
        try:
            found = parts.settler.sweep(provider)
        except PaymentError:
            counts["away"] = counts.get("away", 0) + 1
            continue
        for outcome, count in found.items():
            counts[outcome.value] = counts.get(outcome.value, 0) + count
    return _said(counts)


def _reminders(parts: Parts) -> str:
    if not parts.outbox.open:
        return "no mail is set up"
    days = parts.book.begin("reminders", parts.today)
    return f"{letters.reminders(days, parts.today, parts.writer, parts.outbox)} letters"


def _hints(parts: Parts) -> str:
    if not parts.outbox.open:
        return "no mail is set up"
    days = parts.book.begin("hints", parts.today)
    return f"{letters.hints(days, parts.writer, parts.outbox)} letters"


def _renewals(parts: Parts) -> str:
    return _said(renewals.renewals(parts.providers, parts.till, parts.today)) if parts.till else "nothing is sold"


def _mandates(parts: Parts) -> str:
    return f"{renewals.forget_gone(parts.providers, parts.till)} ended" if parts.till else "nothing is sold"


def _journal(parts: Parts) -> str:
    return f"{bookkeeping.merge(parts.today)} rows merged"


def _records(parts: Parts) -> str:
    return f"{erase.delete_lapsed_key_records(parts.now())} lapsed key records removed"


def _wallets(parts: Parts) -> str:
    return f"{processors.forget(parts.providers)} destroyed"


def _undone(parts: Parts) -> str:
    """The journal of what was undone, and the keys of old backups, lose what is over."""
    count = tidying.tidy(parts.where, undone.current(), parts.today)
    backups.destroy_old_keys(parts.state, parts.today)
    return f"{count} entries ended"


def _backup(parts: Parts) -> str:
    return nightly.backup(parts.state, parts.where, parts.today)


def _shelf(parts: Parts) -> str:
    return nightly.shelve(parts.state, parts.today)


def _rewrite(parts: Parts) -> str:
    if not isinstance(parts.where, Server):
        return "not needed"
    shuffle.shuffled(parts.where)
    return "done"


JOBS: dict[str, Callable[[Parts], str]] = {
    "keys": _keys,
    "sweep": _sweep,
    "renewals": _renewals,
    "reminders": _reminders,
    "hints": _hints,
    "mandates": _mandates,
    "journal": _journal,
    "records": _records,
    "wallets": _wallets,
    "rewrite": _rewrite,
    "undone": _undone,
    "backup": _backup,
    "shelf": _shelf,
}
"""In the order in which a day does them: who was charged is not reminded."""
EVERY_ROUND = ("keys", "sweep", "shelf")
DAILY = tuple(name for name in JOBS if name not in EVERY_ROUND)


def do(name: str, parts: Parts) -> tuple[bool, str]:
    """Does one job: whether it went well, and what came of it. No word of what failed: it may name somebody."""
    try:
        done = JOBS[name](parts)
        process.count(JOBS_DONE, name, "done")
        return True, done
    except (DatabaseError, RecordsError, PaymentError, OSError) as error:
        fence.fault(error)
        process.count(JOBS_DONE, name, "failed")
        return False, "failed"
    finally:
        connections.close_all()


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing new"
