"""What is inside each sealed value: small fixed-length structs, packed and unpacked here and sealed in `core.seal`.

Fixed lengths, so that a blob's size tells nothing. Handles are the account's random 16-byte primary key, the only name
of an account that access carries.
"""

import base64
import binascii
import struct
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tyst.core.seal import Kind, Reason, SealError, SealKeys, open_sealed, open_sealed_to, seal, seal_to

HANDLE_BYTES = 16
SLOT_BYTES = 8
NO_SLOT = bytes(SLOT_BYTES)
PRESHARED_BYTES = 32
NO_PRESHARED = bytes(PRESHARED_BYTES)
"""What WireGuard itself takes for 'no preshared key'."""
_CREDENTIAL_PREFIX = "vpn"
_CREDENTIAL_SPLIT = 32


class Token(Protocol):
    """A payload with a kind and a fixed packed form."""

    KIND: ClassVar[Kind]

    def pack(self) -> bytes: ...

    @classmethod
    def unpack(cls: type["T"], payload: bytes) -> "T": ...


T = TypeVar("T", bound=Token)


@dataclass(frozen=True)
class Session:
    """A signed-in customer, in her own cookie."""

    KIND: ClassVar[Kind] = Kind.SESSION
    handle: bytes = field(repr=False)
    serial: bytes = field(repr=False)
    """8 random bytes, so that signing out can deny this one session (in RAM, until it would have expired)."""

    def pack(self) -> bytes:
        return self.handle + self.serial

    @classmethod
    def unpack(cls, payload: bytes) -> "Session":
        return cls(payload[:16], payload[16:24])


@dataclass(frozen=True)
class Remember(Session):
    """'Sign me in automatically': as a session, longer."""

    KIND: ClassVar[Kind] = Kind.REMEMBER

    @classmethod
    def unpack(cls, payload: bytes) -> "Remember":
        return cls(payload[:16], payload[16:24])


@dataclass(frozen=True)
class Recovery:
    """The code in the customer's drawer: opens her account until a re-key."""

    KIND: ClassVar[Kind] = Kind.RECOVERY
    handle: bytes = field(repr=False)

    def pack(self) -> bytes:
        return self.handle

    @classmethod
    def unpack(cls, payload: bytes) -> "Recovery":
        return cls(payload[:16])


@dataclass(frozen=True)
class Credential:
    """A VPN credential: OpenVPN user name and password that name no account."""

    KIND: ClassVar[Kind] = Kind.CREDENTIAL
    handle: bytes = field(repr=False)

    def pack(self) -> bytes:
        return self.handle

    @classmethod
    def unpack(cls, payload: bytes) -> "Credential":
        return cls(payload[:16])


@dataclass(frozen=True)
class Challenge:
    """Registering a key: the ephemeral private key whose public half the browser answers with its own private key."""

    KIND: ClassVar[Kind] = Kind.CHALLENGE
    private: bytes = field(repr=False)
    handle: bytes = field(repr=False)

    def pack(self) -> bytes:
        return self.private + self.handle

    @classmethod
    def unpack(cls, payload: bytes) -> "Challenge":
        return cls(payload[:32], payload[32:48])


@dataclass(frozen=True)
class Enrolment:
    """Permission for one node to join once. `name`: at most 32 bytes of ASCII."""

    KIND: ClassVar[Kind] = Kind.ENROLMENT
    name: str
    serial: bytes = field(repr=False)

    def pack(self) -> bytes:
        return struct.pack(">32s16s", self.name.encode("ascii"), self.serial)

    @classmethod
    def unpack(cls, payload: bytes) -> "Enrolment":
        name, serial = struct.unpack(">32s16s", payload)
        return cls(name.rstrip(b"\0").decode("ascii"), serial)


@dataclass(frozen=True)
class Lease:
    """A tunnel's permission, in the RAM of the node that serves it; only the gate opens it.

    `slot` NO_SLOT: provisional, counts nowhere. `tag`: the key record it came from (16 zero bytes for a login).
    `ends`: last day of the subscription, in days since 1970.
    """

    KIND: ClassVar[Kind] = Kind.LEASE
    handle: bytes = field(repr=False)
    node: str
    tag: bytes = field(repr=False)
    slot: bytes = field(repr=False)
    ends: int
    _FORM: ClassVar[struct.Struct] = struct.Struct(">16s32s16s8sI")

    def pack(self) -> bytes:
        return self._FORM.pack(self.handle, self.node.encode("ascii"), self.tag, self.slot, self.ends)

    @classmethod
    def unpack(cls, payload: bytes) -> "Lease":
        handle, node, tag, slot, ends = cls._FORM.unpack(payload)
        return cls(handle, node.rstrip(b"\0").decode("ascii"), tag, slot, ends)


def seal_token(keys: SealKeys, token: Token, *, nonce: bytes, now: int) -> bytes:
    """Seals a token under its own kind."""
    return seal(keys, token.KIND, token.pack(), nonce=nonce, now=now)


def open_token(keys: SealKeys, form: type[T], blob: bytes, *, now: int) -> T:
    """Opens a token of the wanted form, or SealError."""
    payload = open_sealed(keys, form.KIND, blob, now=now)
    try:
        return form.unpack(payload)
    except (struct.error, UnicodeDecodeError):
        raise SealError(Reason.DAMAGED) from None


def to_text(blob: bytes) -> str:
    """A sealed value as text for cookies, links and user names: base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(blob).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """The bytes of `to_text`, or SealError DAMAGED. Each value has one spelling: unused bits at its end are 0."""
    try:
        blob = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise SealError(Reason.DAMAGED) from None
    if to_text(blob) != text:
        raise SealError(Reason.DAMAGED)
    return blob


def credential_pair(blob: bytes) -> tuple[str, str]:
    """(user name, password) of a VPN credential; together at most 120 characters, and neither opens anything alone."""
    text = to_text(blob)
    return _CREDENTIAL_PREFIX + text[:_CREDENTIAL_SPLIT], text[_CREDENTIAL_SPLIT:]


def credential_blob(username: str, password: str) -> bytes | None:
    """The sealed credential in a login, or None when the user name is an account's."""
    if not username.startswith(_CREDENTIAL_PREFIX) or len(username) != len(_CREDENTIAL_PREFIX) + _CREDENTIAL_SPLIT:
        return None
    return from_text(username[len(_CREDENTIAL_PREFIX) :] + password)


@dataclass(frozen=True)
class KeyRecord:
    """What the database holds for a device: doubly sealed, so that neither site, gate nor operator reads it alone.

    Inner: HPKE to the gate (the site writes records and can't read them). Outer: under a key that only the device's
    public key gives (the gate can't read them until the device presents itself). `last_month`: YYYYMM. `preshared`: the
    preshared key of the device's configuration; zeros for none, so that the length does not tell who has one.
    """

    handle: bytes = field(repr=False)
    last_month: int
    preshared: bytes = field(default=NO_PRESHARED, repr=False)
    _FORM: ClassVar[struct.Struct] = struct.Struct(">16sI32s")

    def sealed(self, *, tag: bytes, opener: bytes, gate_public: bytes, nonce: bytes, now: int) -> bytes:
        """The record's stored bytes: one fixed length for every account and device."""
        payload = self._FORM.pack(self.handle, self.last_month, self.preshared)
        inner = seal_to(gate_public, Kind.KEY_RECORD, payload, context=tag, now=now)
        return nonce + AESGCMSIV(opener).encrypt(nonce, inner, tag)

    @classmethod
    def opened(
        cls, blob: bytes, *, tag: bytes, opener: bytes, gate_privates: tuple[bytes, ...], now: int
    ) -> "KeyRecord":
        """Opens a stored record with the device's opener and the gate's private key, or SealError."""
        if len(blob) < 28:
            raise SealError(Reason.TRUNCATED)
        try:
            inner = AESGCMSIV(opener).decrypt(blob[:12], blob[12:], tag)
        except InvalidTag:
            raise SealError(Reason.DAMAGED) from None
        return cls(*cls._FORM.unpack(open_sealed_to(gate_privates, Kind.KEY_RECORD, inner, context=tag, now=now)))
