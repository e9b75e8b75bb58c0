"""Everything that removes: one function for each way a stored value ends, by the names that the inventory uses.

A deleted row is overwritten with zeroes by the engine. What access carries (sessions, leases, credentials, key records)
needs no erasing: it holds a handle, and a handle that exists no more opens nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from tyst.core.rounding import month_of, nearest_hour
from tyst.records import reservations, undone
from tyst.records.models import Account, Fleet, Journal, KeyRecord, Location, Node, PublicAddress, SpentSerial, Voucher


def delete_account(handle: bytes, owners: bytes, now: datetime) -> bool:
    """Deletes the row: the account was never here. False when it was gone already.

    `owners`: the key of `core.owner`, by which the account's public IPv4 address is found and given back.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(handle=handle).first()
        if account is None:
            return False
        reservations.release(reservations.owner(owners, account), now)
        gone = Account.objects.filter(handle=handle).delete()[0] == 1
        journal = undone.current()
        journal.erased(handle, journal.name(account.username), undone.today_of(now))
        return gone


def rekey(handle: bytes, fresh: bytes, now: datetime, *, password: str | None = None) -> bool:
    """Gives the account a new handle, which ends every session, device, lease, credential and recovery code at once.

    `password`: a new PHC string to set in the same write. False when the account is gone.
    """
    changes = {} if password is None else {"password": password}
    with transaction.atomic():
        rows = Account.objects.filter(handle=handle)
        if rows.update(handle=fresh, updated_at=nearest_hour(now), **changes) != 1:
            return False
        undone.current().replaced(handle, undone.today_of(now), fresh, password)
    return True


def delete_key_record(tag: bytes, now: datetime) -> bool:
    """Removes one device's record. Whoever asks must have shown the key's private half."""
    with transaction.atomic():
        if KeyRecord.objects.filter(tag=tag).delete()[0] != 1:
            return False
        undone.current().revoked(tag, undone.today_of(now))
    return True


def delete_lapsed_key_records(now: datetime) -> int:
    """Removes the records whose last month is over; says how many."""
    return KeyRecord.objects.filter(last_month__lt=month_of(now)).delete()[0]


def delete_voucher(hashed: bytes) -> bool:
    """Withdraws an unused voucher."""
    return Voucher.objects.filter(hash=hashed).delete()[0] == 1


def delete_spent_serial(hashed: bytes) -> bool:
    """Forgets a spent serial, once whatever it stood for has expired anyway."""
    return SpentSerial.objects.filter(hash=hashed).delete()[0] == 1


def delete_journal(month: str) -> int:
    """Removes a month (`2019-11`) of the journal, once the law's years are over; says how many rows."""
    return Journal.objects.filter(period__startswith=month).delete()[0]


def release_public_address(owner: bytes, now: datetime) -> bool:
    """Gives a public IPv4 address back; it rests, and nothing says who had it. False when the owner has none."""
    return reservations.release(owner, now)


def delete_node(name: str) -> bool:
    """Removes a node with its addresses, whoever holds them, and its city when it was the last one there."""
    with transaction.atomic():
        PublicAddress.objects.filter(address__node=name).delete()
        gone = Node.objects.filter(name=name).delete()[1].get(Node._meta.label) == 1
        Location.objects.filter(nodes__isnull=True).delete()
    return gone


def delete_fleet() -> bool:
    """Removes the fleet's public facts: the provider is wound up."""
    return Fleet.objects.filter(id=1).delete()[0] == 1


ERASERS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        delete_account,
        rekey,
        delete_key_record,
        delete_lapsed_key_records,
        delete_voucher,
        delete_spent_serial,
        delete_journal,
        release_public_address,
        delete_node,
        delete_fleet,
    )
}
"""By the names that `inventory.toml` uses; a test calls each."""
