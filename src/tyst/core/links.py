"""What is inside the links of our letters: a new password, a confirmed address, an end to the newsletter.

Sealed by the site and opened by it; in between only the letter holds them. A reset names the handle, so that its first
use, which re-keys, ends it. The other two name the account as an order does, by user name and the hour in which it was
made: they outlive a re-key, and a name that is taken again inherits none. An address that waits for its confirmation
stands in the link and nowhere else. Counterparts: `mail.letters` writes them, `site.pages.letters` opens them.
"""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import ClassVar

from tyst.core.seal import Kind

_GRAIN = 32
"""A confirmation's address is filled up to a multiple of this, so that the link's length tells little of it."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A new password for whoever reads the account's mail."""

    KIND: ClassVar[Kind] = Kind.RESET
    handle: bytes = field(repr=False)

    def pack(self) -> bytes:
        return self.handle

    @classmethod
    def unpack(cls, payload: bytes) -> "Reset":
        return cls(payload[:16])


class Purpose(IntEnum):
    """What a confirmation is for."""

    NEWSLETTER = 1
    ADDRESS = 2


@dataclass(frozen=True, slots=True)
class Confirm:
    """Whoever reads this address says yes: to the newsletter, or to being the account's address."""

    KIND: ClassVar[Kind] = Kind.CONFIRM
    purpose: Purpose
    username: str = field(repr=False)
    since: datetime = field(repr=False)
    email: str = field(repr=False)
    _FORM: ClassVar[struct.Struct] = struct.Struct(">B32sI")

    def pack(self) -> bytes:
        head = self._FORM.pack(self.purpose, self.username.encode("ascii"), _hour(self.since))
        text = self.email.encode()
        return head + text.ljust(-(-len(text) // _GRAIN) * _GRAIN, b"\0")

    @classmethod
    def unpack(cls, payload: bytes) -> "Confirm":
        """struct.error or ValueError for what isn't one."""
        purpose, name, hour = cls._FORM.unpack_from(payload)
        email = payload[cls._FORM.size :].rstrip(b"\0").decode()
        return cls(Purpose(purpose), name.rstrip(b"\0").decode("ascii"), _moment(hour), email)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """No more newsletters. Works for ever, as often as it is opened, signed in or not."""

    KIND: ClassVar[Kind] = Kind.UNSUBSCRIBE
    username: str = field(repr=False)
    since: datetime = field(repr=False)
    _FORM: ClassVar[struct.Struct] = struct.Struct(">32sI")

    def pack(self) -> bytes:
        return self._FORM.pack(self.username.encode("ascii"), _hour(self.since))

    @classmethod
    def unpack(cls, payload: bytes) -> "Unsubscribe":
        name, hour = cls._FORM.unpack(payload)
        return cls(name.rstrip(b"\0").decode("ascii"), _moment(hour))


def _hour(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)
