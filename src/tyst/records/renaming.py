"""Another user name for an account: what is found by the name moves with it, in the same transaction.

A public IPv4 address is found by a keyed hash of the name (`core.owner`), so its row gets the new one; the address
stays. The newsletter ends: its letters name the old name in their link, and a link that doesn't end a newsletter is
worse than none. What others hold under the old name (mandates, refund codes, open payments) can't be moved from here:
`site.pages.naming` ends or tells of it first. Counterparts: `accounts.py`, `records.undone` (the old name rests).
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from tyst.core.rounding import nearest_hour
from tyst.records import reservations, undone
from tyst.records.accounts import UsernameTakenError
from tyst.records.models import Account, PublicAddress


def rename(handle: bytes, owners: bytes, username: str, now: datetime) -> bool:
    """Gives an account another name. False when it is gone. Raises UsernameTakenError; nothing changed then.

    `owners`: the key of `core.owner`.
    """
    try:
        with transaction.atomic():
            account = Account.objects.select_for_update().filter(handle=handle).first()
            if account is None:
                return False
            before, old = reservations.owner(owners, account), account.username
            account.username = username
            PublicAddress.objects.filter(owner=before).update(owner=reservations.owner(owners, account))
            changes = {"username": username, "newsletter": False, "updated_at": nearest_hour(now)}
            done = Account.objects.filter(handle=handle).update(**changes) == 1
            if account.newsletter:
                undone.current().unlisted(handle, "newsletter", undone.today_of(now))
            if old.lower() != username.lower():
                undone.current().freed(undone.current().name(old), undone.today_of(now))
            return done
    except IntegrityError:
        raise UsernameTakenError from None
