"""The key file of one room, as a value and as text: sealing keys by kind and version, and HPKE private keys.

A room's file holds what that room may open or make, and nothing else (`KINDS_OF`). Reading and writing the file is the
door's work; drawing the random bytes too. The gate's HPKE public key travels to the site and the nodes, its private
half stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.owner import KEY_BYTES, OWNER
from tyst.core.seal import Kind, SealKey

KINDS_OF: dict[str, frozenset[Kind]] = {
    "site": frozenset({Kind.SESSION, Kind.REMEMBER, Kind.RECOVERY, Kind.CREDENTIAL, Kind.CHALLENGE})
    | {Kind.REFUND, Kind.RESET, Kind.CONFIRM, Kind.UNSUBSCRIBE},
    "gate": frozenset({Kind.LEASE, Kind.SESSION, Kind.CREDENTIAL, Kind.ENROLMENT, Kind.NODE_KEYS, Kind.NOTICE}),
}
"""Which kinds each room's file holds. The gate opens a session only to answer `devices` for its own customer.

Orders have keys of their own, made daily (`payments.orders`)."""

SHARED = (Kind.SESSION, Kind.CREDENTIAL)
"""Kinds whose key both rooms hold."""


class KeyringError(ValueError):
    """A key file that can't be read. Says what is wrong with the file, never what is in it."""


@dataclass(frozen=True)
class Keyring:
    """All keys of one room. `hpke`: private keys others seal to, newest first; `known`: public keys of other rooms."""

    room: str
    seal: dict[Kind, tuple[SealKey, ...]] = field(repr=False)
    hpke: tuple[bytes, ...] = field(default=(), repr=False)
    known: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def hpke_public(self) -> bytes:
        """The public half of the newest HPKE key: what others seal to."""
        return X25519PrivateKey.from_private_bytes(self.hpke[0]).public_key().public_bytes_raw()


class _Key(msgspec.Struct):
    secret: bytes
    until: int | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    room: str
    seal: dict[str, list[_Key]]
    hpke: list[bytes] = []
    known: dict[str, bytes] = {}
    secrets: dict[str, bytes] = {}


def new_pair(draw: Callable[[int], bytes]) -> tuple[Keyring, Keyring]:
    """Fresh keyrings for a site and a gate that know each other. `draw(n)` gives n random bytes."""
    shared: dict[Kind, tuple[SealKey, ...]] = {kind: (SealKey(draw(32)),) for kind in SHARED}
    gate_private, both = draw(32), {OWNER: draw(KEY_BYTES)}
    gate = Keyring("gate", _fresh("gate", shared, draw), (gate_private,), {}, {"batch": draw(32), **both})
    known = {"gate": gate.hpke_public}
    site = Keyring("site", _fresh("site", shared, draw), (), known, {"limits": draw(32), **both})
    return site, gate


def _fresh(
    room: str, shared: dict[Kind, tuple[SealKey, ...]], draw: Callable[[int], bytes]
) -> dict[Kind, tuple[SealKey, ...]]:
    return {kind: shared.get(kind) or (SealKey(draw(32)),) for kind in sorted(KINDS_OF[room], key=lambda k: k.code)}


def rotated(ring: Keyring, kind: Kind, secret: bytes, *, old_until: int | None) -> Keyring:
    """The keyring with a new newest key for `kind`; the older ones open until `old_until` (None: as before)."""
    older = tuple(replace(k, until=old_until if k.until is None else k.until) for k in ring.seal[kind])
    return replace(ring, seal={**ring.seal, kind: (SealKey(secret), *older)})


def to_text(ring: Keyring) -> str:
    """The key file's text (JSON). Keep it at mode 0600 and out of every backup that others can read."""
    file = _File(
        ring.room,
        {kind.name.lower(): [_Key(k.secret, k.until) for k in keys] for kind, keys in ring.seal.items()},
        list(ring.hpke),
        ring.known,
        ring.secrets,
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=2).decode()


def from_text(text: str | bytes, *, room: str) -> Keyring:
    """Reads a key file. KeyringError when it is another room's, or not a key file."""
    try:
        file = msgspec.json.decode(text, type=_File)
        seal = {Kind[name.upper()]: tuple(SealKey(k.secret, k.until) for k in keys) for name, keys in file.seal.items()}
    except (msgspec.MsgspecError, KeyError, ValueError):
        raise KeyringError("this is not a key file of Tyst, or it is damaged: restore it from your own copy") from None
    if file.room != room:
        raise KeyringError(f"this key file belongs to another room: the {room} needs its own")
    return Keyring(room, seal, tuple(file.hpke), file.known, file.secrets)


def public_of(privates: Sequence[bytes]) -> bytes:
    """The public key of the newest private key in a list."""
    return X25519PrivateKey.from_private_bytes(privates[0]).public_key().public_bytes_raw()
