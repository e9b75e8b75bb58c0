"""An address of one's own: what comes for it from anywhere, on any port and protocol, reaches its holder's newest tunnel
at that node, and what she sends leaves by it; nobody else can have it, and once given back it leads nowhere.

Alice runs `wg-quick`, Bob `openvpn`; servers are sockets on their machines, heard of through the tunnel alone.
"""

import html
import re
import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from tests.findings.account import Account
from tests.findings.world import NODE, Customer, World, forget_flows, without
from tyst.core.rounding import extended
from tyst.lab.host import Host
from tyst.lab.topology import ECHO_V4, POOLS
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

PORTS = ((socket.SOCK_STREAM, (22, 443, 1194, 51820)), (socket.SOCK_DGRAM, (53, 443, 1194, 51820, 40000)))
WITHIN = 30.0
"""Seconds in which an open tunnel hears of a change: one renewal (20 s), on a busy machine."""


@pytest.fixture
def alice(world: World) -> Iterator[Customer]:
    one = world.customer()
    pay(world, one)
    yield one
    at_site(world, one).post("/en/account/ipv4", {"action": "release"})
    # What was given back may be had again by the next test.
    world.sql("UPDATE node_address SET rests = NULL")


def pay(world: World, one: Customer, days: int = 30) -> None:
    expiry = extended(None, days=days, today=datetime.now(UTC).date()).strftime("%Y-%m-%d %H:%M:%S")
    world.sql("UPDATE account SET ipv4 = ? WHERE handle = ?", expiry, one.handle)


def lapse(world: World, one: Customer) -> None:
    world.sql("UPDATE account SET ipv4 = '2020-01-01 23:59:59' WHERE handle = ?", one.handle)


def at_site(world: World, one: Customer) -> Account:
    return Account(world, one.session)


def takes(world: World, one: Customer, node: str = NODE) -> str:
    """She asks for an address of this node's on the site; which she got, or nothing."""
    page = at_site(world, one).post("/en/account/ipv4", {"action": "take", "node": node})
    assert page.status in (200, 422), page.text
    found = re.search(r'id="address">([0-9.]+)<', page.text)
    return html.unescape(found[1]) if found else ""


@contextmanager
def served(host: Host, kind: int, port: int) -> Iterator[socket.socket]:
    """A server on all addresses of a host."""
    with closing(host.socket(socket.AF_INET, kind)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", port))
        if kind == socket.SOCK_STREAM:
            server.listen()
        server.setblocking(False)
        yield server


def reached(world: World, host: Host, address: str, kind: int, port: int, within: float = 3.0) -> bool:
    """Whether a word from the web comes to a server there, is answered, and the answer comes from the address asked."""
    with served(host, kind, port) as server, closing(world.lab["web"].socket(socket.AF_INET, kind)) as caller:
        caller.settimeout(within)
        try:
            caller.connect((address, port))
            caller.send(b"hello")
        except OSError:
            return False
        if not select.select([server], [], [], within)[0]:
            return False
        if kind == socket.SOCK_STREAM:
            with closing(server.accept()[0]) as link:
                link.settimeout(within)
                assert link.getpeername()[0] == str(ECHO_V4) and link.recv(9) == b"hello"
                link.send(b"well")
        else:
            said, whence = server.recvfrom(9)
            assert whence[0] == str(ECHO_V4) and said == b"hello"
            server.sendto(b"well", whence)
        return caller.recv(9) == b"well"


def reached_on_all(world: World, host: Host, address: str) -> list[tuple[int, int]]:
    """The ports on which it is not reached."""
    return [(kind, port) for kind, ports in PORTS for port in ports if not reached(world, host, address, kind, port)]


def leaves(world: World, host: Host, port: int) -> tuple[str, int]:
    """From where the web hears a word that a machine sends from this port of its own accord."""
    with served(world.lab["web"], socket.SOCK_DGRAM, 4099) as heard:
        with closing(host.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
            sender.bind(("0.0.0.0", port))
            sender.sendto(b"hello", (str(ECHO_V4), 4099))
        return heard.recvfrom(9)[1] if select.select([heard], [], [], 3.0)[0] else ("", 0)


def pings(world: World, address: str) -> bool:
    words = ["ping", "-n", "-c", "1", "-W", "2", address]
    return world.lab["web"].run(words, check=False, timeout=10).returncode == 0


def test_alice_is_reached_on_every_port_and_seen_by_her_address_until_she_gives_it_back(
    world: World, alice: Customer
) -> None:
    host, free = world.lab["alice"], POOLS[NODE]["public"].partition("-")[2]
    assert not pings(world, free), "an address that nobody has answers nobody"
    address = takes(world, alice)
    with world.wireguard("alice", alice.devices[0]) as person:
        assert address and person.address() == address
        assert reached_on_all(world, host, address) == [] and pings(world, address)
        assert [leaves(world, host, port) for port in (1194, 51820)] == [(address, 1194), (address, 51820)]
        with without(world.node, "vp_nat_in", "vp_public4"):
            forget_flows(world.node)
            assert not reached(world, host, address, socket.SOCK_STREAM, 22, within=1.0), "our rule is what leads there"
        with without(world.node, "vp_inbound", r"vp_owned4 ip daddr @vp_open4 accept"):
            forget_flows(world.node)
            assert not reached(world, host, address, socket.SOCK_DGRAM, 53, within=1.0), "and our rule what lets in"
        assert reached(world, host, address, socket.SOCK_DGRAM, 53)
        # No reconnection: the open tunnel hears of it with a renewal.
        assert at_site(world, alice).post("/en/account/ipv4", {"action": "release"}).status == 200
        wait_until(lambda: person.address() not in ("", address), within=WITHIN, what="it to be hers no more")
        assert not reached(world, host, address, socket.SOCK_STREAM, 22, within=1.0)


def test_it_follows_her_to_the_next_tunnel_at_the_node_of_either_protocol(world: World, alice: Customer) -> None:
    address = takes(world, alice)
    first, second = world.lab["alice"], world.lab["bob"]
    with world.wireguard("alice", alice.devices[0]) as person:
        assert person.address() == address
        assert reached(world, first, address, socket.SOCK_STREAM, 51820)
        with world.openvpn("bob", alice) as client:
            assert client.process.poll() is None
            assert reached_on_all(world, second, address) == [] and pings(world, address)
            assert not reached(world, first, address, socket.SOCK_DGRAM, 53, within=1.0), "the newest alone has it"
            assert person.address() == address, "both are seen by it"
        wait_until(
            lambda: reached(world, first, address, socket.SOCK_DGRAM, 53, within=1.0),
            within=WITHIN,
            what="the address to lead to the tunnel that is left",
        )


def test_it_ends_with_the_addon_and_the_daily_batch_takes_it_back(world: World, alice: Customer) -> None:
    address = takes(world, alice)
    lapse(world, alice)
    with world.wireguard("alice", alice.devices[0]) as person:
        assert person.address() not in ("", address)
        assert not reached(world, world.lab["alice"], address, socket.SOCK_STREAM, 22, within=1.0)
    world.provider.operator("gate", "batch", "--state", "/var/lib/tyst")
    assert world.sql("SELECT count(*) FROM public_address WHERE address = ?", address) == [(0,)]
    ((rests,),) = world.sql("SELECT rests FROM node_address WHERE address = ?", address)
    assert str(rests).endswith(" 23:59:59")


@pytest.mark.night
def test_what_changes_reaches_a_tunnel_that_is_open(world: World, alice: Customer) -> None:
    with world.wireguard("alice", alice.devices[0]) as person:
        seen = person.address()
        for _ in range(2):  # taken, then changed
            address = takes(world, alice)
            assert address not in ("", seen)
            wait_until(lambda address=address: person.address() == address, within=WITHIN, what="the new one")  # type: ignore[misc]
            assert reached(world, world.lab["alice"], address, socket.SOCK_STREAM, 22)
        lapse(world, alice)
        wait_until(lambda: person.address() == seen, within=WITHIN, what="an ended add-on to reach the tunnel")
        assert not reached(world, world.lab["alice"], address, socket.SOCK_STREAM, 22, within=1.0)


def test_of_many_who_want_the_last_addresses_each_gets_one_that_nobody_else_has(world: World, alice: Customer) -> None:
    everybody = [alice, *world.customers(9, 0)]
    for one in everybody:
        pay(world, one)
    with ThreadPoolExecutor(len(everybody)) as crowd:
        got = [address for address in crowd.map(lambda one: takes(world, one), everybody) if address]
    rows = world.sql("SELECT owner, address FROM public_address")
    assert sorted(got) == sorted(address for _, address in rows)
    assert len(set(got)) == len({owner for owner, _ in rows}) == 4, "as many as the pool has, no holder twice"
    late = world.customer()
    pay(world, late)
    assert takes(world, late) == "" and takes(world, world.customer()) == ""
    for one in everybody:
        at_site(world, one).post("/en/account/ipv4", {"action": "release"})
    assert world.sql("SELECT count(*) FROM public_address") == [(0,)]
    assert takes(world, late) == "", "they rest"
