"""Gate → node: what the fleet looks like now, and this node's part in it. Public facts and the operator's orders.

Asked for at a node's start and with every renewal (20 s); a node that has the newest version gets a short answer. It
names no customer: a public IPv4 address reaches a node with the admission of its holder (`Features.mine4`) alone.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tyst.messages.fleet import Name

Version = Annotated[bytes, Meta(max_length=32)]
Number = Annotated[int, Meta(ge=1, le=9999)]
"""A node's number in its fleet: multihop entries take 30000 + it (WireGuard) and 20000 + it (OpenVPN) for it."""


class NetworkOf(msgspec.Struct, frozen=True):
    """`version`: what the node has already; empty: nothing."""

    version: Version = b""


class Exit(msgspec.Struct, frozen=True):
    """Another node of the fleet, as an entry needs it, and as an exit knows its entries (by their addresses)."""

    number: Number
    name: Name
    ipv4: str
    ipv6: str
    wireguard: int = 51820
    openvpn: int = 1194


class Pools(msgspec.Struct, frozen=True):
    """The node's further public addresses, by use. `exit6`: a prefix routed to it; streaming6 may lie in it."""

    exit4: tuple[str, ...] = ()
    exit6: str = ""
    public4: tuple[str, ...] = ()
    streaming4: tuple[str, ...] = ()
    streaming6: tuple[str, ...] = ()


class Block(msgspec.Struct, frozen=True):
    """The operator's 'nobody reaches this for a while': a network, perhaps one port, and how many seconds are left."""

    net: str
    protocol: str = ""
    """`tcp`, `udp`, or empty: any."""
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    """0: every port."""
    seconds: Annotated[int, Meta(ge=0, le=3600)] = 3600


class Network(msgspec.Struct, frozen=True):
    """`changed` False: the node has this version, and nothing else of it counts. `exits` leaves the node itself out."""

    version: Version
    changed: bool = True
    exits: tuple[Exit, ...] = ()
    pools: Pools = Pools()
    blocks: tuple[Block, ...] = ()
    draining: bool = False
    lists: Version = b""
    """The version of the signed lists (`messages.lists`) that the gate has; empty: none."""
