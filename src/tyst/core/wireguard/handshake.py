"""Opens a WireGuard handshake initiation with the node's own private key: who is it, and does she hold her private key.

The first message of Noise IKpsk2 as WireGuard uses it (J. A. Donenfeld, "WireGuard: Next Generation Kernel Network
Tunnel", section 5.4.2). Three gates, cheapest first: MAC1 (anyone who knows the node's public key passes), the static
key (anyone who knows a customer's *public* key passes, by forging), the timestamp (only the holder of the private half
passes). It answers nothing and keeps no state: WireGuard itself does the handshake, and replays are told by comparing
timestamps, which is the caller's business. Counterpart: `tyst.node.listener`, which captures the messages.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

INITIATION_BYTES = 148
_TYPE = b"\x01\0\0\0"
_MAC1_AT, _MAC2_AT = 116, 132
_NONCE = bytes(12)
_CHAIN = hashlib.blake2s(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s").digest()
_IDENTIFIED = hashlib.blake2s(_CHAIN + b"WireGuard v1 zx2c4 Jason@zx2c4.com").digest()


class Flaw(StrEnum):
    """At which gate a message failed."""

    FORM = "not an initiation"
    MAC1 = "not for this node"
    STATIC = "no readable static key"
    TIMESTAMP = "the sender does not hold the private key"


class HandshakeError(Exception):
    """A message that is no honest initiation for this node. Carries no part of it."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Initiation:
    """An initiation whose sender proved possession of `public`'s private half when she made it.

    `timestamp`: TAI64N, 12 bytes, compares as bytes; one that is not newer than the peer's last is a replay.
    """

    public: bytes = field(repr=False)
    timestamp: bytes = field(repr=False)

    @property
    def name(self) -> bytes:
        """Tells this very initiation from every other, also when it is sent again."""
        return self.public + self.timestamp


@dataclass(frozen=True, slots=True)
class Claim:
    """A static key that somebody *claims*, and what it takes to check the claim. Anyone can forge it."""

    public: bytes = field(repr=False)
    _chain: bytes = field(repr=False)
    _hash: bytes = field(repr=False)
    _sealed_time: bytes = field(repr=False)


class Responder:
    """One node's half of the first message. Holds the private key (32 bytes) and nothing else."""

    __slots__ = ("_hash", "_mac_key", "_private", "public")

    def __init__(self, private: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self.public = self._private.public_key().public_bytes_raw()
        self._hash = _hash(_IDENTIFIED, self.public)
        self._mac_key = hashlib.blake2s(b"mac1----" + self.public).digest()

    def is_for_us(self, message: bytes) -> bool:
        """Whether a 148-byte message carries this node's MAC1: the check that costs next to nothing (about 1 µs)."""
        if len(message) != INITIATION_BYTES or message[:4] != _TYPE:
            return False
        mac = hashlib.blake2s(message[:_MAC1_AT], key=self._mac_key, digest_size=16).digest()
        return hmac.compare_digest(mac, message[_MAC1_AT:_MAC2_AT])

    def claim(self, message: bytes) -> Claim:
        """The static key that the message claims, or HandshakeError FORM, MAC1 or STATIC. One X25519."""
        if len(message) != INITIATION_BYTES or message[:4] != _TYPE:
            raise HandshakeError(Flaw.FORM)
        if not self.is_for_us(message):
            raise HandshakeError(Flaw.MAC1)
        ephemeral, sealed_static = message[8:40], message[40:88]
        transcript = _hash(self._hash, ephemeral)
        chain = _kdf1(_CHAIN, ephemeral)
        chain, key = _kdf2(chain, self._agree(ephemeral))
        try:
            public = ChaCha20Poly1305(key).decrypt(_NONCE, sealed_static, transcript)
        except InvalidTag:
            raise HandshakeError(Flaw.STATIC) from None
        return Claim(public, chain, _hash(transcript, sealed_static), message[88:_MAC1_AT])

    def prove(self, claim: Claim) -> Initiation:
        """The claim as a proven initiation, or HandshakeError TIMESTAMP. One more X25519."""
        _, key = _kdf2(claim._chain, self._agree(claim.public))
        try:
            stamp = ChaCha20Poly1305(key).decrypt(_NONCE, claim._sealed_time, claim._hash)
        except InvalidTag:
            raise HandshakeError(Flaw.TIMESTAMP) from None
        return Initiation(claim.public, stamp)

    def open(self, message: bytes) -> Initiation:
        """All gates at once: the proven initiation, or HandshakeError with the gate at which it failed."""
        return self.prove(self.claim(message))

    def _agree(self, public: bytes) -> bytes:
        """X25519; a point of low order agrees on nothing (RFC 7748, section 6.1) and is refused as STATIC."""
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise HandshakeError(Flaw.STATIC) from None


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2s(b"".join(parts)).digest()


def _mac(key: bytes, data: bytes) -> bytes:
    """HMAC-BLAKE2s (RFC 2104). Written out: twice as fast as `hmac.digest` for keys of 32 bytes and short data."""
    inner = hashlib.blake2s(key.translate(_INNER) + _INNER_PAD + data).digest()
    return hashlib.blake2s(key.translate(_OUTER) + _OUTER_PAD + inner).digest()


_INNER, _OUTER = bytes(b ^ 0x36 for b in range(256)), bytes(b ^ 0x5C for b in range(256))
_INNER_PAD, _OUTER_PAD = b"\x36" * 32, b"\x5c" * 32


def _kdf1(key: bytes, data: bytes) -> bytes:
    return _mac(_mac(key, data), b"\x01")


def _kdf2(key: bytes, data: bytes) -> tuple[bytes, bytes]:
    """HKDF with two outputs (the paper's KDF_2)."""
    root = _mac(key, data)
    first = _mac(root, b"\x01")
    return first, _mac(root, first + b"\x02")
