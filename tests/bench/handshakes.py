"""How many handshake initiations a core opens and proves, and how many it refuses, beside the bare arithmetic."""

import hashlib
import itertools
import os

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.bench.figures import Figure, figure
from tests.bench.machine import Rate, compare, rate
from tests.unit.core.wireguard.initiator import Initiator
from tyst.core.wireguard.handshake import Responder

DEVICES = 64
BATCH = 32
HASHES = 20
"""BLAKE2s per initiation: 1 for MAC1, 3 for the transcript, 16 inside the key derivations (an HMAC takes two)."""


def bench() -> list[Figure]:
    """Opened (all three gates passed) and refused initiations per CPU second."""
    node = X25519PrivateKey.generate()
    public = node.public_key().public_bytes_raw()
    messages = [Initiator(os.urandom(32), public).initiation() for _ in range(DEVICES)]
    responder = Responder(node.private_bytes_raw())
    opened = compare(_opening(responder, messages), _bare_opening(node))
    refused = compare(_refusing(responder, messages), _bare_refusing())
    return [
        figure("initiations opened", opened.value, "/s/core", opened.yardstick, ratio=opened.ratio),
        figure("initiations refused by MAC1", refused.value, "/s/core", refused.yardstick, ratio=refused.ratio),
    ]


def _opening(responder: Responder, messages: list[bytes]) -> Rate:
    turn = itertools.cycle(messages)

    def work() -> int:
        for _ in range(BATCH):
            responder.open(next(turn))
        return BATCH

    return lambda: rate(work)


def _bare_opening(node: X25519PrivateKey) -> Rate:
    """Two agreements, two decryptions and the hashes, with nothing around them."""
    peer = X25519PrivateKey.generate().public_key().public_bytes_raw()
    key, nonce, block = os.urandom(32), bytes(12), os.urandom(96)
    sealed_key = ChaCha20Poly1305(key).encrypt(nonce, peer, block[:32])
    sealed_time = ChaCha20Poly1305(key).encrypt(nonce, block[:12], block[:32])

    def work() -> int:
        for _ in range(BATCH):
            node.exchange(X25519PublicKey.from_public_bytes(peer))
            node.exchange(X25519PublicKey.from_public_bytes(peer))
            ChaCha20Poly1305(key).decrypt(nonce, sealed_key, block[:32])
            ChaCha20Poly1305(key).decrypt(nonce, sealed_time, block[:32])
            for _ in range(HASHES):
                hashlib.blake2s(block).digest()
        return BATCH

    return lambda: rate(work)


def _refusing(responder: Responder, messages: list[bytes]) -> Rate:
    wrong = [message[:116] + bytes(16) + message[132:] for message in messages]

    def work() -> int:
        let_in = sum(responder.is_for_us(message) for message in wrong)
        assert not let_in
        return len(wrong)

    return lambda: rate(work)


def _bare_refusing() -> Rate:
    """One keyed BLAKE2s over the 116 bytes that MAC1 covers."""
    key, block = os.urandom(32), os.urandom(116)

    def work() -> int:
        for _ in range(BATCH):
            hashlib.blake2s(block, key=key, digest_size=16).digest()
        return BATCH

    return lambda: rate(work)
