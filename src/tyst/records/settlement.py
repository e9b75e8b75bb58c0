"""Settling a purchase in the records: exactly once, whatever is told how often, in which order and by how many.

Three acts, each one transaction: `grant` spends a serial and extends the account's expiry; `take_back` spends it and
takes the same time back; `spend` alone is for the journal (`bookkeeping.py`), which shares no transaction with an
account. What decides is always whether a row could be inserted, never what was read before, so that races end at the
database's own uniqueness. Rows of `spent_serial` are hashes: nothing leads from them to an order, an account or a time.
Counterparts: `payments.settling` decides what is due; docs/algorithms/settlement.md says why this is enough.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from django.db import connection, transaction

from tyst.core.product import Product
from tyst.core.rounding import end_of_day, extended, extended_months, nearest_hour
from tyst.records import undone
from tyst.records.models import Account, SpentSerial

PAID, RETURNED, FIRST = b"paid", b"returned", b"first"
"""What a serial is spent for. FIRST: it was the account's first purchase, so a refund code may be shown again."""
RECEIPT_DAYS = 2
"""How long the page that a buyer returns to shows her receipt again."""
MOST_DAYS = 3660
"""Time that one payment can buy at most: ten years, whatever somebody sends."""
_SPEND = "INSERT INTO spent_serial (hash) VALUES (%s) ON CONFLICT DO NOTHING"
_FIND = "SELECT * FROM account WHERE username = %s"
_EXTEND = {one: f"UPDATE account SET {one.value} = %s, updated_at = %s WHERE handle = %s" for one in Product}  # noqa: S608


class SpentError(Exception):
    """This was done before."""


class GoneError(Exception):
    """The account was deleted; or somebody else has its name."""


class ShortError(Exception):
    """The money doesn't buy a day."""


class Bought(Protocol):
    """What an order and a refund code both say of a purchase."""

    @property
    def serial(self) -> bytes: ...
    @property
    def username(self) -> str: ...
    @property
    def since(self) -> datetime: ...
    @property
    def product(self) -> Product: ...
    @property
    def months(self) -> int: ...
    @property
    def days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of a purchase's time: `part` / `whole`. More than all of it is possible (coins)."""

    part: int
    whole: int


@dataclass(frozen=True, slots=True)
class Granted:
    """What a grant did. `account`: as it is now; `first`: it never had time of any kind before."""

    account: Account = field(repr=False)
    until: datetime = field(repr=False)
    first: bool


def mark(serial: bytes, use: bytes) -> bytes:
    """The hash under which a serial is spent for one use: 32 bytes, BLAKE2b (RFC 7693)."""
    return hashlib.blake2b(serial + use, digest_size=32, person=b"tyst serial").digest()


def spend(serial: bytes, use: bytes) -> bool:
    """Spends it, inside the caller's transaction: False when it was spent before."""
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, (mark(serial, use),))
        return bool(cursor.rowcount == 1)


def is_spent(serial: bytes, use: bytes) -> bool:
    """Whether it is spent. For pages; nothing is decided by it."""
    return SpentSerial.objects.filter(hash=mark(serial, use)).exists()


def is_hers(bought: Bought, account: Account) -> bool:
    """Whether a purchase is this account's: its name, and the hour in which it was made."""
    return bool(account.username.lower() == bought.username.lower() and account.created_at == bought.since)


def grant(bought: Bought, share: Share, now: datetime) -> Granted:
    """Transaction 1 of a payment. SpentError, GoneError or ShortError: nothing changed."""
    with transaction.atomic():
        if not spend(bought.serial, PAID):
            raise SpentError
        account = _locked(bought)
        if account is None:
            raise GoneError
        before = getattr(account, bought.product)
        until = _later(bought, share, before, now.astimezone(UTC).date())
        first = account.subscription is None and account.ipv4 is None and account.multihop is None
        if first:
            spend(bought.serial, FIRST)
        _set(account, bought.product, until, now)
        undone.current().granted(_row(account, bought.product), mark(bought.serial, PAID), undone.today_of(now))
    return Granted(account, until, first)


def take_back(bought: Bought, share: Share, now: datetime) -> bool:
    """Transaction 1 of a return: whether there was time to take back. SpentError: nothing changed.

    A serial that was not spent for its payment is spent for it now: what was returned first can't be granted later.
    """
    with transaction.atomic():
        if not spend(bought.serial, RETURNED):
            raise SpentError
        fresh = spend(bought.serial, PAID)
        account = None if fresh else _locked(bought)
        before = getattr(account, bought.product) if account else None
        row = None
        if account is not None and before is not None:
            _set(account, bought.product, _earlier(bought, share, before), now)
            row = _row(account, bought.product)
        marks = mark(bought.serial, PAID), mark(bought.serial, RETURNED)
        undone.current().returned(row, marks, undone.today_of(now))
    return row is not None


def _row(account: Account, product: Product) -> undone.Row:
    """What the account has of a product now, for the journal."""
    return undone.Row(account.handle, product.value, getattr(account, product).astimezone(UTC).date())


def _locked(bought: Bought) -> Account | None:
    """The account, whose row nobody else changes before the transaction's end."""
    lock = "FOR UPDATE" if connection.features.has_select_for_update else ""  # SQLite's transactions begin by locking
    account = next(iter(Account.objects.raw(f"{_FIND} {lock}", (bought.username,))), None)
    return account if account is not None and is_hers(bought, account) else None


def _set(account: Account, product: Product, until: datetime, now: datetime) -> None:
    """One statement by hand, which is twice as fast as the model's; the columns' own rules are asked all the same."""
    setattr(account, product, until)
    account.updated_at = nearest_hour(now)
    values = [_stored(account, name) for name in (product.value, "updated_at", "handle")]
    with connection.cursor() as cursor:
        cursor.execute(_EXTEND[product], values)


def _stored(account: Account, name: str) -> Any:
    """A column's value as the database wants it, or RefusedByColumn."""
    return Account._meta.get_field(name).get_db_prep_save(getattr(account, name), connection)  # type: ignore[union-attr]


def _later(bought: Bought, share: Share, before: datetime | None, today: date) -> datetime:
    """The new expiry: the whole term, or days in proportion, rounded down."""
    if bought.months:
        whole = extended_months(before, months=bought.months, today=today)
    else:
        whole = extended(before, days=bought.days, today=today)
    if share.part == share.whole:
        return whole
    start = today if before is None else max(today, before.astimezone(UTC).date())
    days = min((whole.date() - start).days * share.part // share.whole, MOST_DAYS)
    if days < 1:
        raise ShortError
    return end_of_day(start + timedelta(days=days))


def _earlier(bought: Bought, share: Share, before: datetime) -> datetime:
    """The expiry without what was bought; never more is taken than was given."""
    day = before.astimezone(UTC).date()
    start = _months_before(day, bought.months) if bought.months else day - timedelta(days=bought.days)
    if share.part < share.whole:
        start = day - timedelta(days=(day - start).days * share.part // share.whole)
    return end_of_day(start)


def _months_before(day: date, months: int) -> date:
    """The latest day from which so many months lead no further than `day`."""
    index = day.year * 12 + day.month - 1 - months
    start = date(index // 12, index % 12 + 1, 1)
    while extended_months(None, months=months, today=start + timedelta(days=1)).date() <= day:
        start += timedelta(days=1)
    return start
