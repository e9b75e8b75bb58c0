"""Redeeming a voucher: exactly once, in one transaction, and without a trace of which account it was.

The code's hash goes and the expiry moves, together or not at all. A used voucher and one that never was look the same
afterwards, on purpose. Counterparts: `core.voucher` (codes), `fleet` (issues them).
"""

from datetime import UTC, datetime

from django.db import transaction

from tyst.core.rounding import extended, nearest_hour
from tyst.core.voucher import hash_of
from tyst.records import undone
from tyst.records.models import Account, Voucher


class NoVoucherError(Exception):
    """No unused voucher has this code."""


class NoAccountError(Exception):
    """The account is gone."""


def redeem(handle: bytes, code: str, now: datetime) -> datetime:
    """Spends the voucher for this account and returns the new expiry.

    Raises VoucherError (mistyped), NoVoucherError (used or never issued) or NoAccountError, and changes nothing then.
    """
    hashed = hash_of(code)
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(handle=handle).first()
        if account is None:
            raise NoAccountError
        voucher = _spend(hashed)
        before = getattr(account, voucher.product)
        expiry = extended(before, days=voucher.days, today=now.astimezone(UTC).date())
        Account.objects.filter(handle=handle).update(**{voucher.product: expiry}, updated_at=nearest_hour(now))
        row = undone.Row(handle, voucher.product, expiry.date())
        undone.current().redeemed(row, hashed, undone.today_of(now))
    return expiry


def _spend(hashed: bytes) -> Voucher:
    """A voucher, which is gone afterwards: its product is the account's column of the same name.

    The count of deleted rows decides a race, not the reading.
    """
    voucher = Voucher.objects.select_for_update().filter(hash=hashed).first()
    if voucher is None or Voucher.objects.filter(hash=hashed).delete()[0] != 1:
        raise NoVoucherError
    return voucher
