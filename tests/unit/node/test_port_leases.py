"""Whose port is whose: shares, wishes, both protocols of a number, nonces, rest. The kernel is a memory here."""

from collections.abc import Container
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tyst.core.firewall import Collection, Element
from tyst.core.firewall.collections import PORTS4
from tyst.core.firewall.ports import HIGHEST, LOWEST
from tyst.core.natpmp import TCP, UDP
from tyst.node.doors import Passage, TunnelAddress
from tyst.node.drivers.holdings import Holdings, wanted4
from tyst.node.port_leases import LONGEST, REST, SHARE, Grant, Leases, No, Wish, key_of

ALICE, BOB, CHARLIE = (IPv4Address(f"10.16.0.{number}") for number in (9, 10, 11))
EXIT, OTHER, PUBLIC, OWN = (IPv4Address(f"192.0.2.{number}") for number in (20, 21, 32, 10))


class Memory:
    """The firewall without a kernel."""

    def __init__(self, scene: "Scene") -> None:
        self.holdings = Holdings(lambda: scene.now)

    def put(self, collection: Collection, element: Element, *, owner: TunnelAddress | None = None) -> None:
        self.holdings.put(collection, element, owner)

    def take(self, collection: Collection, key: bytes) -> None:
        self.holdings.take(collection, key)


class Scene:
    def __init__(self, exits: tuple[IPv4Address, ...] = (EXIT, OTHER)) -> None:
        self.now = 1000.0
        self.purged: list[Container[bytes]] = []
        self.broken = False
        self.firewall = Memory(self)
        self.leases = Leases(self.firewall, self, lambda: exits, lambda: frozenset({20001}), lambda: self.now)
        for one in (ALICE, BOB, CHARLIE):
            self.open(one)

    def open(self, inner: IPv4Address, passage: Passage = Passage(exit4=EXIT)) -> None:  # noqa: B008 -- a constant
        self.firewall.holdings.become(inner, wanted4(inner, passage))

    def close(self, inner: IPv4Address) -> None:
        self.firewall.holdings.leave([inner])

    def purge_to(self, ports: Container[bytes]) -> int:
        if self.broken:
            raise TimeoutError
        self.purged.append(ports)
        return 0

    def port(self, inner: IPv4Address, internal: int = 4000, external: int = 0, protocol: int = TCP) -> int:
        got = self.leases.grant(inner, Wish(protocol, internal, external))
        assert isinstance(got, Grant), got
        return got.external

    def refusal(self, inner: IPv4Address, wish: Wish) -> No:
        got = self.leases.grant(inner, wish)
        assert isinstance(got, No), got
        return got


def test_alice_gets_the_port_she_asks_for_and_the_same_one_again() -> None:
    scene = Scene()
    assert scene.leases.grant(ALICE, Wish(TCP, 4000, 12345, lifetime=99999)) == Grant(12345, EXIT, LONGEST)
    assert scene.port(ALICE, 4000, 12346) == 12345, "what she has already, whatever she wishes"
    assert scene.firewall.holdings.value(PORTS4, key_of(TCP, (EXIT, 12345))) == PORTS4.pack_value(ALICE, 4000)


@pytest.mark.parametrize("wish", [0, 22, 1023, LOWEST - 1, HIGHEST + 1, 51820, 20001])
def test_a_port_that_nobody_may_have_becomes_another(wish: int) -> None:
    got = Scene().port(ALICE, external=wish)
    assert LOWEST <= got <= HIGHEST and got != wish


def test_both_protocols_of_a_number_are_one_tunnels() -> None:
    scene = Scene()
    assert scene.port(ALICE, 4000, 12345) == scene.port(ALICE, 4000, protocol=UDP) == 12345
    assert scene.port(BOB, 4000, 12345) != 12345
    assert scene.port(CHARLIE, 4000, 23456) == 23456 != scene.port(BOB, 4001, 23456, UDP)


def test_a_tunnel_has_five_ports_and_no_more() -> None:
    scene = Scene()
    ports = [scene.port(ALICE, 4000 + number) for number in range(SHARE)]
    assert len(set(ports)) == SHARE
    assert scene.refusal(ALICE, Wish(TCP, 4005)) is No.SHARE
    assert scene.refusal(ALICE, Wish(TCP, 4005, 12345, exactly=True)) is No.SHARE
    assert scene.port(ALICE, 4000, protocol=UDP) == ports[0], "the other protocol of a number costs nothing"


def test_who_gives_back_and_asks_anew_burns_no_more_ports_than_her_share() -> None:
    scene, seen = Scene(), set()
    for number in range(50):
        seen.add(scene.port(ALICE, 4000 + number))
        scene.leases.give_back(ALICE, TCP, 4000 + number)
    assert len(seen) <= SHARE


async def test_a_port_that_became_free_rests_for_everybody_else() -> None:
    scene = Scene()
    assert scene.port(ALICE, external=12345) == 12345
    scene.leases.give_back(ALICE, TCP, 4000)
    assert scene.port(BOB, external=12345) != 12345
    assert scene.refusal(BOB, Wish(UDP, 4001, 12345, exactly=True)) is No.EXTERNAL
    assert scene.port(ALICE, external=12345) == 12345, "it is hers while she is here"
    scene.leases.give_back(ALICE, TCP, 4000)
    scene.now += REST - 1
    await scene.leases.tick()
    assert scene.purged == [] and scene.refusal(BOB, Wish(TCP, 4001, 12345, exactly=True)) is No.EXTERNAL
    scene.now += 1
    await scene.leases.tick()
    assert all(key_of(protocol, (EXIT, 12345)) in scene.purged[0] for protocol in (TCP, UDP))
    assert scene.port(BOB, 4001, external=12345) == 12345


async def test_it_rests_on_while_old_connections_could_not_be_purged() -> None:
    scene = Scene()
    scene.port(ALICE, external=12345)
    scene.leases.give_back(ALICE, TCP, 4000)
    scene.now, scene.broken = scene.now + REST, True
    await scene.leases.tick()
    assert scene.refusal(BOB, Wish(TCP, 4000, 12345, exactly=True)) is No.EXTERNAL
    scene.broken = False
    await scene.leases.tick()
    assert scene.port(BOB, external=12345) == 12345


@pytest.mark.parametrize("how", ["its time", "its tunnel"])
async def test_a_lease_that_ends_by_itself_rests_too(how: str) -> None:
    scene = Scene()
    scene.leases.grant(ALICE, Wish(TCP, 4000, 12345, lifetime=5))
    if how == "its time":
        scene.now += 5
    else:
        scene.close(ALICE)
    assert scene.refusal(BOB, Wish(TCP, 4000, 12345, exactly=True)) is No.EXTERNAL, "no moment in between"


async def test_nothing_remembers_who_had_a_port_once_her_tunnel_is_gone() -> None:
    scene = Scene()
    scene.port(ALICE, external=12345)
    scene.leases.grant(ALICE, Wish(TCP, 4001, nonce=b"alices nonce"))
    scene.close(ALICE)
    await scene.leases.tick()
    assert ALICE.packed not in repr(vars(scene.leases)).encode("latin-1", "replace")
    kept = [scene.leases._known, scene.leases._nonces]
    assert kept == [{}, {}] and all(one.holder == b"" for one in scene.leases._resting.values())
    scene.open(ALICE)
    assert scene.refusal(ALICE, Wish(TCP, 4000, 12345, exactly=True)) is No.EXTERNAL, "not even she herself"


def test_exactly_this_port_or_none() -> None:
    scene = Scene()
    assert scene.port(ALICE, external=12345) == 12345
    for external, address in ((80, None), (12345, None), (23456, PUBLIC)):
        assert scene.refusal(BOB, Wish(TCP, 4000, external, address, exactly=True)) is No.EXTERNAL
    assert scene.leases.grant(BOB, Wish(TCP, 4000, 23456, EXIT, 60, exactly=True)) == Grant(23456, EXIT, 60)
    assert scene.refusal(BOB, Wish(TCP, 4000, 23457, exactly=True)) is No.EXTERNAL, "she has another for this"


def test_a_mapping_is_its_nonces() -> None:
    scene, mine, other = Scene(), b"alices nonce", b"programs two"
    assert isinstance(scene.leases.grant(ALICE, Wish(TCP, 4000, nonce=mine)), Grant)
    assert scene.refusal(ALICE, Wish(TCP, 4000, nonce=other)) is No.NONCE
    assert scene.refusal(ALICE, Wish(TCP, 4000)) is No.NONCE, "nor may NAT-PMP, which has none"
    assert scene.leases.give_back(ALICE, TCP, 4000, other) is No.NONCE
    assert scene.leases.give_back(ALICE, 0, 0, other) is None and scene.firewall.holdings.owned(ALICE, PORTS4)
    assert scene.leases.give_back(ALICE, 0, 0, mine) is None and not scene.firewall.holdings.owned(ALICE, PORTS4)


async def test_after_a_takeover_who_asks_first_for_her_own_lease_has_it() -> None:
    scene, mine, key = Scene(), b"alices nonce", key_of(TCP, (EXIT, 12345))
    scene.firewall.put(PORTS4, Element(key, PORTS4.pack_value(ALICE, 4000), 600.0), owner=ALICE)
    await scene.leases.begin()
    assert scene.leases.grant(ALICE, Wish(TCP, 4000, nonce=mine)) == Grant(12345, EXIT, LONGEST)
    assert scene.refusal(ALICE, Wish(TCP, 4000, nonce=b"programs two")) is No.NONCE
    scene.leases.give_back(ALICE, TCP, 4000, mine)
    assert scene.refusal(BOB, Wish(TCP, 4000, 12345, exactly=True)) is No.EXTERNAL, "and it rests like any other"


def test_giving_back_touches_nobody_elses() -> None:
    scene = Scene()
    scene.port(ALICE, 4000)
    scene.port(ALICE, 4000, protocol=UDP)
    bobs = scene.port(BOB, 4000)
    scene.leases.give_back(BOB, UDP, 4000)
    scene.leases.give_back(ALICE, TCP, 0)
    assert [key[0] for key in scene.firewall.holdings.owned(ALICE, PORTS4)] == [UDP]
    assert scene.firewall.holdings.value(PORTS4, key_of(TCP, (EXIT, bobs))) is not None


def test_a_public_address_has_every_port_already() -> None:
    scene = Scene()
    scene.open(ALICE, Passage(exit4=EXIT, mine4=PUBLIC))
    assert scene.leases.grant(ALICE, Wish(TCP, 443, 12345, lifetime=60)) == Grant(443, PUBLIC, 60)
    assert scene.refusal(ALICE, Wish(TCP, 443, 12345, exactly=True)) is No.EXTERNAL
    assert scene.firewall.holdings.of(PORTS4) == {}


@pytest.mark.parametrize("passage", [Passage(), Passage(exit4=OWN)])
def test_a_node_without_exit_addresses_forwards_nothing(passage: Passage) -> None:
    scene = Scene(exits=())
    scene.open(ALICE, passage)
    assert scene.refusal(ALICE, Wish(TCP, 4000)) is No.ADDRESS and scene.leases.address(ALICE) is None


def test_a_tunnel_that_leaves_by_another_address_now_gets_its_port_there() -> None:
    scene = Scene()
    scene.port(ALICE, 4000, 12345)
    scene.open(ALICE, Passage(exit4=OTHER))
    assert scene.leases.grant(ALICE, Wish(TCP, 4000, 12345)) == Grant(12345, OTHER, LONGEST)
    assert list(scene.firewall.holdings.owned(ALICE, PORTS4)) == [key_of(TCP, (OTHER, 12345))]


async def test_after_a_start_connections_to_ports_that_nobody_has_are_purged() -> None:
    scene = Scene()
    scene.port(ALICE, external=12345)
    await scene.leases.begin()
    (stale,) = scene.purged
    assert key_of(UDP, (EXIT, 12345)) in stale and key_of(TCP, (EXIT, 12345)) not in stale
    others = (key_of(TCP, (OWN, 12345)), key_of(TCP, (EXIT, 40000)), b"", bytes(8))
    assert not any(key in stale for key in others), "flows that tunnels began are none of its business"


def test_when_all_are_taken_it_says_so() -> None:
    scene = Scene()
    for number in range(LOWEST, HIGHEST + 1):
        key = key_of(TCP, (EXIT, number))
        scene.firewall.put(PORTS4, Element(key, PORTS4.pack_value(CHARLIE, 1), 600.0), owner=CHARLIE)
    assert scene.refusal(ALICE, Wish(TCP, 4000)) is No.FREE


_STEP = st.tuples(
    st.sampled_from(["ask", "give back", "close", "wait"]),
    st.sampled_from([ALICE, BOB, CHARLIE]),
    st.sampled_from([TCP, UDP]),
    st.integers(4000, 4006),
    st.sampled_from([0, 12345, 12346, 12347]),
)


@settings(max_examples=60)
@given(st.lists(_STEP, max_size=60))
def test_no_port_is_ever_two_tunnels_or_anothers_within_two_minutes(
    steps: list[tuple[str, IPv4Address, int, int, int]],
) -> None:
    scene = Scene()
    last: dict[int, tuple[IPv4Address, float]] = {}
    for what, who, protocol, internal, external in steps:
        if what == "ask":
            scene.leases.grant(who, Wish(protocol, internal, external, lifetime=40))
        elif what == "give back":
            scene.leases.give_back(who, protocol, internal)
        elif what == "close":
            scene.close(who)
            scene.open(who)
        else:
            scene.now += 30
        held = scene.firewall.holdings.of(PORTS4)
        for key, to in held.items():
            port, holder = int.from_bytes(key[8:10]), IPv4Address(to[:4])
            before, since = last.get(port, (holder, scene.now))
            assert before == holder or scene.now - since >= REST, "too early"
            last[port] = (holder, scene.now)
        for one in (ALICE, BOB, CHARLIE):
            assert len({key[4:10] for key in scene.firewall.holdings.owned(one, PORTS4)}) <= SHARE
