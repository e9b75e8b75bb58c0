"""Makes a provider out of nothing: keys, certificates, records, in one state folder that only its owner can read.

Run once, by the operator's hand. Nothing here talks to a network. `fleet.nodes` adds servers afterwards; `gate.wiring`
and the site read what is made here.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tyst.core import keyring
from tyst.fleet.tls_crypt import static_key
from tyst.gate import authority
from tyst.gate.identity import Role
from tyst.gate.wiring import FLEET_SECRET, OPENVPN_SECRET
from tyst.records import transparency, undone
from tyst.records.backup import keys
from tyst.records.migrate import migrate
from tyst.records.statements import FleetRow, open_records
from tyst.records.where import FILE, Server, Where, as_toml, chosen
from tyst.records.whole import write_whole

LISTS_KEY = "lists.key"
"""Signs the lists of names (32 bytes, Ed25519). The gate never reads it: it may be kept elsewhere."""


class FoundingError(Exception):
    """The provider can't be made here. Says what is in the way."""


@dataclass(frozen=True)
class Plan:
    """What the operator chose: the site's public address and the DNS names of the gate."""

    state: Path
    site: str
    gate_names: Sequence[str]
    database: str = field(default="", repr=False)
    """An address of PostgreSQL; without one the records are in a SQLite file, or where `database.toml` says."""


def found(plan: Plan, *, now: float) -> None:
    """Makes keys, certificates and records. Refuses a folder that has keys already: they are never overwritten."""
    if (plan.state / "gate.keys").exists():
        raise FoundingError("there is a provider in this folder already; its keys are not overwritten")
    plan.state.mkdir(parents=True, exist_ok=True)
    plan.state.chmod(0o700)
    fleet = authority.found("tyst fleet", now=now)
    openvpn = authority.found("tyst openvpn", now=now)
    site, gate = keyring.new_pair(secrets.token_bytes)
    gate = replace(gate, secrets={**gate.secrets, FLEET_SECRET: fleet.secret, OPENVPN_SECRET: openvpn.secret})
    _write_certificates(plan, fleet, now=now)
    where = _choose(plan)
    migrate(where)
    records = open_records(where)
    records.put_fleet(FleetRow(openvpn.der, static_key(secrets.token_bytes), plan.site))
    records.close()
    keys.make_recovery_key(plan.state, plan.state / keys.PRIVATE)
    undone.of_state(plan.state).begin()
    write_whole(plan.state / LISTS_KEY, Ed25519PrivateKey.generate().private_bytes_raw())
    transparency.found(plan.state, datetime.fromtimestamp(now, UTC).date())
    write_whole(plan.state / "site.keys", keyring.to_text(site).encode())
    # Last, because its presence says that the provider is whole.
    write_whole(plan.state / "gate.keys", keyring.to_text(gate).encode())


def _choose(plan: Plan) -> Where:
    """Writes the operator's choice of a database down, if she made one now."""
    if plan.database:
        write_whole(plan.state / FILE, as_toml(Server(plan.database)).encode())
    return chosen(plan.state)


def _write_certificates(plan: Plan, fleet: authority.Authority, *, now: float) -> None:
    write_whole(plan.state / "ca.crt", pem(fleet.der))
    key = authority.new_key()
    certificate = authority.server_certificate(fleet, key.public_key(), plan.gate_names, now=now)
    _write_pair(plan.state, "gate", certificate, authority.private_bytes(key))
    for role in (Role.SITE, Role.OPERATOR):
        key = authority.new_key()
        certificate = authority.client_certificate(
            fleet, key.public_key(), role, role.value, now=now, life=authority.LONG_LIFE
        )
        _write_pair(plan.state, role.value, certificate, authority.private_bytes(key))


def _write_pair(state: Path, name: str, certificate: bytes, key: bytes) -> None:
    write_whole(state / f"{name}.crt", pem(certificate))
    private = serialization.load_der_private_key(key, password=None)
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_whole(state / f"{name}.key", text)


def pem(certificate: bytes) -> bytes:
    """A certificate (DER) as PEM text."""
    return x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)
