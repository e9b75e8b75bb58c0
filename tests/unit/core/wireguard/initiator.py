"""A WireGuard initiator for tests: makes handshake initiations, honest and dishonest, independently of the product.

Written from the paper (section 5.4.2) with the standard library's `hmac`; shares no code with the product's.
"""

import hashlib
import hmac
import os
import struct
import time

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def _blake(data: bytes) -> bytes:
    return hashlib.blake2s(data).digest()


def _hkdf(outputs: int, key: bytes, data: bytes) -> list[bytes]:
    root = hmac.new(key, data, hashlib.blake2s).digest()
    found: list[bytes] = []
    for number in range(1, outputs + 1):
        found.append(hmac.new(root, (found[-1] if found else b"") + bytes([number]), hashlib.blake2s).digest())
    return found


def tai64n(now: float | None = None) -> bytes:
    """A TAI64N label of a time in seconds since 1970."""
    moment = time.time() if now is None else now
    return struct.pack(">QI", (1 << 62) + 10 + int(moment), int(moment % 1 * 1e9))


class Initiator:
    """Holds a device's private key and the node's public key."""

    def __init__(self, private: bytes, node: bytes) -> None:
        self.private = X25519PrivateKey.from_private_bytes(private)
        self.public = self.private.public_key().public_bytes_raw()
        self.node = node

    def initiation(
        self, timestamp: bytes | None = None, *, claimed: bytes | None = None, index: int = 7, ephemeral: bytes = b""
    ) -> bytes:
        """The 148 bytes. `claimed`: somebody else's public key to put in place of ours (a forgery)."""
        moment = X25519PrivateKey.from_private_bytes(ephemeral or os.urandom(32))
        node = X25519PublicKey.from_public_bytes(self.node)
        chain = _blake(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
        transcript = _blake(_blake(chain + b"WireGuard v1 zx2c4 Jason@zx2c4.com") + self.node)
        point = moment.public_key().public_bytes_raw()
        (chain,) = _hkdf(1, chain, point)
        transcript = _blake(transcript + point)
        chain, key = _hkdf(2, chain, moment.exchange(node))
        static = ChaCha20Poly1305(key).encrypt(bytes(12), claimed or self.public, transcript)
        transcript = _blake(transcript + static)
        chain, key = _hkdf(2, chain, self.private.exchange(node))
        stamp = ChaCha20Poly1305(key).encrypt(bytes(12), timestamp or tai64n(), transcript)
        body = b"\x01\0\0\0" + struct.pack("<I", index) + point + static + stamp
        return with_mac1(body, self.node)


def with_mac1(body: bytes, node: bytes) -> bytes:
    """A message's first 116 bytes with a valid MAC1 for the node and an empty MAC2."""
    key = _blake(b"mac1----" + node)
    return body + hashlib.blake2s(body, key=key, digest_size=16).digest() + bytes(16)
