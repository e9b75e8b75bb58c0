"""A customer's public IPv4 address: she takes one, changes it, gives it back. The current one only, no history.

A row says (owner, address), the owner being a keyed hash of her name and her account's hour (`core.owner`), so a re-key
leaves it and a name taken again finds nothing. Each act is one transaction that begins by locking (`engine.py`), and
the table allows an owner one address and an address one owner, so no race ends with two holders. An address that was
given back rests (`addresses.py`). Counterparts: `erase.py` (deletion), `statements.py` (the gate's look, lapsed ones).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from tyst.core.account import is_live
from tyst.core.owner import owner_of
from tyst.core.rounding import end_of_day
from tyst.records.addresses import rests_until
from tyst.records.models import Account, Node, NodeAddress, PublicAddress


class NotPaidError(Exception):
    """The account has not the add-on today, or is gone."""


class NoneFreeError(Exception):
    """This node has no address to give."""


@dataclass(frozen=True)
class Reserved:
    """An address and where it is."""

    address: str
    node: str
    city: str
    country: str

    def __repr__(self) -> str:
        return "<reserved>"


def owner(key: bytes, account: Account) -> bytes:
    """By what an account's address is found."""
    return owner_of(key, account.username, account.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))


def held_by(key: bytes, account: Account) -> Reserved | None:
    """The address that this account has now."""
    rows = PublicAddress.objects.select_related("address__node__location")
    row = rows.filter(owner=owner(key, account)).first()
    if row is None:
        return None
    node = row.address.node
    return Reserved(row.address.address, node.name, node.location.city, node.location.country)


def free_on(now: datetime) -> dict[str, int]:
    """How many addresses each node has to give: nodes without one are left out."""
    counts: dict[str, int] = {}
    for name in _free(now).values_list("node", flat=True):
        counts[name] = counts.get(name, 0) + 1
    return counts


def reserve(handle: bytes, key: bytes, node: str, now: datetime, choose: Callable[[int], int]) -> str:
    """Gives the account an address of this node, in place of the one that it had; that one rests from now on.

    `choose(n)`: a random number below n. Raises NotPaidError or NoneFreeError, and changes nothing then.
    """
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(handle=handle).first()
        if account is None or not is_live(account.ipv4, now.astimezone(UTC).date()):
            raise NotPaidError
        _stand_in_line(node)
        free = list(_free(now).filter(node=node))
        if not free:
            raise NoneFreeError
        release(owner(key, account), now)
        address = free[choose(len(free))]
        PublicAddress(owner=owner(key, account), address=address).save(force_insert=True)
        NodeAddress.objects.filter(address=address.address).update(rests=None)
    return address.address


def _stand_in_line(node: str) -> None:
    """One at a time for each node, where a transaction's beginning doesn't lock (PostgreSQL)."""
    if connection.vendor == "postgresql":
        Node.objects.select_for_update(no_key=True).filter(name=node).first()


def release(of: bytes, now: datetime) -> bool:
    """Gives an owner's address back; False when she has none."""
    with transaction.atomic():
        row = PublicAddress.objects.filter(owner=of).first()
        if row is None:
            return False
        NodeAddress.objects.filter(address=row.address_id).update(rests=rests_until(now))
        return PublicAddress.objects.filter(owner=of).delete()[0] == 1


def _free(now: datetime) -> "QuerySet[NodeAddress]":
    """Public addresses of nodes in service that nobody has and that don't rest."""
    rows = NodeAddress.objects.filter(use="public", node__revoked=False, node__wireguard_public__isnull=False)
    today = end_of_day(now.astimezone(UTC).date())
    return rows.filter(Q(rests=None) | Q(rests__lt=today), holder=None).order_by("address")
