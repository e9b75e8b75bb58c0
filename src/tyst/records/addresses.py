"""Whose public IPv4 address is which: the gate's look, the daily taking back and the operator's pools, in SQL.

No Django and no clock; each function works inside its caller's transaction, by a `statements.Connection`. What an
account has is found through `core.owner` alone. An address that is given back rests: nobody gets it before the end of a
day (UTC), and nothing says who had it. Counterpart: `reservations.py`, the customer's hand on the same rows.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tyst.core.owner import owner_of
from tyst.core.rounding import end_of_day
from tyst.records.errors import ConflictError

REST_DAYS = 7
"""How long nobody gets an address that somebody gave back: longer than what was known of her by it is of use."""

OWNERS_NAME = "SELECT username, created_at FROM account WHERE handle = ?"
ADDRESS_OF = (
    "SELECT p.address FROM public_address p JOIN node_address n ON n.address = p.address "
    "WHERE p.owner = ? AND n.node = ?"
)
ENTITLED = "SELECT username, created_at FROM account WHERE ipv4 >= ?"
HELD = "SELECT owner, address FROM public_address"
LET_GO = "DELETE FROM public_address WHERE owner = ?"
REST = "UPDATE node_address SET rests = ? WHERE address = ?"
ADDRESSES_OF_NODE = "SELECT address, use FROM node_address WHERE node = ?"
PUT_ADDRESS = "INSERT INTO node_address (address, node, use) VALUES (?, ?, ?)"
DELETE_ADDRESS = "DELETE FROM node_address WHERE address = ?"


def rests_until(day: datetime) -> datetime:
    """Until when an address rests that is given back on this day."""
    return end_of_day(day.astimezone(UTC).date() + timedelta(days=REST_DAYS))


def address_of(reader: Any, key: bytes, handle: bytes, node: str) -> str:
    """The address that an account has on this node, or nothing."""
    named = reader.execute(OWNERS_NAME, (handle,)).fetchone()
    found = named and reader.execute(ADDRESS_OF, (owner_of(key, *named), node)).fetchone()
    return str(found[0]) if found else ""


def take_back(writer: Any, key: bytes, today: int) -> int:
    """Frees the addresses of accounts that are gone, or whose add-on ended before `today`; how many."""
    day = datetime.fromtimestamp(today * 86400, UTC)
    entitled = {owner_of(key, *row) for row in writer.execute(ENTITLED, (_text(day),))}
    lapsed = [(owner, address) for owner, address in writer.execute(HELD) if owner not in entitled]
    for owner, address in lapsed:
        writer.execute(LET_GO, (owner,))
        writer.execute(REST, (_text(rests_until(day)), address))
    return len(lapsed)


def put(writer: Any, node: str, wanted: Iterable[tuple[str, str]]) -> None:
    """A node's (address, use), in place of those it had. What stays as it was keeps its rest."""
    there, given = set(writer.execute(ADDRESSES_OF_NODE, (node,))), set(wanted)
    for address, _ in there - given:
        writer.execute(DELETE_ADDRESS, (address,))
    for address, use in sorted(given - there):
        writer.execute(PUT_ADDRESS, (address, node, use))
    # One that is held and left out fails at the commit (its row is referred to); one that changes its use fails here.
    changed = {address for address, _ in there - given} & {address for address, _ in given - there}
    if changed & {address for _, address in writer.execute(HELD)}:
        raise ConflictError


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
