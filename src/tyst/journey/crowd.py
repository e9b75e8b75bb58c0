"""A crowd of paying customers with a registered key each, for measuring: runs on the control host as a program.

It writes what the site would have written, with the site's own keys: an account row and a key record. A person can
register sixteen keys a day, and argon2id takes its time, so a thousand customers can't sign up one by one. Prints the
private keys, which exist nowhere else, as base64 lines. Counterpart: `cold.py`, which connects with them.
"""

import argparse
import base64
import os
import sqlite3
import sys
import time
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.keyring import from_text
from tyst.core.rounding import extended, month_of, nearest_hour
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import KeyRecord
from tyst.core.wireguard.addresses import address4
from tyst.records import journal
from tyst.records.engine import PRAGMAS, WAIT_SECONDS

ACCOUNT = """INSERT INTO account (handle, username, password, email, created_at, updated_at, newsletter,
 has_authenticated, has_connected, has_ipv6, compression, streaming, language, currency, country, campaign,
 subscription, ipv4, multihop, client_version, extension_version)
 VALUES (?, ?, '$argon2id$none', NULL, ?, ?, 0, 0, 0, 1, 0, 0, 'en', 'EUR', 'se', NULL, ?, NULL, NULL, NULL, NULL)"""


def make(state: Path, count: int, now: datetime) -> list[bytes]:
    """Writes `count` accounts with 30 days and a key record each, in one transaction; returns the private keys."""
    ring = from_text((state / "site.keys").read_bytes(), room="site")
    hour = nearest_hour(now).strftime("%Y-%m-%d %H:%M:%S")
    expiry = extended(None, days=30, today=now.date()).strftime("%Y-%m-%d %H:%M:%S")
    privates = _distinct(count)
    database = sqlite3.connect(state / "records.sqlite3", timeout=WAIT_SECONDS)
    for pragma in PRAGMAS:
        database.execute(pragma)
    with database:
        for private in privates:
            handle, public = os.urandom(16), private.public_key().public_bytes_raw()
            tag = tag_of(public)
            record = KeyRecord(handle, month_of(now, plus=24)).sealed(
                tag=tag,
                opener=opener_of(public),
                gate_public=ring.known["gate"],
                nonce=os.urandom(12),
                now=int(now.timestamp()),
            )
            database.execute(ACCOUNT, (handle, f"crowd-{handle.hex()[:20]}", hour, hour, expiry))
            database.execute(
                "INSERT INTO key_record (tag, record, last_month) VALUES (?, ?, ?)",
                (tag, record, month_of(now, plus=24)),
            )
    journal.wipe(database, str(state / "records.sqlite3"))
    database.close()
    return [private.private_bytes_raw() for private in privates]


def _distinct(count: int) -> list[X25519PrivateKey]:
    """Keys without address twins: in one crowd of thirty, two of a thousand keys share an IPv4 tunnel address.

    The second one gets IPv6 only, as it should (tests/findings/test_i17_address_uniqueness.py); it would spoil a count.
    """
    found: dict[IPv4Address, X25519PrivateKey] = {}
    while len(found) < count:
        private = X25519PrivateKey.generate()
        found.setdefault(address4(private.public_key().public_bytes_raw()), private)
    return list(found.values())


def main() -> int:
    """usage: python -m tyst.journey.crowd STATE COUNT"""
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("count", type=int)
    args = parser.parse_args()
    for private in make(args.state, args.count, datetime.fromtimestamp(time.time(), UTC)):
        sys.stdout.write(base64.b64encode(private).decode() + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
