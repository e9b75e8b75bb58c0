"""What is in the firewall's collections now, for whom, and which changes lead from there to what is wanted.

The agent's memory of the kernel's sets and maps: a reload refills them from here. It talks to nobody (`firewall.py`
does). Elements that end by themselves are forgotten here at the same moment, give or take a second.
"""

import time
from collections.abc import Callable, Container, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from tyst.core.firewall import COLLECTIONS, Collection, Element
from tyst.core.firewall import collections as held
from tyst.node.doors import Passage, TunnelAddress
from tyst.node.drivers.elements import Change

Wanted = Mapping[Collection, bytes]
"""Collections that an address is to be in, with its value there (empty in sets)."""

_OF4 = (held.OPEN4, held.EXIT4, held.MINE4, held.STREAM4)
_OF6 = (held.OPEN6, held.EGRESS6, held.GARDEN6, held.EXIT6, held.STREAM6)
"""Collections whose key is a tunnel's own inner address."""


def wanted4(address: IPv4Address, passage: Passage) -> Wanted:
    """Where an open tunnel's IPv4 address belongs."""
    wanted = {held.OPEN4: b""}
    for collection, leaves in (
        (held.EXIT4, passage.exit4),
        (held.MINE4, passage.mine4),
        (held.STREAM4, passage.stream4),
    ):
        if leaves is not None:
            wanted[collection] = leaves.packed
    return wanted


def wanted6(address: IPv6Address, passage: Passage) -> Wanted:
    """Where an open tunnel's IPv6 address belongs."""
    wanted = {held.OPEN6: b""}
    if passage.ipv6:
        wanted[held.EGRESS6] = b""
        for collection, leaves in ((held.EXIT6, passage.exit6), (held.STREAM6, passage.stream6)):
            if leaves is not None:
                wanted[collection] = leaves.packed
    return wanted


def wanted_in_garden(address: IPv6Address) -> Wanted:
    """Where a confined tunnel's address belongs."""
    return {held.GARDEN6: b""}


class Holdings:
    """All elements by collection and key, and those that belong to a tunnel besides its own addresses."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, dict[bytes, tuple[bytes, float]]] = {one.name: {} for one in COLLECTIONS}
        self._owned: dict[bytes, set[tuple[Collection, bytes]]] = {}
        self._owner: dict[tuple[Collection, bytes], bytes] = {}
        self._ending: dict[int, set[tuple[Collection, bytes]]] = {}
        self._ended = int(clock())

    def elements(self) -> dict[str, list[Element]]:
        """Everything that has not ended, for a reload."""
        self._forget_ended()
        now = self._clock()
        return {
            name: [Element(key, value, max(1.0, until - now) if until else 0.0) for key, (value, until) in some.items()]
            for name, some in self._held.items()
        }

    def inherit(self, collection: Collection, elements: Iterable[Element], open_to: Container[bytes]) -> None:
        """What the kernel has from the agent before, as far as it belongs to these inner addresses or to nobody."""
        of_itself = collection in (*_OF4, *_OF6)
        size = collection.value[0].value[1] if collection.value else 0
        for one in elements:
            owner = one.key if of_itself else one.value[:size]
            if owner and owner not in open_to:
                continue
            address = ip_address(owner) if owner and not of_itself else None
            self.put(collection, one, address)

    def become(self, address: TunnelAddress, wanted: Wanted) -> list[Change]:
        """The address in exactly these collections, of those keyed by a tunnel's own address."""
        changes: list[Change] = []
        for collection in _OF4 if isinstance(address, IPv4Address) else _OF6:
            changes += self._let(collection, address.packed, wanted.get(collection))
        return changes

    def _let(self, collection: Collection, key: bytes, value: bytes | None) -> list[Change]:
        """One element with this value, or (None) none; nothing has to change when that is so already."""
        some = self._held[collection.name]
        before = some.get(key)
        if (None if before is None else before[0]) == value:
            return []
        changes: list[Change] = []
        if before is not None:
            del some[key]
            changes.append(Change(collection.name, False, (Element(key),)))
        if value is not None:
            some[key] = (value, 0.0)
            changes.append(Change(collection.name, True, (Element(key, value),)))
        return changes

    def give_public(self, inner: IPv4Address, public: IPv4Address | None) -> list[Change]:
        """A public address leads to this tunnel from now on, whichever it led to before, and no other does."""
        changes: list[Change] = []
        for key in self.owned(inner, held.PUBLIC4):
            if public is None or key != public.packed:
                changes += self.take(held.PUBLIC4, key)
        if public is None:
            return changes
        self._own(inner, held.PUBLIC4, public.packed)
        return changes + self._let(held.PUBLIC4, public.packed, inner.packed)

    def leave(self, addresses: Iterable[TunnelAddress]) -> list[Change]:
        """All that these addresses are in, and all that was put for them."""
        self._forget_ended()
        gone: dict[str, list[Element]] = {}
        for address in addresses:
            key = address.packed
            things = [(one, key) for one in (_OF4 if len(key) == 4 else _OF6)]
            for collection, name in [*things, *self._owned.get(key, ())]:
                if self._drop(collection, name):
                    gone.setdefault(collection.name, []).append(Element(name))
        changes = [Change(name, False, tuple(elements)) for name, elements in gone.items()]
        return changes + [back for one in gone.get(held.PUBLIC4.name, ()) for back in self._inherit_public(one.key)]

    def _inherit_public(self, public: bytes) -> list[Change]:
        """A public address whose tunnel has left leads to the newest other tunnel of its account, if there is one."""
        leaving = reversed(self._held[held.MINE4.name].items())
        heir = next((inner for inner, (own, _) in leaving if own == public), None)
        return [] if heir is None else self.give_public(IPv4Address(heir), IPv4Address(public))

    def put(
        self, collection: Collection, element: Element, owner: TunnelAddress | None
    ) -> tuple[list[Change], list[Change]]:
        """(what has to go first, what comes)."""
        self._forget_ended()
        some = self._held[collection.name]
        there = self._drop(collection, element.key, keep_owner=owner is None)
        leaving = [Change(collection.name, False, (Element(element.key),))] if there else []
        until = self._clock() + element.seconds if element.seconds else 0.0
        some[element.key] = (element.value, until)
        if until:
            self._ending.setdefault(int(until), set()).add((collection, element.key))
        if owner is not None:
            self._own(owner, collection, element.key)
        return leaving, [Change(collection.name, True, (element,))]

    def take(self, collection: Collection, key: bytes) -> list[Change]:
        """One element out, whoever's it was."""
        if not self._drop(collection, key):
            return []
        return [Change(collection.name, False, (Element(key),))]

    def of(self, collection: Collection) -> dict[bytes, bytes]:
        """Keys and values that are in a collection now."""
        self._forget_ended()
        return {key: value for key, (value, _) in self._held[collection.name].items()}

    def value(self, collection: Collection, key: bytes) -> bytes | None:
        """What a key leads to now (empty in sets); None when it is not there."""
        self._forget_ended()
        found = self._held[collection.name].get(key)
        return None if found is None else found[0]

    def owned(self, owner: TunnelAddress, collection: Collection) -> dict[bytes, bytes]:
        """Keys and values that were put into a collection for this tunnel and are there now."""
        self._forget_ended()
        some = self._held[collection.name]
        found = self._owned.get(owner.packed, ())
        return {key: some[key][0] for one, key in found if one == collection and key in some}

    def _own(self, owner: TunnelAddress, collection: Collection, key: bytes) -> None:
        """From now on this element is this tunnel's, and nobody else's."""
        self._disown(collection, key)
        self._owner[collection, key] = owner.packed
        self._owned.setdefault(owner.packed, set()).add((collection, key))

    def _disown(self, collection: Collection, key: bytes) -> None:
        owner = self._owner.pop((collection, key), None)
        if owner is None:
            return
        self._owned[owner].discard((collection, key))
        if not self._owned[owner]:
            del self._owned[owner]

    def _drop(self, collection: Collection, key: bytes, *, keep_owner: bool = False) -> bool:
        """Forgets an element, when it would have ended included; whether it was there."""
        if not keep_owner:
            self._disown(collection, key)
        found = self._held[collection.name].pop(key, None)
        if found is None:
            return False
        ending = self._ending.get(int(found[1]))
        if ending is not None:
            ending.discard((collection, key))
        return True

    def _forget_ended(self) -> None:
        """What has had its time is nobody's any more: it may be another tunnel's by the time that its owner leaves."""
        now = self._clock()
        for second in range(self._ended, int(now) + 1):
            for collection, key in tuple(self._ending.get(second, ())):
                if self._held[collection.name][key][1] <= now:
                    self._drop(collection, key)
            if second < int(now):
                self._ending.pop(second, None)
        self._ended = int(now)
