"""The node's own network settings: sysctls, the service addresses, the routes into the tunnels. Reversible.

The service addresses lie on `lo`, so that they exist whatever becomes of a tunnel interface. Routes that lead nowhere
stand behind those into the tunnels: when a tunnel interface is gone, its addresses are unreachable and never follow
the default route out. Forwarding is a switch of its own: opened last, closed first, and never put back: an agent that
was killed left it open, and the next one, should it fail, must not leave it so without a firewall.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path

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
_LAST = 4_000_000_000
"""A route metric that loses against any other."""


class Network:
    """The settings of this network namespace, and what they were before."""

    def __init__(self) -> None:
        self._before: dict[str, str] = {}

    def close_forwarding(self) -> None:
        """Nothing passes from one interface to another."""
        _write(SYSCTLS_CLOSED)

    def open_forwarding(self) -> None:
        """Packets pass, as far as the firewall lets them."""
        _write(SYSCTLS_OPEN)

    async def prepare(self) -> None:
        """Settings, service addresses and the routes that lead nowhere."""
        self._set(SYSCTLS)
        lines = [f"address replace {address}/{address.max_prefixlen} dev lo" for address in SERVICES]
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

    async def undo(self) -> None:
        """Takes addresses and routes away and puts every setting back but forwarding, which stays closed."""
        lines = [f"address delete {address}/{address.max_prefixlen} dev lo" for address in SERVICES]
        lines += [f"route delete unreachable {net} metric {_LAST}" for net in (ALL_TUNNELS4, ALL_TUNNELS6)]
        for line in lines:
            await _ip([line], ok_to_fail=True)
        for path, value in self._before.items():
            with contextlib.suppress(OSError):
                (_SYS / path).write_text(value)

    def _set(self, values: Mapping[str, str]) -> None:
        for path in values:
            self._before.setdefault(path, (_SYS / path).read_text().strip())
        _write(values)


def _write(values: Mapping[str, str]) -> None:
    for path, value in values.items():
        file = _SYS / path
        if file.read_text().strip() != value:
            file.write_text(value)


async def _ip(lines: list[str], *, ok_to_fail: bool = False) -> None:
    await run(["ip", "-batch", "-"], given="\n".join(lines) + "\n", ok_to_fail=ok_to_fail)
