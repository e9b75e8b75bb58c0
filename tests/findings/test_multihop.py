"""Multihop: in at one node, out at another. The entry may know who comes and which exit she chose; the exit may know what
she does; neither may know both, and nobody may use an entry for anything else.

Charlie goes the way with stock clients of both protocols, from addresses that nobody else has, while the links and the
memories of both nodes are watched (`Way`, once for all tests here). The entry is de-fra and the exit se-sto.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

import pytest

from tests.findings.account import Account
from tests.findings.device import Device
from tests.findings.visitor import IN_MEMORY, IN_TABLES, Stays
from tests.findings.world import NODE, OTHER, Customer, World, public_of, replaced, without
from tyst.core.multihop import openvpn_port, wireguard_port
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.core.wireguard.addresses import NOTICE6, tunnel_addresses
from tyst.core.wireguard.config import Config
from tyst.core.wireguard.config import to_text as config_text
from tyst.journey.person import Person
from tyst.lab.host import Host
from tyst.lab.packets import Packet
from tyst.lab.topology import ECHO_V4, NETWORKS, PLACES, POOLS
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch
from tyst.lab.wireguard import wg_show
from tyst.proof import marked
from tyst.proof.engine import Engine
from tyst.proof.search import search_all
from tyst.proof.surfaces import surfaces

pytestmark = pytest.mark.lab

WHO, ENTRY, EXIT = "charlie", OTHER, NODE
VPN_PORTS = {51820, 1194}


def number_of(world: World, node: str) -> int:
    """A node's number in the fleet."""
    ((number,),) = world.sql("SELECT number FROM node WHERE name = ?", node)
    return int(number)


def exits_of(node: str) -> set[str]:
    """The addresses by which tunnels leave a node."""
    first, last = (IPv4Address(text) for text in POOLS[node]["exit"].split("-"))
    return {str(address) for net in summarize_address_range(first, last) for address in net}


def grant(world: World, one: Customer, until: str | None = "2099-12-31 23:59:59") -> Customer:
    """The customer with the multihop add-on, or without."""
    world.sql("UPDATE account SET multihop = ? WHERE handle = ?", until, one.handle)
    return one


def config(world: World, private: bytes) -> str:
    """The file that the site's page makes for this pair of nodes."""
    name = f"mh-de{number_of(world, ENTRY)}-se{number_of(world, EXIT)}"
    port = wireguard_port(number_of(world, EXIT))
    four, six = tunnel_addresses(public_of(private))
    return config_text(Config(name, private, four, six, world.public_key(EXIT), world.lab[ENTRY].ipv4, port))


def profile(world: World, one: Customer) -> str:
    """The OpenVPN profile that the site hands out for it."""
    page = Account(world, one.session).get(f"/en/account/multihop/profile.ovpn?entry={ENTRY}&exit={EXIT}")
    assert page.status == 200, page.wrong
    return page.text


def device(world: World, who: str, private: bytes, *, six: bool = False) -> Device:
    """A device of ours on this way."""
    at = world.lab[ENTRY].ipv6 if six else world.lab[ENTRY].ipv4
    return world.device(who, private, EXIT, at=at, port=wireguard_port(number_of(world, EXIT)))


def tracked(host: Host, *words: str) -> list[str]:
    """What connection tracking says of a host's UDP flows that hold all these words."""
    text = "".join(
        host.run(["conntrack", "-L", "-p", "udp", "-f", family], check=False).stdout for family in ("ipv4", "ipv6")
    )
    return [line for line in text.splitlines() if all(word in line for word in words)]


@pytest.fixture(scope="module")
def fleet(world: World) -> World:
    """The world, once both nodes know of each other (they ask every 20 s)."""
    for host, other in ((world.lab[ENTRY], world.lab[EXIT]), (world.lab[EXIT], world.lab[ENTRY])):

        def knows(host: Host = host, other: Host = other) -> bool:
            held = host.run(["nft", "list", "set", "inet", "tyst", "vp_fleet4"]).stdout
            return str(other.ipv4) in held

        wait_until(knows, within=40, every=0.2, what="the nodes to hear of each other")
    return world


@contextmanager
def at_addresses(host: Host, four: str, six: str) -> Iterator[None]:
    """The host with these addresses on its link, and no other."""
    place = PLACES[host.name]
    try:
        _move(host, four, six)
        yield
    finally:
        _move(host, str(place.ipv4), str(place.ipv6))


def _move(host: Host, four: str, six: str) -> None:
    network = NETWORKS["access"]
    host.run(["ip", "addr", "flush", "dev", "eth0", "scope", "global"])
    for family, address, bits, gate in (
        ("-4", four, 24, network.address4(1)),
        ("-6", six, 64, network.address6(1)),
    ):
        nodad = ["nodad"] if family == "-6" else []
        host.run(["ip", family, "addr", "add", f"{address}/{bits}", "dev", "eth0", *nodad])
        host.run(["ip", family, "route", "replace", "default", "via", str(gate)])


@dataclass
class Seen:
    """One protocol's way: by which address the internet saw her, what passed both nodes' links, where she was found."""

    leaves_by: str
    entry: list[Packet]
    exit: list[Packet]
    flows: list[str]
    at_entry: Stays
    at_exit: Stays


@dataclass
class Way:
    """Both ways, gone once."""

    world: World
    seen: dict[str, Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.one = grant(self.world, self.world.customer())
        self.private = self.one.devices[0]
        self._seed = marked.draw((WHO,))
        self.four, self.six = self.text("address4"), self.text("address6")
        with at_addresses(self.world.lab[WHO], self.four, self.six):
            for protocol in ("wireguard", "openvpn"):
                self.seen[protocol] = self._go(protocol)

    def text(self, name: str) -> str:
        """One of her marks."""
        return self._seed.text(f"{WHO}.{name}")

    @contextmanager
    def _connected(self, protocol: str) -> Iterator[Person]:
        person = Person(self.world.lab[WHO])
        if protocol == "wireguard":
            person.wireguard_up(config(self.world, self.private), "mh-de-se")
            try:
                yield person
            finally:
                person.wireguard_down("mh-de-se")
            return
        client = person.openvpn_up(profile(self.world, self.one), *self.one.credential)
        try:
            yield person
        finally:
            client.end()

    def _go(self, protocol: str) -> Seen:
        entry, leaving = self.world.lab[ENTRY], self.world.lab[EXIT]
        with Watch(entry, "eth0") as there, Watch(leaving, "eth0") as here, self._connected(protocol) as person:
            wait_until(person.address, within=15, what="her way out")
            leaves_by = person.address()
            person.asks(self.text("name1" if protocol == "wireguard" else "name2"))
            assert person.fetch(f"http://{ECHO_V4}/", "-H", f"X: {self.text('payload_up')}")
            flows = tracked(entry, self.four)
            found = [self._find(host) for host in (entry, leaving)]
        return Seen(leaves_by, there.packets, here.packets, flows, *found)

    def _find(self, host: Host) -> Stays:
        marks = (*self._seed.all, Mark(f"{WHO}.key", MarkKind.KEY, public_of(self.private)))
        chosen = (one for one in surfaces(host) if one.kind in IN_MEMORY + IN_TABLES)
        found = search_all(Engine(scan_set_of(marks)), chosen)
        assert found.looked and not found.failures, found.failures
        return {(surface.process or surface.name, mark.name) for surface, mark, _, _ in found.hits()}


@pytest.fixture(scope="module")
def way(fleet: World) -> Way:
    """Gone once for all tests here."""
    return Way(fleet)


BOTH = pytest.mark.parametrize("protocol", ["wireguard", "openvpn"])


@BOTH
def test_the_internet_sees_the_exit(way: Way, protocol: str) -> None:
    assert way.seen[protocol].leaves_by in exits_of(EXIT)


@BOTH
def test_the_entry_passes_only_ciphertext_between_her_and_the_exits_vpn_port(way: Way, protocol: str) -> None:
    seen, entry, leaving = way.seen[protocol], str(way.world.lab[ENTRY].ipv4), str(way.world.lab[EXIT].ipv4)
    hers = [one for one in seen.entry if way.four in (str(one.src), str(one.dst))]
    onward = [one for one in seen.entry if leaving in (str(one.src), str(one.dst))]
    assert len(hers) > 10 and len(onward) > 10
    assert {str(one.src) for one in hers} | {str(one.dst) for one in hers} == {way.four, entry}
    assert {str(one.src) for one in onward} | {str(one.dst) for one in onward} == {leaving, entry}
    assert {one.proto for one in (*hers, *onward)} == {"udp"}
    for one in onward:
        assert (one.dport if str(one.dst) == leaving else one.sport) in VPN_PORTS
    secret = (way.text("payload_up").encode(), str(ECHO_V4).encode(), ECHO_V4.packed, public_of(way.private))
    assert not [one for one in seen.entry for word in secret if word in one.data]
    assert [one for one in seen.exit if secret[0] in one.data], "the same look finds it where it leaves"


@BOTH
def test_the_exit_hears_of_the_entry_and_never_of_her(way: Way, protocol: str) -> None:
    seen, entry = way.seen[protocol], str(way.world.lab[ENTRY].ipv4)
    assert len([one for one in seen.exit if entry in (str(one.src), str(one.dst))]) > 10
    four, six = IPv4Address(way.four), IPv6Address(way.six)
    words = (four.packed, six.packed, way.four.encode())
    assert not [one for one in seen.exit for word in words if word in one.data]
    assert [one for one in seen.entry if four.packed in one.data], "the same look finds her at the entry"


@BOTH
def test_the_entrys_memory_holds_neither_key_nor_name_and_the_exits_no_address(way: Way, protocol: str) -> None:
    seen, own = way.seen[protocol], f"{WHO}.address4"
    assert {mark for _, mark in seen.at_entry} == {own}, "the entry knows from where she comes, and nothing else"
    assert all("conntrack" in place for place, _ in seen.at_entry), "and only connection tracking does"
    at_exit = {mark for _, mark in seen.at_exit}
    assert not {mark for mark in at_exit if "address" in mark}
    if protocol == "wireguard":
        assert f"{WHO}.key" in at_exit and f"{WHO}.name1" in at_exit, "the same look finds what must be there"


@BOTH
def test_a_relayed_flow_is_tracked_for_a_short_time_only(way: Way, protocol: str) -> None:
    number, port = number_of(way.world, EXIT), wireguard_port if protocol == "wireguard" else openvpn_port
    (flow,) = (line for line in way.seen[protocol].flows if f"dport={port(number)} " in line)
    assert 0 < int(flow.split()[2]) <= (180 if protocol == "wireguard" else 70)
    assert not tracked(way.world.lab[EXIT], "dport=51820"), "the exit tracks no outer flow, as always"


def test_she_may_enter_by_ipv6(fleet: World) -> None:
    one = grant(fleet, fleet.customer())
    with closing(device(fleet, "alice", one.devices[0], six=True)) as alice:
        assert alice.connect() and alice.ping(ECHO_V4)
        assert str(fleet.lab[ENTRY].ipv6) in wg_show(fleet.lab[EXIT], "endpoints")
        assert tracked(fleet.lab[ENTRY], f"dport={alice.port} ", f"src={fleet.lab['alice'].ipv6} ")


def test_without_the_add_on_wireguard_leads_to_a_page_that_says_so(fleet: World) -> None:
    one = grant(fleet, fleet.customer(), until="2020-01-31 23:59:59")
    person = Person(fleet.lab["bob"])
    person.wireguard_up(config(fleet, one.devices[0]), "mh-de-se")
    try:
        said = ""

        def page() -> bool:
            nonlocal said
            said = person.fetch(f"http://[{NOTICE6}]/")
            return "</html>" in said

        wait_until(page, within=10, what="the notice page")
        assert "Your account has no multihop" in said
        assert person.address(within=1) == ""
    finally:
        person.wireguard_down("mh-de-se")


def test_without_the_add_on_openvpn_gives_a_reason_of_its_own(fleet: World) -> None:
    one = grant(fleet, fleet.customer(), until=None)
    client = Person(fleet.lab["bob"]).openvpn_start(profile(fleet, one), *one.credential)
    try:
        assert client.reads_until("AUTH_FAILED,multihop-needed"), client.said[-5:]
    finally:
        client.end()


def initiation() -> bytes:
    """What looks like one, and opens nothing."""
    return b"\1\0\0\0" + os.urandom(144)


def is_onward(packet: Packet, mallory: str) -> bool:
    """Whether a packet is one of the entry's to somebody else than him, in a protocol that he could have made it send."""
    return packet.leaving and packet.proto == "udp" and str(packet.dst) != mallory and packet.dport in (51820, 1194, 80)


def send(world: World, *datagrams: tuple[int, bytes]) -> None:
    """Mallory sends datagrams to ports of the entry, in this order, each from a port of its own."""
    for port, data in datagrams:
        with closing(world.lab["mallory"].socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
            sender.sendto(data, (str(world.lab[ENTRY].ipv4), port))


def test_mallory_can_use_the_entry_for_nothing_else(fleet: World) -> None:
    here, there = number_of(fleet, ENTRY), number_of(fleet, EXIT)
    mallory, leaving = str(fleet.lab["mallory"].ipv4), fleet.lab[EXIT].ipv4
    with Watch(fleet.lab[ENTRY], "eth0", "udp", leaving=True) as watch:
        send(
            fleet,
            (wireguard_port(here), initiation()),  # entry and exit are one
            (openvpn_port(here), b"\x38" + os.urandom(53)),
            (wireguard_port(4444), initiation()),  # nobody's number
            (wireguard_port(there), b"GET / HTTP/1.1\r\n\r\n"),  # no beginning of a tunnel
            (wireguard_port(there), initiation()[:140]),
            (wireguard_port(there), b"\2\0\0\0" + os.urandom(88)),
            (openvpn_port(there), b"\x48" + os.urandom(60)),
            (openvpn_port(there) + 1, initiation()),
            (wireguard_port(there), initiation()),  # the one that passes, and comes last
        )
        watch.wait_for(lambda one: is_onward(one, mallory), what="what passes")
        onward = [one for one in watch.packets if is_onward(one, mallory)]
    assert [(one.dst, one.dport, len(one.data)) for one in onward] == [(leaving, 51820, 176)]


def test_without_the_rule_how_a_flow_begins_anything_would_pass(fleet: World) -> None:
    def anything(rule: str) -> str:
        return rule.replace("udp length 156 @th,64,32 0x1000000 ", "")

    entry, mallory = fleet.lab[ENTRY], str(fleet.lab["mallory"].ipv4)
    with replaced(entry, "vp_nat_in", r"0x1000000 .*@vp_exits4", anything), Watch(entry, "eth0", "udp") as watch:
        send(fleet, (wireguard_port(number_of(fleet, EXIT)), b"GET / HTTP/1.1\r\n\r\n"))
        watch.wait_for(lambda one: is_onward(one, mallory), what="his request")


def test_without_the_entrys_own_address_the_exit_would_see_hers(fleet: World) -> None:
    one, hers = grant(fleet, fleet.customer()), fleet.lab["alice"].ipv4
    with (
        without(fleet.lab[ENTRY], "vp_nat_out", "masquerade to :40000"),
        Watch(fleet.lab[EXIT], "eth0", "udp") as watch,
        closing(device(fleet, "alice", one.devices[0])) as alice,
    ):
        alice.knock()
        watch.wait_for(lambda packet: packet.src == hers and packet.dport == 51820, what="her own address at the exit")


@pytest.mark.night
def test_who_moves_to_an_entry_without_the_add_on_is_confined_and_comes_out_when_it_is_bought(fleet: World) -> None:
    one = fleet.customer()
    with fleet.connected("alice", one.devices[0], EXIT) as directly:
        assert directly.ping(ECHO_V4)
        with closing(device(fleet, "alice", one.devices[0])) as moved:
            assert moved.connect() and moved.ping(ECHO_V4), "for the moment: it is the same tunnel"
            wait_until(lambda: not moved.ping(ECHO_V4, within=1), within=30, what="the garden")
            assert moved.ping(NOTICE6)
            grant(fleet, one)
            wait_until(lambda: moved.ping(ECHO_V4, within=1), within=30, what="the way out")
