"""Reading and editing accounts. Every edit is a customer's or a payment's, and sets `updated_at` to the hour.

There is no list of accounts and no search but by user name or handle: who can't be named can't be found. Counterparts:
`erase.py` removes, the gate's `statements.py` flips the two flags once a day.
"""

from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction

from tyst.core.account import username_fault
from tyst.core.rounding import nearest_hour
from tyst.records import undone
from tyst.records.models import Account

EDITABLE = frozenset(
    {
        "password",
        "email",
        "newsletter",
        "has_ipv6",
        "compression",
        "streaming",
        "language",
        "currency",
        "country",
    }
)
"""What a customer may change: not the times; expiries are the vouchers' and payments', the name is `renaming.py`'s."""


class UsernameTakenError(Exception):
    """Somebody has this user name already, in whatever case."""


def create(
    *, handle: bytes, username: str, password: str, country: str, language: str, currency: str, now: datetime
) -> Account:
    """Writes a new account. `password`: its PHC string. Raises UsernameTakenError."""
    hour = nearest_hour(now)
    account = Account(handle=handle, username=username, password=password, created_at=hour, updated_at=hour)
    account.country, account.language, account.currency = country, language, currency
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise UsernameTakenError from None
    return account


def by_username(username: str) -> Account | None:
    """The account of this name, without regard to case."""
    if username_fault(username):
        return None
    return Account.objects.filter(username=username).first()


def by_handle(handle: bytes) -> Account | None:
    """The account with this handle: None once it was deleted or re-keyed."""
    return Account.objects.filter(handle=handle).first()


def forget_address(email: str, now: datetime) -> None:
    """Takes an address that letters come back from off whatever account has it. Tells nobody whether one had."""
    changes = {"email": None, "newsletter": False, "updated_at": nearest_hour(now)}
    with transaction.atomic():
        rows = Account.objects.filter(email__iexact=email)
        handles = list(rows.values_list("handle", flat=True))
        rows.update(**changes)
        for handle in handles:
            undone.current().unlisted(bytes(handle), "email", undone.today_of(now))


def edit(handle: bytes, now: datetime, /, **changes: Any) -> bool:
    """Changes columns of one account; False when it is gone. ValueError for a column that nobody edits."""
    if not changes or not EDITABLE.issuperset(changes):
        raise ValueError("this column is not the customer's to edit")
    if changes.get("email", "") is None:
        changes["newsletter"] = False
    with transaction.atomic():
        before = Account.objects.select_for_update().filter(handle=handle).first()
        if before is None:
            return False
        Account.objects.filter(handle=handle).update(**changes, updated_at=nearest_hour(now))
        _noted(before, changes, undone.today_of(now))
    return True


def _noted(before: Account, changes: dict[str, Any], today: date) -> None:
    """What a restore must not bring back: an old password, an address or a newsletter that she took back."""
    journal = undone.current()
    if "password" in changes:
        journal.password(before.handle, changes["password"], today)
    if before.email is not None and changes.get("email", before.email) != before.email:
        journal.unlisted(before.handle, "email", today)
    if before.newsletter and not changes.get("newsletter", True):
        journal.unlisted(before.handle, "newsletter", today)
