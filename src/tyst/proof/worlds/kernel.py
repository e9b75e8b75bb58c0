"""Where the real node ends and the kernel would begin: WireGuard's peers, nftables and flows, as values in RAM.

A kernel keeps no file of these, and a proof in a sandbox has no kernel to configure; what a real one holds is looked
at in the lab (`tyst proof residue`, tests/findings/test_56_kernel_residue.py).
"""

from collections.abc import Container, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from tyst.node.drivers.firewall import NftFirewall

Address = IPv4Address | IPv6Address


class Peers:
    """WireGuard: peers, and when each shook hands last."""

    def __init__(self) -> None:
        self.stamps: dict[bytes, int] = {}
        self.entered: frozenset[bytes] = frozenset()

    async def start(self, private: bytes, port: int) -> None:
        """There is nothing to start."""

    async def adopt(self) -> dict[bytes, frozenset[Address]] | None:
        """There is nobody before us."""
        return None

    async def add_peer(self, public: bytes, addresses: Sequence[Address], preshared: bytes = b"") -> None:
        """A peer that has not spoken yet, if it is new."""
        self.stamps.setdefault(public, 0)

    async def set_preshared(self, public: bytes, preshared: bytes) -> None:
        """Kept nowhere."""

    async def remove_peers(self, publics: Iterable[bytes]) -> None:
        """Forgets them."""
        for public in publics:
            self.stamps.pop(public, None)

    async def handshakes(self) -> dict[bytes, int]:
        """As the kernel says it."""
        return dict(self.stamps)

    async def gone(self) -> None:
        """Never."""

    async def stop(self) -> None:
        """Forgets all."""
        self.stamps.clear()


class Flows:
    """Connection tracking: none."""

    def linger(self, addresses: Iterable[Address]) -> None:
        """There are no flows."""

    def welcome(self, addresses: Iterable[Address]) -> None:
        """There are no flows."""

    def purge(self, addresses: Iterable[Address]) -> None:
        """There are no flows."""

    def purge_to(self, ports: Container[bytes]) -> int:
        """There are no flows."""
        return 0


class _Willing:
    """nftables and netlink that take everything."""

    def run(self, text: str) -> bool:
        return True

    def apply(self, changes: Iterable[Any]) -> bool:
        return True


def firewall() -> NftFirewall:
    """The node's own, with everything that it remembers, before a kernel that takes everything."""
    willing: Any = _Willing()
    return NftFirewall(willing, willing)
