"""Puts the ruleset of `core.firewall` into the kernel, and single elements in and out of its sets and maps.

The ruleset goes through libnftables in this process (libnftables(3), by ctypes), single elements through `elements`.
It remembers what is in which collection, so that a reload refills them in the same transaction. When the kernel
refuses a change, the whole ruleset is loaded anew from that memory; when it refuses that too, the error goes up and the
agent stops, with everything closed. Errors never carry text: nft's own would quote addresses.
"""

import ctypes
import secrets
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from tyst.core import firewall as nft
from tyst.core.firewall.collections import Collection, Element
from tyst.node.doors import Passage, TunnelAddress
from tyst.node.drivers.elements import Change, SetElements
from tyst.node.drivers.holdings import Holdings, wanted4, wanted6, wanted_in_garden

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
        self.holdings = Holdings()
        self._ruleset: nft.Ruleset | None = None

    def load(self, ruleset: nft.Ruleset) -> None:
        """Swaps the whole ruleset, open tunnels included, in one transaction. FirewallError when it is refused."""
        self._ruleset = ruleset
        if not self._nft.run(ruleset.text(self.holdings.elements(), seed=secrets.randbits(32))):
            raise FirewallError("nftables refused the ruleset: is nftables 1.0.6 or newer installed, and are we root?")

    def inherit(self, addresses: Iterable[TunnelAddress]) -> None:
        """Learns from the kernel what the agent before had put in for these inner addresses (and for nobody's)."""
        open_to = {address.packed for address in addresses}
        for collection in nft.COLLECTIONS:
            self.holdings.inherit(collection, self._elements.dump(collection), open_to)

    def has(self, addresses: Iterable[TunnelAddress]) -> bool:
        """Whether all these are open."""
        held = self.holdings
        return all(
            held.value(nft.OPEN4 if isinstance(one, IPv4Address) else nft.OPEN6, one.packed) is not None
            for one in addresses
        )

    def remove(self) -> None:
        """Takes the table away."""
        self._nft.run(nft.remove_text())

    def reseed(self) -> None:
        """Empties the flood buckets and mixes them under a new seed."""
        if self._ruleset is not None and not self._nft.run(nft.reseed_text(secrets.randbits(32))):
            self.load(self._ruleset)

    def admit(self, addresses: Iterable[TunnelAddress], passage: Passage) -> None:
        """Opens the way out for a tunnel's addresses; those in the garden leave it in the same transaction."""
        addresses = tuple(addresses)
        four = next((one for one in addresses if isinstance(one, IPv4Address)), None)
        changes: list[Change] = []
        for address in addresses:
            wanted = wanted4(address, passage) if isinstance(address, IPv4Address) else wanted6(address, passage)
            changes += self.holdings.become(address, wanted)
        if four is not None:
            changes += self.holdings.give_public(four, passage.mine4 if passage.led else None)
        self._apply(changes)

    def confine(self, address: IPv6Address) -> None:
        """Into the walled garden, out of whatever it was in."""
        self._apply(self.holdings.become(address, wanted_in_garden(address)))

    def release(self, addresses: Iterable[TunnelAddress]) -> None:
        """Out of every collection, with whatever else was put there for them, in one transaction for all."""
        self._apply(self.holdings.leave(addresses))

    def put(self, collection: Collection, element: Element, *, owner: TunnelAddress | None = None) -> None:
        """One element in (or, when it is there, renewed). It goes with its `owner`, the inner address of a tunnel."""
        leaving, coming = self.holdings.put(collection, element, owner)
        if leaving:  # by itself: the kernel may have ended it a moment ago, and then refuses this and nothing else
            self._elements.apply(leaving)
        self._apply(coming)

    def take(self, collection: Collection, key: bytes) -> None:
        """One element out. One that is not there, or has ended by itself, is ignored."""
        self._elements.apply(self.holdings.take(collection, key))

    def _apply(self, changes: Sequence[Change]) -> None:
        if not changes or self._elements.apply(changes):
            return
        if self._ruleset is None:
            raise FirewallError("the firewall takes no addresses before its ruleset is loaded")
        self.load(self._ruleset)
