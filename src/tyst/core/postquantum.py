"""A preshared key for one WireGuard tunnel, agreed inside it by ML-KEM-768: who records the tunnel today and has
a quantum computer tomorrow reads nothing that came after the exchange.

Pure: bytes in, bytes out; both halves are here, the node's (`answer`) and the client's (`Exchange`). Sockets, rates and
WireGuard are `tyst.node.postquantum`'s. Sources: FIPS 203 (ML-KEM), RFC 5869 (HKDF), the WireGuard paper, section 5.2
(what a preshared key adds). The wire format and its reasons: docs/decisions/0031-post-quantum.md.
"""

import hmac
import struct
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PORT = 1888
"""UDP, on the resolver's IPv6 address inside the tunnel."""
SEED_BYTES = 64
PRESHARED_BYTES, CHECK_BYTES = 32, 16
_KEY_BYTES, _CIPHERTEXT_BYTES = 1184, 1088
_HEAD = struct.Struct(">4s4xQ")
_ASK, _ANSWER = b"TQ1?", b"TQ1!"
ASK_BYTES = _HEAD.size + _KEY_BYTES
ANSWER_BYTES = _HEAD.size + _CIPHERTEXT_BYTES + CHECK_BYTES
_SALT = b"tyst post-quantum preshared key 1"


class ExchangeError(Exception):
    """A message that is none, or does not fit. Carries no part of it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client sends: a number that grows with each exchange of a tunnel, and an encapsulation key."""

    number: int
    key: bytes = field(repr=False)


def read_ask(message: bytes) -> Ask:
    """A client's message, or ExchangeError. It is not known yet whether the key is one."""
    if len(message) != ASK_BYTES:
        raise ExchangeError
    kind, number = _HEAD.unpack_from(message)
    if kind != _ASK or message != _HEAD.pack(kind, number) + message[_HEAD.size :]:
        raise ExchangeError
    return Ask(number, message[_HEAD.size :])


def answer(ask: Ask, *, device: bytes, node: bytes) -> tuple[bytes, bytes]:
    """The node's half: (message to send, preshared key). `device`, `node`: WireGuard public keys. ExchangeError."""
    try:
        shared, ciphertext = MLKEM768PublicKey.from_public_bytes(ask.key).encapsulate()
    except ValueError:
        raise ExchangeError from None
    preshared, check = _derive(shared, ask, ciphertext, device, node)
    return _HEAD.pack(_ANSWER, ask.number) + ciphertext + check, preshared


class Exchange:
    """The client's half of one exchange. `seed`: 64 fresh random bytes; `number`: larger than any before it."""

    __slots__ = ("_ask", "_device", "_node", "_private")

    def __init__(self, seed: bytes, number: int, *, device: bytes, node: bytes) -> None:
        self._private = MLKEM768PrivateKey.from_seed_bytes(seed)
        self._ask = Ask(number, self._private.public_key().public_bytes_raw())
        self._device, self._node = device, node

    @property
    def message(self) -> bytes:
        """What goes to the node; the same bytes may be sent again while no answer came."""
        return _HEAD.pack(_ASK, self._ask.number) + self._ask.key

    def finish(self, message: bytes) -> bytes:
        """The preshared key out of the node's answer, or ExchangeError: then nothing has changed on this side."""
        if len(message) != ANSWER_BYTES or message[: _HEAD.size] != _HEAD.pack(_ANSWER, self._ask.number):
            raise ExchangeError
        ciphertext, check = message[_HEAD.size : -CHECK_BYTES], message[-CHECK_BYTES:]
        shared = self._private.decapsulate(ciphertext)
        preshared, wanted = _derive(shared, self._ask, ciphertext, self._device, self._node)
        if not hmac.compare_digest(check, wanted):
            raise ExchangeError
        return preshared


def _derive(shared: bytes, ask: Ask, ciphertext: bytes, device: bytes, node: bytes) -> tuple[bytes, bytes]:
    """(preshared key, check): bound to both WireGuard keys and to everything that was said."""
    said = ask.number.to_bytes(8, "big") + sha256(ask.key).digest() + sha256(ciphertext).digest()
    length = PRESHARED_BYTES + CHECK_BYTES
    derived = HKDF(algorithm=SHA256(), length=length, salt=_SALT, info=device + node + said).derive(shared)
    return derived[:PRESHARED_BYTES], derived[PRESHARED_BYTES:]
