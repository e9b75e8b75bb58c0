"""What an agent learns from the kernel's sets after another's death: all that is open tunnels' own, and nobody else's."""

from ipaddress import IPv4Address, IPv6Address

from tyst.core.firewall import Element
from tyst.core.firewall import collections as held
from tyst.node.drivers.elements import _elements
from tyst.node.drivers.holdings import Holdings
from tyst.node.drivers.netlink import attribute

ALICE, BOB = IPv4Address("10.16.0.9"), IPv4Address("10.16.0.10")
ALICE6 = IPv6Address("fd74:7973:7400:1::9")
EXIT, PUBLIC = IPv4Address("192.0.2.20"), IPv4Address("192.0.2.32")
OPEN_TO = {ALICE.packed, ALICE6.packed}


def inherited(collection: held.Collection, *elements: Element) -> Holdings:
    holdings = Holdings(clock=lambda: 100.0)
    holdings.inherit(collection, elements, OPEN_TO)
    return holdings


def test_an_open_tunnel_keeps_its_exit_and_a_stranger_s_is_gone() -> None:
    both = (Element(ALICE.packed, EXIT.packed), Element(BOB.packed, EXIT.packed))
    assert inherited(held.EXIT4, *both).of(held.EXIT4) == {ALICE.packed: EXIT.packed}


def test_a_public_address_and_a_forwarded_port_stay_whose_they_were() -> None:
    holdings = inherited(held.PUBLIC4, Element(PUBLIC.packed, ALICE.packed))
    key = held.PORTS4.pack_key(6, EXIT, 12345)
    strange = Element(held.PORTS4.pack_key(6, EXIT, 12346), held.PORTS4.pack_value(BOB, 80), 60.0)
    holdings.inherit(held.PORTS4, [Element(key, held.PORTS4.pack_value(ALICE, 80), 60.0), strange], OPEN_TO)
    assert holdings.owned(ALICE, held.PORTS4) == {key: held.PORTS4.pack_value(ALICE, 80)}
    (left,) = holdings.elements()[held.PORTS4.name]
    assert left.seconds == 60.0
    holdings.leave([ALICE])
    assert holdings.of(held.PORTS4) == holdings.of(held.PUBLIC4) == {}, "they go with her"


def test_listed_destinations_are_nobody_s_and_stay() -> None:
    place = IPv4Address("198.51.100.7")
    assert inherited(held.STREAMS4, Element(place.packed, b"", 30.0)).of(held.STREAMS4) == {place.packed: b""}


def test_an_element_is_read_as_the_kernel_writes_it() -> None:
    """NFTA_SET_ELEM_LIST_ELEMENTS with one element: key, value, flags, time-out, time left (ms)."""

    def data(number: int, value: bytes) -> bytes:
        return attribute(number | 0x8000, attribute(1, value))

    times = attribute(4, (3600_000).to_bytes(8)) + attribute(5, (1500).to_bytes(8))
    one = attribute(1 | 0x8000, data(1, ALICE.packed) + data(2, EXIT.packed) + times)
    body = attribute(1, b"tyst\0") + attribute(2, b"vp_exit4\0") + attribute(3 | 0x8000, one)
    assert list(_elements(body)) == [Element(ALICE.packed, EXIT.packed, 1.5)]
