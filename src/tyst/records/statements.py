"""The gate's and the operator's view of the records: a few SQL statements, SQLite's or PostgreSQL's, and no Django.

Reading writes nothing: the reader can't, and what it had read is thrown away by `refresh`, so that a row's text does
not outlive its use in RAM. Writing happens in the daily batch, at a node's enrolment and announcement, and by the
operator's hand, each in a connection of its own. The statements are SQLite's; `postgresql/hand.py` respells the two
things that PostgreSQL writes otherwise. The tables belong to `records.models`, the counterpart; a test holds the two
together.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from tyst.core.entitlement import Facts, day_of
from tyst.records import addresses
from tyst.records.errors import ConflictError, RecordsError
from tyst.records.sqlite.hand import Hand as SqliteHand
from tyst.records.where import Server, Where

__all__ = ["ConflictError", "FleetRow", "NodeRow", "Records", "RecordsError", "Standings", "open_records"]

KEY_RECORD = "SELECT record FROM key_record WHERE tag = ?"
ACCOUNT_FACTS = (
    "SELECT subscription, multihop, has_ipv6, streaming, compression, has_connected, ipv4 FROM account WHERE handle = ?"
)
ACCOUNT_LOGIN = "SELECT handle, password FROM account WHERE username = ?"
# The handles (and the tags) come as one blob each and are walked 16 bytes at a time: one statement for any number.
RENEWALS = """
WITH RECURSIVE
  h(i) AS (SELECT 1 WHERE length(?1) > 0 UNION ALL SELECT i + 16 FROM h WHERE i + 16 <= length(?1)),
  t(i) AS (SELECT 1 WHERE length(?2) > 0 UNION ALL SELECT i + 16 FROM t WHERE i + 16 <= length(?2))
SELECT 1, a.handle, a.subscription, a.multihop, a.ipv4 FROM h CROSS JOIN account a ON a.handle = substr(?1, h.i, 16)
UNION ALL
SELECT 0, k.tag, NULL, NULL, NULL FROM t CROSS JOIN key_record k ON k.tag = substr(?2, t.i, 16)
"""
SET_CONNECTED = "UPDATE account SET has_connected = 1 WHERE handle = ? AND has_connected = 0"
DELETE_ENDED_KEYS = "DELETE FROM key_record WHERE last_month < ?"
SPEND_SERIAL = "INSERT INTO spent_serial (hash) VALUES (?) ON CONFLICT (hash) DO NOTHING"
NODES = (
    "SELECT name, location, ipv4, ipv6, owned, revoked, wireguard_public, wireguard_port, openvpn_udp, openvpn_tcp, "
    "openvpn_processes, number, exit6, draining, key_blob FROM node WHERE name = ?1 OR ?1 IS NULL ORDER BY name"
)
ANNOUNCE_NODE = "UPDATE node SET wireguard_public = ?, key_blob = ? WHERE name = ? AND revoked = 0"
PUT_NODE = (
    "INSERT INTO node (name, location, ipv4, ipv6, owned, revoked, wireguard_port, openvpn_udp, openvpn_tcp, "
    "openvpn_processes, exit6, draining, number) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 0, "
    "(SELECT COALESCE(MAX(number), 0) + 1 FROM node)) "
    "ON CONFLICT (name) DO UPDATE SET location = excluded.location, "
    "ipv4 = excluded.ipv4, ipv6 = excluded.ipv6, owned = excluded.owned, revoked = 0, "
    "openvpn_processes = excluded.openvpn_processes, exit6 = excluded.exit6, draining = 0, "
    "wireguard_port = excluded.wireguard_port, openvpn_udp = excluded.openvpn_udp, openvpn_tcp = excluded.openvpn_tcp"
)
REVOKE_NODE = "UPDATE node SET revoked = 1, wireguard_public = NULL, key_blob = NULL WHERE name = ?"
PUT_LOCATION = (
    "INSERT INTO location (slug, city, country) VALUES (?, ?, ?) "
    "ON CONFLICT (slug) DO UPDATE SET city = excluded.city, country = excluded.country"
)
FLEET = "SELECT openvpn_authority, tls_crypt, site FROM fleet WHERE id = 1"
PUT_FLEET = "INSERT INTO fleet (id, openvpn_authority, tls_crypt, site) VALUES (1, ?, ?, ?)"
DRAIN_NODE = "UPDATE node SET draining = ? WHERE name = ? AND revoked = 0"
NODE_ADDRESSES = "SELECT address, node, use FROM node_address WHERE node = ?1 OR ?1 IS NULL ORDER BY address"
PUT_VOUCHER = "INSERT INTO voucher (hash, days, product) VALUES (?, ?, ?)"


@dataclass(frozen=True)
class NodeRow:
    """A VPN server as the records know it. All of it is public but `key_blob`, which only the gate's key opens."""

    name: str
    location: str
    ipv4: str
    ipv6: str
    owned: bool = True
    revoked: bool = False
    wireguard_public: bytes | None = None
    wireguard_port: int = 51820
    openvpn_udp: int = 1194
    openvpn_tcp: int = 443
    openvpn_processes: int = 1
    number: int = 0
    """Given by the records when the node is added."""
    exit6: str = ""
    draining: bool = False
    key_blob: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class FleetRow:
    """Public facts that every OpenVPN profile carries: the authority (DER), the static key file, the site's address."""

    openvpn_authority: bytes
    tls_crypt: str = field(repr=False)
    site: str = ""


@dataclass(frozen=True, slots=True)
class Standings:
    """Of the handles and tags asked for: until which day each existing account is paid, and which keys are recorded.

    `multihop`, `ipv4`: until which day those have that add-on who ever bought it.
    """

    until: dict[bytes, int | None]
    tags: set[bytes]
    multihop: dict[bytes, int | None] = field(default_factory=dict)
    ipv4: dict[bytes, int | None] = field(default_factory=dict)


class Cursor(Protocol):
    """What is used of a statement's outcome."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def __iter__(self) -> Iterator[Any]:
        """Rows."""


class Connection(Protocol):
    """What is used of a connection: sqlite3's words for it."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> "Cursor":
        """Runs one statement."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """The same statement for many rows."""

    def close(self) -> None:
        """Closes it."""


class Hand(Protocol):
    """One engine's way to a database."""

    def reader(self) -> Connection:
        """A connection that can't write."""

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction in a connection of its own: committed whole, or not at all."""


class Records:
    """One database. Reads go through one connection of the thread that made this; each write opens its own.

    Writing raises ConflictError when a constraint stands against it; nothing is changed then.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self._reader = hand.reader()

    def refresh(self) -> None:
        """Opens the reader anew, so that pages and values it had read leave this process's RAM. Writes nothing."""
        stale, self._reader = self._reader, self._hand.reader()
        stale.close()

    def close(self) -> None:
        """Closes the reader."""
        self._reader.close()

    def key_record(self, tag: bytes) -> bytes | None:
        """The doubly sealed record filed under a tag (16 bytes)."""
        row = self._reader.execute(KEY_RECORD, (tag,)).fetchone()
        return None if row is None else bytes(row[0])

    def account(self, handle: bytes) -> Facts | None:
        """What a tunnel needs to know of an account; None when the handle names none (deleted, re-keyed)."""
        row = self._reader.execute(ACCOUNT_FACTS, (handle,)).fetchone()
        if row is None:
            return None
        subscription, multihop, ipv6, streaming, compression, connected, ipv4 = row
        flags = (bool(ipv6), bool(streaming), bool(compression), bool(connected))
        return Facts(day_of(subscription), day_of(multihop), *flags, ipv4=day_of(ipv4))

    def login(self, username: str) -> tuple[bytes, str | None] | None:
        """(handle, password hash) of the account with this name, in any case of letters."""
        row = self._reader.execute(ACCOUNT_LOGIN, (username,)).fetchone()
        return None if row is None else (bytes(row[0]), row[1])

    def standings(self, handles: Collection[bytes], tags: Collection[bytes]) -> Standings:
        """In one query: which of the handles exist and until which day, and which of the tags still have a record."""
        until: dict[bytes, int | None] = {}
        recorded: set[bytes] = set()
        entering: dict[bytes, int | None] = {}
        owning: dict[bytes, int | None] = {}
        rows = self._reader.execute(RENEWALS, (b"".join(handles), b"".join(tags)))
        for is_account, name, subscription, multihop, ipv4 in rows:
            if is_account:
                until[name] = day_of(subscription)
                if multihop is not None:
                    entering[name] = day_of(multihop)
                if ipv4 is not None:
                    owning[name] = day_of(ipv4)
            else:
                recorded.add(name)
        return Standings(until, recorded, entering, owning)

    def public_address(self, key: bytes, handle: bytes, node: str) -> str:
        """The public IPv4 address that an account has on this node, or nothing. `key`: the one of `core.owner`."""
        return addresses.address_of(self._reader, key, handle, node)

    def node(self, name: str) -> NodeRow | None:
        """One node's row."""
        row = self._reader.execute(NODES, (name,)).fetchone()
        return None if row is None else _node(row)

    def nodes(self) -> list[NodeRow]:
        """All nodes by name."""
        return [_node(row) for row in self._reader.execute(NODES, (None,))]

    def fleet(self) -> FleetRow | None:
        """The fleet's public facts; None before `fleet init`."""
        row = self._reader.execute(FLEET).fetchone()
        return None if row is None else FleetRow(bytes(row[0]), row[1], row[2])

    def daily_batch(
        self,
        connected: Iterable[bytes],
        *,
        month: int,
        shuffle: Callable[[list[bytes]], None],
        owners: bytes = b"",
        today: int = 0,
    ) -> int:
        """Sets `has_connected`, deletes key records that ended before `month` (YYYYMM), and takes public addresses back
        from accounts whose add-on ended before `today` (days since 1970), in one transaction.

        `shuffle` puts the handles in an order that tells nothing. `updated_at` is not touched. Without `owners` (the
        key of `core.owner`) no address is looked at. Returns the number of rows changed.
        """
        handles = sorted(set(connected))
        shuffle(handles)
        with self._writing() as writer:
            changed = sum(writer.execute(SET_CONNECTED, (handle,)).rowcount for handle in handles)
            changed += addresses.take_back(writer, owners, today) if owners else 0
            return changed + writer.execute(DELETE_ENDED_KEYS, (month,)).rowcount

    def spend(self, serial_hash: bytes) -> bool:
        """Spends a serial once: False when it was spent before."""
        with self._writing() as writer:
            return writer.execute(SPEND_SERIAL, (serial_hash,)).rowcount == 1

    def announce(self, name: str, *, wireguard_public: bytes, key_blob: bytes) -> bool:
        """Stores a node's public key and its sealed secrets; False when the node is unknown or revoked."""
        with self._writing() as writer:
            return writer.execute(ANNOUNCE_NODE, (wireguard_public, key_blob, name)).rowcount == 1

    def put_node(self, node: NodeRow, *, city: str, country: str) -> None:
        """Adds a node and its place, or changes them; a revoked node is welcome again, with new keys."""
        values = (node.name, node.location, node.ipv4, node.ipv6, int(node.owned))
        with self._writing() as writer:
            writer.execute(PUT_LOCATION, (node.location, city, country))
            ports = (node.wireguard_port, node.openvpn_udp, node.openvpn_tcp, node.openvpn_processes)
            writer.execute(PUT_NODE, (*values, *ports, node.exit6))

    def drain_node(self, name: str, draining: bool) -> bool:
        """Takes a node out of service for maintenance, or back in; False when there is none of that name."""
        with self._writing() as writer:
            return writer.execute(DRAIN_NODE, (int(draining), name)).rowcount == 1

    def node_addresses(self, name: str | None = None) -> list[tuple[str, str, str]]:
        """(address, node, use) of the further addresses of one node, or of all."""
        rows = self._reader.execute(NODE_ADDRESSES, (name,))
        return [(str(address), str(node), str(use)) for address, node, use in rows]

    def put_node_addresses(self, name: str, wanted: Iterable[tuple[str, str]]) -> None:
        """(address, use) of a node's further addresses, in place of those it had; those that rest go on resting.

        ConflictError when one is another node's, or a held one is left out or is to be for something else.
        """
        with self._writing() as writer:
            addresses.put(writer, name, wanted)

    def revoke_node(self, name: str) -> bool:
        """Marks a node as revoked and forgets its keys; False when there is none of that name."""
        with self._writing() as writer:
            return writer.execute(REVOKE_NODE, (name,)).rowcount == 1

    def put_fleet(self, fleet: FleetRow) -> None:
        """Stores the fleet's public facts, once."""
        with self._writing() as writer:
            writer.execute(PUT_FLEET, (fleet.openvpn_authority, fleet.tls_crypt, fleet.site))

    def put_vouchers(self, hashes: Sequence[bytes], days: int, product: str = "subscription") -> None:
        """Stores vouchers (hashes of 32 bytes) worth `days` of a product each."""
        with self._writing() as writer:
            writer.executemany(PUT_VOUCHER, [(value, days, product) for value in sorted(hashes)])

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._hand.writing()


def open_records(where: Where) -> Records:
    """Opens existing records, or RecordsError."""
    if isinstance(where, Server):
        # Whoever has SQLite loads nothing of PostgreSQL.
        from tyst.records.postgresql.hand import Hand as PostgresqlHand

        return Records(PostgresqlHand(where))
    if not where.is_file():
        raise RecordsError("there are no records here yet: run `./tyst fleet init`, or give the right --state")
    return Records(SqliteHand(where))


def _node(row: Sequence[object]) -> NodeRow:
    (
        name,
        location,
        ipv4,
        ipv6,
        owned,
        revoked,
        public,
        wireguard,
        udp,
        tcp,
        processes,
        number,
        exit6,
        draining,
        blob,
    ) = row
    return NodeRow(
        str(name),
        str(location),
        str(ipv4),
        str(ipv6),
        bool(owned),
        bool(revoked),
        _blob(public),
        int(str(wireguard)),
        int(str(udp)),
        int(str(tcp)),
        int(str(processes)),
        int(str(number)),
        str(exit6),
        bool(draining),
        _blob(blob),
    )


def _blob(value: object) -> bytes | None:
    return bytes(value) if isinstance(value, bytes | memoryview) else None
