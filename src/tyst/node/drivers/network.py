"""The node's own network settings: sysctls, the service addresses, the routes into the tunnels. Reversible.

The service addresses lie on `lo`, so that they exist whatever becomes of a tunnel interface. Routes that lead nowhere
stand behind those into the tunnels: when a tunnel interface is gone, its addresses are unreachable and never follow
the default route out. Forwarding is a switch of its own: opened last, closed first, and never put back: an agent that
was killed left it open, and the next one, should it fail, must not leave it so without a firewall.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from tyst.core.faces import FACES
from tyst.core.firewall import SYSCTLS, SYSCTLS_CLOSED, SYSCTLS_OPEN
from tyst.core.wireguard.addresses import (
    ALL_TUNNELS4,
    ALL_TUNNELS6,
    NOTICE4,
    NOTICE6,
    RESOLVER4,
    RESOLVER6,
    WIREGUARD6,
)
from tyst.node.drivers.process import run
from tyst.node.drivers.wireguard import MTU

_SYS = Path("/proc/sys")
SERVICES = (RESOLVER4, NOTICE4, RESOLVER6, NOTICE6)
_ON_LO = (*SERVICES, *(address for face in FACES[1:] for address in (face.four, face.six)))
"""The services' addresses, and those of the resolver's further faces."""
_LAST = 4_000_000_000
"""A route metric that loses against any other."""


class Network:
    """The settings of this network namespace, and what they were before."""

    def __init__(self) -> None:
        self._before: dict[str, str] = {}
        self._pool: dict[str, str] = {}

    def remember(self) -> None:
        """Notes the settings of now as those of before."""
        for path in SYSCTLS:
            with contextlib.suppress(OSError):
                self._before.setdefault(path, (_SYS / path).read_text().strip())

    def close_forwarding(self) -> None:
        """Nothing passes from one interface to another."""
        close_forwarding()

    def open_forwarding(self) -> None:
        """Packets pass, as far as the firewall lets them."""
        _write(SYSCTLS_OPEN)

    async def prepare(self) -> None:
        """Settings, service addresses and the routes that lead nowhere."""
        self._set(SYSCTLS)
        lines = [f"address replace {address}/{address.max_prefixlen} dev lo" for address in _ON_LO]
        lines += [f"route replace unreachable {net} metric {_LAST}" for net in (ALL_TUNNELS4, ALL_TUNNELS6)]
        await _ip(lines)

    async def attach(self, interface: str) -> None:
        """A tunnel interface that exists: size, state, and the WireGuard routes."""
        await _ip(
            [
                f"link set {interface} mtu {MTU} txqueuelen 1000 up",
                f"route replace {ALL_TUNNELS4} dev {interface} src {RESOLVER4} metric 100",
                f"route replace {WIREGUARD6} dev {interface} src {RESOLVER6} metric 100",
            ]
        )

    async def own(self, interface: str, addresses: Iterable[IPv4Address]) -> None:
        """These further addresses on the public interface, and none of those that were here before and aren't now."""
        wanted = {str(address) for address in addresses}
        if wanted == set(self._pool):
            return
        nets = await _networks_of(interface)
        for address in wanted - set(self._pool):
            # On a shared link the address has the link's own prefix, or nobody's question for it is answered
            # (arp_ignore 2, ip-sysctl); one that is routed here stands alone.
            size = next((net.prefixlen for net in nets if IPv4Address(address) in net), 32)
            self._pool[address] = f"address {{}} {address}/{size} dev {interface}"
            await _ip([self._pool[address].format("replace")])
        for address in set(self._pool) - wanted:
            await _ip([self._pool.pop(address).format("delete")], ok_to_fail=True)

    async def undo(self) -> None:
        """Takes addresses and routes away and puts every setting back but forwarding, which stays closed."""
        lines = [f"address delete {address}/{address.max_prefixlen} dev lo" for address in _ON_LO]
        lines += [f"route delete unreachable {net} metric {_LAST}" for net in (ALL_TUNNELS4, ALL_TUNNELS6)]
        lines += [line.format("delete") for line in self._pool.values()]
        for line in lines:
            await _ip([line], ok_to_fail=True)
        self._pool.clear()
        for path, value in self._before.items():
            with contextlib.suppress(OSError):
                (_SYS / path).write_text(value)

    def _set(self, values: Mapping[str, str]) -> None:
        for path in values:
            self._before.setdefault(path, (_SYS / path).read_text().strip())
        _write(values)


def close_forwarding() -> None:
    """As in `Network`, for whoever has none."""
    _write(SYSCTLS_CLOSED)


def _write(values: Mapping[str, str]) -> None:
    for path, value in values.items():
        file = _SYS / path
        if file.read_text().strip() != value:
            file.write_text(value)


async def _networks_of(interface: str) -> list[IPv4Network]:
    """The IPv4 networks that are on a link."""
    shown = json.loads(await run(["ip", "-json", "-4", "address", "show", "dev", interface]) or "[]")
    found = [(one["local"], one["prefixlen"]) for link in shown for one in link.get("addr_info", ())]
    return [IPv4Network(f"{address}/{size}", strict=False) for address, size in found if size < 32]


async def _ip(lines: list[str], *, ok_to_fail: bool = False) -> None:
    await run(["ip", "-batch", "-"], given="\n".join(lines) + "\n", ok_to_fail=ok_to_fail)
