"""Who a public IPv4 address belongs to: a keyed hash of a user name and the hour in which its account was made.

A handle can't be it, because a re-key replaces that and the address stays. Both rooms that look hold the key (`OWNER`
in their keyrings); without it nobody finds an account's address or an address's account. A name that is taken again has
another hour, and whatever it had was given back when it was deleted. BLAKE2b, RFC 7693, keyed.
"""

import hashlib

OWNER = "owner"
"""The name of the key among a keyring's secrets."""
KEY_BYTES = 32
OWNER_BYTES = 32


def owner_of(key: bytes, username: str, created_at: str) -> bytes:
    """32 bytes. `created_at`: as stored, `YYYY-MM-DD HH:MM:SS` (UTC). Letters' case in the name does not count."""
    named = username.lower().encode() + b"\n" + created_at.encode()
    return hashlib.blake2b(named, key=key, digest_size=OWNER_BYTES, person=b"tyst owner").digest()
