"""The interfaces between the parts of a node: WireGuard, OpenVPN, firewall, gate and notice page.

Only shapes, no behaviour: each part is built against these and chosen in `wiring.py`, so that none imports another.
Whoever keeps leases (tunnels by WireGuard, logins by OpenVPN) is a `LeaseHolder`; the renewals know no more of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Protocol

from tyst.messages.admission import Admission, AdmitKey, Features, Held, Why
from tyst.messages.fleet import Announced, NodeSecrets

TunnelAddress = IPv4Address | IPv6Address


class GateState(Enum):
    """Whether the gate answers. LOST: nobody new is admitted, those with a live lease go on (at most 24 h)."""

    CONNECTED = "connected"
    LOST = "lost"


class LeaseHolder(Protocol):
    """A part that serves tunnels on leases. All three are called from the node's one event loop."""

    def held(self) -> list[Held]:
        """The leases of all tunnels that are up now (not provisional ones), each with its quiet bit."""

    async def end(self, lease: bytes, why: Why) -> None:
        """The gate ended this lease: close the tunnel (or confine it to the garden). Unknown leases are ignored."""

    def replace(self, old: bytes, new: bytes) -> None:
        """The gate gave fresh bytes for a lease. Unknown leases are ignored."""

    def own(self, lease: bytes, mine4: str) -> None:
        """The account behind this lease has this public IPv4 address here from now on, or none."""


@dataclass(frozen=True, slots=True)
class Passage:
    """How a tunnel leaves the node. None: by the node's own address.

    `ipv6`: the account wants IPv6 egress (in-tunnel services work over IPv6 regardless). `exit4`, `exit6`: drawn from
    the node's pool. `mine4`: the account's own public address, in both directions; inwards only when `led`, that is
    once the tunnel has proved itself. `stream4`, `stream6`: for listed destinations. Made by `node.egress`.
    """

    ipv6: bool = False
    exit4: IPv4Address | None = field(default=None, repr=False)
    exit6: IPv6Address | None = field(default=None, repr=False)
    mine4: IPv4Address | None = field(default=None, repr=False)
    led: bool = True
    stream4: IPv4Address | None = field(default=None, repr=False)
    stream6: IPv6Address | None = field(default=None, repr=False)


PassageOf = Callable[[bytes, Features], Passage]
"""How a tunnel leaves: from what tells its device from others (its public key, or the hash of its login), and what its
account may."""


class Firewall(Protocol):
    """Single tunnel addresses in and out of the loaded ruleset. Synchronous: about 0.1 ms a call."""

    def admit(self, addresses: Iterable[TunnelAddress], passage: Passage) -> None:
        """Opens the way out."""

    def confine(self, address: IPv6Address) -> None:
        """Puts an address into the walled garden: notice page, the garden's resolver, the site."""

    def release(self, addresses: Iterable[TunnelAddress]) -> None:
        """Takes addresses out of whichever list they are in. Addresses in no list are ignored."""


class KeyGate(Protocol):
    """The gate, as WireGuard tunnels need it. Nothing here raises for an absent gate."""

    @property
    def state(self) -> GateState: ...

    @property
    def lost_for(self) -> float:
        """Seconds since the gate was lost; 0 while it is connected."""

    async def admit_key(self, question: AdmitKey) -> Admission: ...

    async def confirm(self, lease: bytes) -> Admission: ...

    def give_back(self, lease: bytes) -> None: ...


class LoginGate(Protocol):
    """The gate, as the OpenVPN doors need it."""

    @property
    def state(self) -> GateState:
        """CONNECTED or LOST at this moment."""

    async def admit_login(self, sealed: bytes, entered: bool) -> Admission:
        """A sealed login for a lease; `entered`: it came through another node of the fleet.

        Never raises for an absent gate: then REFUSED with Why.UNREACHABLE.
        """

    def give_back(self, lease: bytes) -> None:
        """The tunnel of this lease ended: the gate hears of it within a second and frees the slot."""


class InnerFlows(Protocol):
    """The kernel's memory of inner connections (tunnel address to destination)."""

    def linger(self, addresses: Iterable[TunnelAddress]) -> None:
        """A tunnel closed: purge its flows after the linger (15 minutes, 0 in the strict profile)."""

    def welcome(self, addresses: Iterable[TunnelAddress]) -> None:
        """A tunnel opens on these addresses (all of them at once): flows left by another owner are purged now."""

    def purge(self, addresses: Iterable[TunnelAddress]) -> None:
        """Purge now: the tunnel's standing changed."""


class Door(Protocol):
    """A part with daemons of its own. `start` returns when it serves; `stop` leaves nothing behind."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class VpnDoor(Door, LeaseHolder, Protocol):
    """A door that serves tunnels: what the agent expects of `node.openvpn.wiring.build(context)`."""


class NoticePage(Protocol):
    """The page inside the tunnel that says why and what to do: `node.notice.page.NoticePage(site, reason_of)`."""

    async def start(self, addresses: Sequence[TunnelAddress]) -> None:
        """Serves HTTP on port 80 of these addresses, which exist already."""

    async def stop(self) -> None: ...


ReasonOf = Callable[[IPv6Address], Why]
"""Why a tunnel with this inner address is in the garden; Why.NONE when it isn't."""


@dataclass(frozen=True, slots=True)
class DoorContext:
    """Everything an OpenVPN door needs of the node around it."""

    name: str
    """The node's name: the context to which logins are sealed."""
    interface: str
    """The public network interface, such as eth0."""
    state: Path
    """A folder in RAM (tmpfs), mode 0700, for sockets; nothing is ever written elsewhere."""
    announced: Announced = field(repr=False)
    secrets: NodeSecrets = field(repr=False)
    gate: LoginGate
    firewall: Firewall
    flows: InnerFlows
    passage: PassageOf
    entry_of: Callable[[bytes], int | None] = lambda _: None
    """The number of the fleet's node that has a source address (packed), if one has."""
    udp_port: int = 1194
    tcp_port: int = 443
    processes: int = 1
