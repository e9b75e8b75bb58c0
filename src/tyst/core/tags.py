"""What a device's public key turns into: the tag its record is filed under, and the opener that only the key gives.

Neither leads back to the key, and the two are independent: who holds the database knows tags, who holds the key knows
both. HKDF-SHA256 (RFC 5869) with one label each.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TAG_BYTES = 16
OPENER_BYTES = 32


def derive(public_key: bytes, label: str, length: int) -> bytes:
    """`length` bytes that belong to a WireGuard public key (32 bytes) and a label. ValueError for another length."""
    if len(public_key) != 32:
        raise ValueError("a WireGuard public key is 32 bytes long")
    return HKDF(algorithm=SHA256(), length=length, salt=b"tyst device", info=label.encode()).derive(public_key)


def tag_of(public_key: bytes) -> bytes:
    """The 16 bytes under which a key's record is filed."""
    return derive(public_key, "tag", TAG_BYTES)


def opener_of(public_key: bytes) -> bytes:
    """The 32 bytes that open the outer seal of a key's record."""
    return derive(public_key, "opener", OPENER_BYTES)
