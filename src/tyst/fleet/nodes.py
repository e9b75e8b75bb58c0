"""The operator's hand on the nodes: add one, make it a one-time token, list them, revoke one.

A token is a message (`messages.fleet.JoinToken`) as text: where the gate is, how to know it, and a sealed permission to
join once within 10 minutes. Counterparts: the node enrols with it, `gate.enrolment` spends it.
"""

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tyst.core import keyring
from tyst.core.seal import NONCE_BYTES
from tyst.core.tokens import Enrolment, seal_token, to_text
from tyst.fleet import lists
from tyst.gate.wiring import server_names
from tyst.messages.codec import encode
from tyst.messages.fleet import JoinToken
from tyst.records import undone
from tyst.records.statements import ConflictError, NodeRow, Records, open_records
from tyst.records.where import chosen

SERIAL_BYTES = 16
GATE_PORT = 8443
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,30}")


class FleetError(Exception):
    """Something the operator can mend. One sentence."""


@dataclass(frozen=True)
class Wanted:
    """A node as the operator describes it."""

    name: str
    city: str
    country: str
    ipv4: IPv4Address
    ipv6: IPv6Address
    owned: bool = True
    exit6: IPv6Network | None = None
    """A prefix routed to the node, from which each tunnel leaves by an address of its own."""
    processes: int = 1
    """OpenVPN processes for UDP, one for each core."""


def add(state: Path, wanted: Wanted) -> None:
    """Writes the node's row and its place. A revoked node of this name may join again, with new keys."""
    if not _NAME.fullmatch(wanted.name):
        raise FleetError("a node's name has 2 to 31 of a-z, 0-9 and -, and starts with a letter or digit")
    if not re.fullmatch(r"[a-z]{2}", wanted.country):
        raise FleetError("a country is two small letters, such as se")
    slug = f"{wanted.country}-{re.sub(r'[^a-z0-9]+', '-', wanted.city.lower()).strip('-')}"[:32]
    row = NodeRow(wanted.name, slug, str(wanted.ipv4), str(wanted.ipv6), wanted.owned)
    row = replace(row, exit6=str(wanted.exit6 or ""), openvpn_processes=wanted.processes)
    _records(state).put_node(row, city=wanted.city, country=wanted.country)


def token(state: Path, name: str, gate: str | None) -> str:
    """A fresh one-time token for a node that was added. `gate`: its address, if not the one in its certificate."""
    row = _records(state).node(name)
    if row is None or row.revoked:
        raise FleetError("there is no such node, or it is revoked: `./tyst fleet add` comes first")
    ring = keyring.from_text((state / "gate.keys").read_bytes(), room="gate")
    permission = Enrolment(name, secrets.token_bytes(SERIAL_BYTES))
    sealed = seal_token(ring.seal, permission, nonce=secrets.token_bytes(NONCE_BYTES), now=int(time.time()))
    authority = x509.load_pem_x509_certificate((state / "ca.crt").read_bytes())
    address = gate or f"https://{server_names(state)[0]}:{GATE_PORT}"
    der = authority.public_bytes(serialization.Encoding.DER)
    return to_text(encode(JoinToken(address, der, sealed, lists.public_key(state))))


def revoke(state: Path, name: str) -> None:
    """Revokes a node: the gate refuses it at its next request, and its keys are forgotten."""
    if not _records(state).revoke_node(name):
        raise FleetError("there is no node of that name: `./tyst fleet list` shows them")
    undone.of_state(state).node_revoked(name, undone.today_of(datetime.now(UTC)))


def drain(state: Path, name: str, *, draining: bool) -> None:
    """Takes a node out of service for maintenance, or back in. Its customers are told, or moved, within minutes."""
    if not _records(state).drain_node(name, draining):
        raise FleetError("there is no such node, or it is revoked: `./tyst fleet list` shows them")


def set_addresses(state: Path, name: str, addresses: Sequence[tuple[IPv4Address | IPv6Address, str]]) -> None:
    """Gives a node its further addresses, in place of those it had. FleetError when one is taken or still held."""
    records = _records(state)
    row = records.node(name)
    if row is None or row.revoked:
        raise FleetError("there is no such node, or it is revoked: `./tyst fleet add` comes first")
    taken = {text for node in records.nodes() for text in (node.ipv4, node.ipv6)}
    if any(str(address) in taken for address, _ in addresses):
        raise FleetError("a node's own address can't be one of a pool: people connect to it")
    try:
        records.put_node_addresses(name, [(str(address), use) for address, use in addresses])
    except ConflictError:
        raise FleetError("one of these is another node's, or a customer holds one that you left out") from None


def listing(state: Path) -> list[str]:
    """One line a node."""
    return [_line(row) for row in _records(state).nodes()]


def _line(row: NodeRow) -> str:
    standing = (row.revoked, "revoked"), (row.wireguard_public is None, "waiting for its first start")
    state = next((word for true, word in (*standing, (row.draining, "draining")) if true), "in service")
    return f"{row.name:<20} {row.location:<20} {row.ipv4:<16} {row.ipv6:<28} {state}"


def _records(state: Path) -> Records:
    return open_records(chosen(state))
