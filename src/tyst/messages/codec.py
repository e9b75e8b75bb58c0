"""Bytes to messages and back: msgpack (msgspec), strict, one version for all. Nothing else crosses between rooms."""

from typing import TypeVar

import msgspec

VERSION = 1
MAX_BYTES = 4 << 20

T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()


class MessageError(ValueError):
    """A message that isn't one. Carries no part of it."""


def encode(message: msgspec.Struct) -> bytes:
    """The message's bytes."""
    return _encoder.encode(message)


def decode(body: bytes, form: type[T]) -> T:
    """The message of the wanted form, or MessageError."""
    if len(body) > MAX_BYTES:
        raise MessageError("the message is too long")
    try:
        return msgspec.msgpack.decode(body, type=form)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise MessageError("the message has not the form this path takes") from None
