"""Proof that whoever registers or revokes a key holds its private half: an X25519 challenge.

The site draws a key pair, seals its private half into the challenge and forgets it. The browser answers with
HMAC-SHA256, keyed by the shared secret of both keys, over its public key. Nothing is stored, and the private key that
is proven never leaves the browser. Without JavaScript, openssl computes the same (the page shows the line).
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tyst.core.keyring import Keyring
from tyst.core.seal import Reason, SealError
from tyst.core.tokens import Challenge, from_text, open_token, seal_token, to_text


class ProofError(Exception):
    """The proof fails. `old`: the challenge was too old; otherwise key, challenge and proof don't fit together."""

    def __init__(self, *, old: bool = False) -> None:
        super().__init__("the proof of possession fails")
        self.old = old


def new_challenge(keys: Keyring, handle: bytes, private: bytes, nonce: bytes, now: int) -> tuple[str, bytes]:
    """(sealed challenge as text, the public key to answer). `private`: 32 fresh random bytes."""
    blob = seal_token(keys.seal, Challenge(private, handle), nonce=nonce, now=now)
    return to_text(blob), X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def check(keys: Keyring, handle: bytes, challenge: str, public_key: bytes, proof: bytes, now: int) -> None:
    """Returns when this account's challenge was answered with this key's private half; ProofError otherwise."""
    try:
        opened = open_token(keys.seal, Challenge, from_text(challenge), now=now)
    except SealError as error:
        raise ProofError(old=error.reason is Reason.EXPIRED) from None
    if not hmac.compare_digest(opened.handle, handle):
        raise ProofError
    if not hmac.compare_digest(answer(opened.private, public_key), proof):
        raise ProofError


def answer(private: bytes, public_key: bytes, over: bytes | None = None) -> bytes:
    """HMAC-SHA256 keyed by the X25519 secret (RFC 7748), over a public key. ProofError for a point of low order."""
    try:
        secret = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError:
        raise ProofError from None
    return hmac.digest(secret, public_key if over is None else over, hashlib.sha256)
