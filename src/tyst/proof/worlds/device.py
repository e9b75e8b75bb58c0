"""A customer's WireGuard device as far as a node's gate to the tunnels sees it: its key and its first message.

The initiator's half of Noise IKpsk2 (J. A. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel", section
5.4.2). No tunnel comes of it here: there is no kernel. Counterpart: `core.wireguard.handshake`, which opens it.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


@dataclass(frozen=True, slots=True)
class Device:
    """`private`: 32 bytes."""

    private: bytes = field(repr=False)

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()

    def initiation(self, node: bytes, now: float, ephemeral: bytes) -> bytes:
        """The 148 bytes of a handshake's first message to the node with this public key."""
        own, once = (X25519PrivateKey.from_private_bytes(one) for one in (self.private, ephemeral))
        theirs, point = X25519PublicKey.from_public_bytes(node), once.public_key().public_bytes_raw()
        chain = _hash(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
        transcript = _hash(_hash(_hash(chain + b"WireGuard v1 zx2c4 Jason@zx2c4.com") + node) + point)
        chain, _ = _kdf(chain, point)
        chain, key = _kdf(chain, once.exchange(theirs))
        static = ChaCha20Poly1305(key).encrypt(bytes(12), self.public, transcript)
        chain, key = _kdf(chain, own.exchange(theirs))
        stamp = struct.pack(">QI", (1 << 62) + 10 + int(now), int(now % 1 * 1e9))
        sealed = ChaCha20Poly1305(key).encrypt(bytes(12), stamp, _hash(transcript + static))
        body = b"\x01\0\0\0" + struct.pack("<I", 7) + point + static + sealed
        return body + hashlib.blake2s(body, key=_hash(b"mac1----" + node), digest_size=16).digest() + bytes(16)


def _hash(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def _kdf(key: bytes, data: bytes) -> tuple[bytes, bytes]:
    root = hmac.digest(key, data, hashlib.blake2s)
    first = hmac.digest(root, b"\x01", hashlib.blake2s)
    return first, hmac.digest(root, first + b"\x02", hashlib.blake2s)
