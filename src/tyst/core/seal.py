"""Sealing: what others keep in a table, we encrypt and hand to the party it belongs to.

The one place where values are sealed and opened. Two forms, both from `cryptography`, never a cipher of our own:

- `seal` / `open_sealed`: AES-256-GCM-SIV (RFC 8452) under a key that the room shares with itself or with one other
  room. Pure: the door brings clock and nonce.
- `seal_to` / `open_sealed_to`: HPKE base mode (RFC 9180, X25519, HKDF-SHA256, AES-128-GCM) to a room's public key, so
  that the writer can't read what it wrote. Here the library draws the ephemeral key itself.

A sealed value is: kind (1 byte), key id (4), length of the payload (2), nonce (12), ciphertext. Kind, key id and length
are authenticated. Inside, before the payload, stands the expiry in minutes, rounded up to the kind's grain so that it
doesn't tell when the value was made. What a payload means is the business of `core.tokens`.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

NONCE_BYTES = 12
_HEADER = struct.Struct(">B4sH")
_EXPIRY = struct.Struct(">I")
_TAG_BYTES = 16
_NEVER = 0xFFFFFFFF
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


class Reason(StrEnum):
    """Why a sealed value was refused."""

    WRONG_KIND = "wrong kind"
    WRONG_KEY = "wrong key"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    EXPIRED = "expired"


class SealError(Exception):
    """A sealed value that doesn't open. Says which rule it broke and nothing of its content."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"this sealed value can't be opened: {reason.value}")
        self.reason = reason


class Kind(Enum):
    """What a sealed value is for: (code on the wire, lifetime in seconds or None, grain of its expiry in seconds)."""

    LEASE = (1, _DAY, _MINUTE)
    SESSION = (2, 2 * _DAY, _DAY)
    REMEMBER = (3, 90 * _DAY, _DAY)
    RECOVERY = (4, None, _DAY)
    CREDENTIAL = (5, 731 * _DAY, _DAY)
    ENROLMENT = (6, 10 * _MINUTE, _MINUTE)
    CHALLENGE = (7, 10 * _MINUTE, _MINUTE)
    NODE_KEYS = (8, None, _DAY)
    KEY_RECORD = (9, None, _DAY)
    LOGIN = (10, 5 * _MINUTE, _MINUTE)
    NOTICE = (11, _HOUR, _HOUR)
    ORDER = (12, 30 * _DAY, _DAY)
    REFUND = (13, 10 * _DAY, _DAY)
    RESET = (14, _HOUR, _MINUTE)
    CONFIRM = (15, _DAY, _HOUR)
    UNSUBSCRIBE = (16, None, _DAY)

    @property
    def code(self) -> int:
        code: int = self.value[0]
        return code

    @property
    def lifetime(self) -> int | None:
        lifetime: int | None = self.value[1]
        return lifetime

    def expiry_minute(self, now: int) -> int:
        """When a value of this kind made now ends, in minutes since 1970, rounded up to the grain."""
        if self.lifetime is None:
            return _NEVER
        grain: int = self.value[2]
        return -(-(now + self.lifetime) // grain) * grain // _MINUTE


@dataclass(frozen=True)
class SealKey:
    """One version of one kind's key: 32 random bytes. `until` (seconds since 1970): it opens nothing afterwards."""

    secret: bytes = field(repr=False)
    until: int | None = None

    def __post_init__(self) -> None:
        if len(self.secret) != 32:
            raise ValueError("a sealing key is 32 bytes long")

    @property
    def id(self) -> bytes:
        return key_id(self.secret)


SealKeys = Mapping[Kind, Sequence[SealKey]]
"""The keys of one room: for each kind the versions it may open, the first of which seals."""


def key_id(material: bytes) -> bytes:
    """Four bytes that tell key versions apart and reveal nothing of the key."""
    return hashlib.sha256(b"tyst key id" + material).digest()[:4]


def key_of(blob: bytes) -> bytes:
    """The id of the key that sealed a value, unverified: only `open_sealed` says whether it is true."""
    return blob[1:5]


def seal(keys: SealKeys, kind: Kind, payload: bytes, *, nonce: bytes, now: int) -> bytes:
    """Seals `payload` under the newest key of `kind`. `nonce`: 12 fresh random bytes; `now`: seconds since 1970.

    Raises KeyError when this room holds no key of that kind: a mistake of the program, not of a caller.
    """
    key = keys[kind][0]
    header = _HEADER.pack(kind.code, key.id, len(payload))
    inner = _EXPIRY.pack(kind.expiry_minute(now)) + payload
    return header + nonce + AESGCMSIV(key.secret).encrypt(nonce, inner, header)


def open_sealed(keys: SealKeys, kind: Kind, blob: bytes, *, now: int) -> bytes:
    """The payload of a sealed value, or SealError with the rule it broke. Nothing else is ever raised for bad input."""
    header, identity, body = _split(kind, blob, NONCE_BYTES + _TAG_BYTES)
    key = next((k for k in keys.get(kind, ()) if k.id == identity), None)
    if key is None or (key.until is not None and now > key.until):
        raise SealError(Reason.WRONG_KEY)
    try:
        inner = AESGCMSIV(key.secret).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], header)
    except InvalidTag:
        raise SealError(Reason.DAMAGED) from None
    return _unexpired(inner, now)


def seal_to(public: bytes, kind: Kind, payload: bytes, *, context: bytes, now: int) -> bytes:
    """Seals to a room's X25519 public key (32 bytes). `context` (a record's tag, say) must be given again to open."""
    header = _HEADER.pack(kind.code, key_id(public), len(payload))
    inner = _EXPIRY.pack(kind.expiry_minute(now)) + payload
    return header + _SUITE.encrypt(inner, X25519PublicKey.from_public_bytes(public), info=header + context)


def open_sealed_to(privates: Sequence[bytes], kind: Kind, blob: bytes, *, context: bytes, now: int) -> bytes:
    """Opens what `seal_to` made, with whichever of the room's private keys (newest first) it was sealed to."""
    header, identity, body = _split(kind, blob, 32 + _TAG_BYTES)
    for raw in privates:
        private, its = _prepared(raw)
        if its == identity:
            break
    else:
        raise SealError(Reason.WRONG_KEY)
    try:
        inner = _SUITE.decrypt(body, private, info=header + context)
    except InvalidTag:
        raise SealError(Reason.DAMAGED) from None
    return _unexpired(inner, now)


@lru_cache(maxsize=8)
def _prepared(raw: bytes) -> tuple[X25519PrivateKey, bytes]:
    """A room's own private key, ready to use, and its id. Deriving the public half each time would double the cost."""
    private = X25519PrivateKey.from_private_bytes(raw)
    return private, key_id(private.public_key().public_bytes_raw())


def _split(kind: Kind, blob: bytes, overhead: int) -> tuple[bytes, bytes, bytes]:
    """(header, key id, the rest), once kind and length are as announced. `overhead`: bytes around the payload."""
    if len(blob) < _HEADER.size:
        raise SealError(Reason.TRUNCATED)
    code, identity, length = _HEADER.unpack_from(blob)
    if code != kind.code:
        raise SealError(Reason.WRONG_KIND)
    wanted = _HEADER.size + overhead + _EXPIRY.size + length
    if len(blob) != wanted:
        raise SealError(Reason.TRUNCATED if len(blob) < wanted else Reason.DAMAGED)
    return blob[: _HEADER.size], identity, blob[_HEADER.size :]


def _unexpired(inner: bytes, now: int) -> bytes:
    (expiry,) = _EXPIRY.unpack_from(inner)
    if expiry != _NEVER and now >= expiry * _MINUTE:
        raise SealError(Reason.EXPIRED)
    return inner[_EXPIRY.size :]
