"""Documents that a stranger can check: JSON with a kind, a body, and an Ed25519 signature of both, in one spelling.

The spelling is fixed (sorted keys, one space of indent, ASCII, a final newline), and Ed25519 draws nothing (RFC 8032),
so the same body under the same key is the same bytes. Whoever reads gets a body or SignedError, never a part. Keys are
the callers'. Counterparts: `core.openness` (what is published), `core.court` (answers and approvals).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_BYTES = 4 << 20
_CONTEXT = b"tyst signed 1\n"
STAMP = b"%tyst-signature "
"""How the line with a stamp begins."""
_SIGNATURE_BYTES = 64


class SignedError(ValueError):
    """It is not what this key signed. Says in one sentence why, and nothing of the content."""


def canonical(value: object) -> bytes:
    """The one spelling of a value of objects, lists, texts, whole numbers, truth values and nulls."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def sealed(kind: str, body: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The document."""
    return canonical({"kind": kind, "body": dict(body), "signature": signature(kind, body, key)})


def opened(document: bytes, kind: str, public: bytes) -> dict[str, Any]:
    """The body of a document of this kind under this key (32 bytes). SignedError otherwise."""
    found, body, given = _parts(document)
    if found != kind:
        raise SignedError("this document is of another kind")
    check(kind, body, given, public)
    return body


def signature(kind: str, body: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """The signature alone, for those who have the body already."""
    return base64.b64encode(key.sign(_signed(kind, body))).decode()


def check(kind: str, body: Mapping[str, Any], given: str, public: bytes) -> None:
    """Whether this signature is of this kind and body, by this key (32 bytes). SignedError otherwise."""
    _verify(public, _decoded(given.encode()), _signed(kind, body))


def kind_of(document: bytes) -> str:
    """What a document says that it is. Nothing is verified. SignedError when it is no document at all."""
    return _parts(document)[0]


def stamped(content: bytes, key: Ed25519PrivateKey) -> bytes:
    """Bytes of another form (a PDF) with their signature as a comment in a last line (ISO 32000-1, 7.2.3)."""
    whole = content if content.endswith(b"\n") else content + b"\n"
    return whole + STAMP + base64.b64encode(key.sign(_CONTEXT + whole)) + b"\n"


def check_stamp(content: bytes, public: bytes) -> None:
    """Whether the last line signs all before it. SignedError otherwise."""
    whole, found, tail = content.rpartition(STAMP)
    if not found or not tail.endswith(b"\n"):
        raise SignedError("there is no signature in its last line")
    _verify(public, _decoded(tail[:-1]), _CONTEXT + whole)


def public_text(public: bytes) -> str:
    """A public key (32 bytes) as people copy it."""
    return base64.b64encode(public).decode()


def public_bytes(text: str) -> bytes:
    """The counterpart. SignedError."""
    raw = _decoded(text.strip().encode())
    if len(raw) != 32:
        raise SignedError("a public key has 44 characters and ends in =")
    return raw


def _signed(kind: str, body: Mapping[str, Any]) -> bytes:
    return _CONTEXT + kind.encode() + b"\n" + canonical(body)


def _parts(document: bytes) -> tuple[str, dict[str, Any], str]:
    wrong = SignedError("this is no signed document of ours, or it was written anew by another program")
    if len(document) > MAX_BYTES:
        raise wrong
    try:
        whole = json.loads(document)
        kind, body, given = whole["kind"], whole["body"], whole["signature"]
        formed = isinstance(body, dict) and isinstance(kind, str) and isinstance(given, str)
        if not formed or canonical(whole) != document:
            raise wrong
    except (ValueError, TypeError, KeyError, RecursionError):
        raise wrong from None
    return kind, body, given


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SignedError("a signature or key in it can't be read") from None


def _verify(public: bytes, signature: bytes, content: bytes) -> None:
    try:
        if len(signature) != _SIGNATURE_BYTES:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        raise SignedError("the signature is not this key's, or something was changed") from None
