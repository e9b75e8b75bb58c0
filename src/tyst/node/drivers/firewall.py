"""Puts the ruleset of `core.firewall` into the kernel, and single tunnel addresses in and out of its sets.

The ruleset goes through libnftables in this process (libnftables(3), by ctypes), single addresses through `elements`.
It remembers which addresses are in which set, so that a reload refills them in the same transaction. When the kernel
refuses a change, the whole ruleset is loaded anew from that memory; when it refuses that too, the error goes up and the
agent stops, with everything closed. Errors never carry text: nft's own would quote addresses.
"""

import ctypes
import secrets
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from tyst.core import firewall as nft
from tyst.node.drivers.elements import Change, SetElements

_LIBRARY = "libnftables.so.1"


class FirewallError(RuntimeError):
    """nftables refused. Says at what, never with which addresses."""


class Nftables:
    """libnftables, one context. Not thread-safe; used from the event loop's thread alone."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL(_LIBRARY)
        except OSError:
            raise FirewallError("libnftables is missing: install Debian's libnftables1") from None
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_new.argtypes = [ctypes.c_uint32]
        library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error", "nft_ctx_free"):
            getattr(library, name).argtypes = [ctypes.c_void_p]
        self._library = library
        self._context = library.nft_ctx_new(0)
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)

    def run(self, text: str) -> bool:
        """Applies nft text as one transaction; False when the kernel or the parser refused all of it."""
        return bool(self._library.nft_run_cmd_from_buffer(self._context, text.encode()) == 0)

    def close(self) -> None:
        if self._context:
            self._library.nft_ctx_free(self._context)
        self._context = None


class NftFirewall:
    """The node's firewall. `load` before anything is forwarded; `remove` is the last thing of all."""

    def __init__(self, nftables: Nftables, elements: SetElements) -> None:
        self._nft, self._elements = nftables, elements
        self._held: dict[str, set[bytes]] = {name: set() for name in nft.SETS}
        self._ruleset: nft.Ruleset | None = None

    def load(self, ruleset: nft.Ruleset) -> None:
        """Swaps the whole ruleset, open tunnels included, in one transaction. FirewallError when it is refused."""
        self._ruleset = ruleset
        elements = nft.Elements(*([str(ip_address(key)) for key in self._held[name]] for name in nft.SETS))
        if not self._nft.run(ruleset.text(elements, seed=secrets.randbits(32))):
            raise FirewallError("nftables refused the ruleset: is nftables 1.0.6 or newer installed, and are we root?")

    def remove(self) -> None:
        """Takes the table away."""
        self._nft.run(nft.remove_text())

    def reseed(self) -> None:
        """Empties the flood buckets and mixes them under a new seed."""
        if self._ruleset is not None and not self._nft.run(nft.reseed_text(secrets.randbits(32))):
            self.load(self._ruleset)

    def admit(self, addresses: Iterable[IPv4Address | IPv6Address], *, ipv6: bool) -> None:
        """Opens the way out for a tunnel's addresses; those in the garden leave it in the same transaction."""
        changes: list[Change] = []
        for address in addresses:
            key = address.packed
            if address.version == 4:
                changes += self._change(nft.OPEN4, key, True)
                continue
            changes += self._change(nft.GARDEN6, key, False)
            changes += self._change(nft.OPEN6, key, True)
            changes += self._change(nft.EGRESS6, key, ipv6)
        self._apply(changes)

    def confine(self, address: IPv6Address) -> None:
        """Into the walled garden, out of whatever it was in."""
        key = address.packed
        wanted = ((nft.OPEN6, False), (nft.EGRESS6, False), (nft.GARDEN6, True))
        self._apply([change for name, coming in wanted for change in self._change(name, key, coming)])

    def release(self, addresses: Iterable[IPv4Address | IPv6Address]) -> None:
        """Out of every list, in one transaction for all."""
        keys = {address.packed for address in addresses}
        changes = []
        for name, held in self._held.items():
            if leaving := keys & held:
                held -= leaving
                changes.append(Change(name, False, tuple(leaving)))
        self._apply(changes)

    def _change(self, name: str, key: bytes, coming: bool) -> list[Change]:
        """What has to happen for an address to be in a set, or not; nothing when that is so already."""
        held = self._held[name]
        if (key in held) == coming:
            return []
        (held.add if coming else held.discard)(key)
        return [Change(name, coming, (key,))]

    def _apply(self, changes: Sequence[Change]) -> None:
        if not changes or self._elements.apply(changes):
            return
        if self._ruleset is None:
            raise FirewallError("the firewall takes no addresses before its ruleset is loaded")
        self.load(self._ruleset)
