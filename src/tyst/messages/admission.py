"""Node ↔ gate: may this device have a tunnel here, and for how much longer. No address crosses; no account either."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

Tag = Annotated[bytes, Meta(min_length=16, max_length=16)]
Opener = Annotated[bytes, Meta(min_length=32, max_length=32)]
Blob = Annotated[bytes, Meta(max_length=1024)]


class Via(StrEnum):
    """By which protocol the device knocks."""

    WIREGUARD = "wireguard"
    OPENVPN = "openvpn"


class Verdict(StrEnum):
    """The gate's answer. GARDEN: walled garden with a reason. UNKNOWN: no such record, the peer gets nothing at all."""

    OPEN = "open"
    GARDEN = "garden"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BUSY = "busy"


class Why(StrEnum):
    """The reason that a person is shown (notice page, OpenVPN message), in her language by the page."""

    NONE = ""
    EXPIRED = "account-expired"
    SLOTS = "device-limit"
    MULTIHOP = "multihop-needed"
    DRAINING = "server-in-maintenance"
    LOGIN = "wrong-login"
    GONE = "account-changed"
    UNREACHABLE = "gate-unreachable"
    NODE = "node-revoked"
    BUSY = "try-again"


class AdmitKey(msgspec.Struct, frozen=True):
    """A never-seen key proved itself in a handshake."""

    tag: Tag
    opener: Opener
    via: Via = Via.WIREGUARD
    entered: bool = False
    """It came through another node of the fleet (multihop): its account needs the add-on."""


class AdmitLogin(msgspec.Struct, frozen=True):
    """A user name and password, sealed to the gate (kind LOGIN, context = node name); the node keeps neither."""

    sealed: Blob
    entered: bool = False


class Login(msgspec.Struct, frozen=True):
    """Inside AdmitLogin.sealed."""

    username: Annotated[str, Meta(max_length=128)]
    password: Annotated[str, Meta(max_length=256)]


class Features(msgspec.Struct, frozen=True):
    """What the account's settings mean for this tunnel. Says nothing of who it is."""

    ipv6: bool = False
    streaming: bool = False
    compression: bool = False
    multihop: bool = False
    mine4: Annotated[str, Meta(max_length=15)] = ""
    """The account's own public IPv4 address, where the asking node has it."""
    preshared: Annotated[bytes, Meta(max_length=32)] = b""
    """The WireGuard preshared key of this device's configuration (32 bytes), if it has one."""

    def __repr__(self) -> str:
        return "<features>"


class Admission(msgspec.Struct, frozen=True):
    """The answer to AdmitKey, AdmitLogin and Confirm. `lease` is empty unless OPEN (or GARDEN, to ask again)."""

    verdict: Verdict
    why: Why = Why.NONE
    lease: Blob = b""
    features: Features = Features()


class Confirm(msgspec.Struct, frozen=True):
    """The first authenticated packet came: the provisional lease may take a slot."""

    lease: Blob


class Held(msgspec.Struct, frozen=True):
    """One lease in a node's RAM. `quiet`: no data and no handshake for 130 s."""

    lease: Blob
    quiet: bool = False
    entered: bool = False
    """It comes through another node of the fleet now, however it came at first."""
    mine4: Annotated[str, Meta(max_length=15)] = ""
    """`Features.mine4` as this node was last told."""

    def __repr__(self) -> str:
        return "<held>"


class Renew(msgspec.Struct, frozen=True):
    """Every 20 s: all leases of a node at once, and those whose tunnels ended."""

    held: list[Held]
    returned: list[Blob] = []
    load: Annotated[int, Meta(ge=0, le=10)] | None = None
    """How busy the node is, in ten steps; None: it doesn't say."""
    traffic: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    """What the node sent since its last round, in steps of 10 Mbit/s; None below ten tunnels, or where it can't say."""


class Ended(msgspec.Struct, frozen=True):
    """`index` in Renew.held: this tunnel must end, or move to the garden when `why` is EXPIRED, SLOTS or MULTIHOP."""

    index: int
    why: Why


class Renewed(msgspec.Struct, frozen=True):
    """Everything not named goes on. `fresh`: (index, lease) pairs that replace older bytes. `mine4`: (index, address)
    pairs of tunnels whose account has another public IPv4 address at this node than the node was told, or none."""

    ended: list[Ended] = []
    fresh: list[tuple[int, bytes]] = []
    mine4: list[tuple[int, str]] = []

    def __repr__(self) -> str:
        return "<renewed>"
