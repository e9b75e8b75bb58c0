"""`tyst node`, cut off by a power failure of its own: `python -m tests.findings.cut_node STEP NODE'S OPTIONS …`.

It counts the steps of a node's start, prints each one's name when it is done, and kills itself after number STEP (0: never).
"""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tyst.node import wiring
from tyst.node.drivers.firewall import NftFirewall
from tyst.node.drivers.network import Network
from tyst.node.drivers.wireguard import UserspaceWireGuard
from tyst.node.listener import Listener
from tyst.node.notice.page import NoticePage
from tyst.node.openvpn.service import OpenVpn
from tyst.node.resolver import UnboundResolver

STEPS: tuple[tuple[Any, str], ...] = (
    (Network, "close_forwarding"),
    (NftFirewall, "load"),
    (Network, "prepare"),
    (wiring, "join"),
    (wiring, "build"),
    (UserspaceWireGuard, "start"),
    (Network, "attach"),
    (UnboundResolver, "start"),
    (NoticePage, "start"),
    (OpenVpn, "start"),
    (Listener, "start"),
    (Network, "open_forwarding"),
)


class Cut:
    """Where the start is to end."""

    def __init__(self, after: int) -> None:
        self._after, self._done = after, 0
        self._out = os.dup(1)  # a node's own leads nowhere once it runs

    def step(self, name: str) -> None:
        """One more is done."""
        self._done += 1
        os.write(self._out, f"{self._done} {name}\n".encode())
        if self._done == self._after:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(self, owner: Any, name: str) -> None:
        """Has a function counted when it returns."""
        inner, label = getattr(owner, name), f"{getattr(owner, '__name__', '').rpartition('.')[2]}.{name}"
        setattr(owner, name, self._counted_later(inner, label) if _is_async(inner) else self._counted(inner, label))

    def _counted(self, inner: Callable[..., Any], label: str) -> Callable[..., Any]:
        @functools.wraps(inner)
        def outer(*args: Any, **words: Any) -> Any:
            result = inner(*args, **words)
            self.step(label)
            return result

        return outer

    def _counted_later(self, inner: Callable[..., Any], label: str) -> Callable[..., Any]:
        @functools.wraps(inner)
        async def outer(*args: Any, **words: Any) -> Any:
            result = await inner(*args, **words)
            self.step(label)
            return result

        return outer


def _is_async(function: Callable[..., Any]) -> bool:
    return asyncio.iscoroutinefunction(function)


def main() -> int:
    """Runs the node."""
    from tyst.cli import main as tyst

    cut = Cut(int(sys.argv[1]))
    for owner, name in STEPS:
        cut.wrap(owner, name)
    return tyst(["node", *sys.argv[2:]])


if __name__ == "__main__":
    raise SystemExit(main())
