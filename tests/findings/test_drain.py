"""A node is taken out of service: nobody new gets through it, those inside are led elsewhere, and afterwards all is well.

OpenVPN clients go to the next server of their profile by themselves. A stock WireGuard client can't be moved: it is told
by the notice page, and its tunnel opens again when the work is done, if it stayed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.findings.account import Account
from tests.findings.world import NODE, OTHER, Customer, World
from tyst.journey.person import OpenVpn, Person
from tyst.lab.bringup import STATE
from tyst.lab.topology import ECHO_V4
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

RENEWAL = 40
"""Seconds within which the next round of renewals has been, or the garden was asked for."""
MOVE = 70
"""The same, and twice the ten seconds that an OpenVPN client waits before it connects again."""
NOTICE = "http://[fd74:7973:7400::2]/"


def operator(world: World, *words: str) -> str:
    return world.provider.operator("fleet", *words, "--state", STATE)


@contextmanager
def draining(world: World) -> Iterator[None]:
    """The node in maintenance, for a moment."""
    operator(world, "drain", NODE)
    try:
        assert re.search(rf"{NODE}.*draining", operator(world, "list"))
        yield
    finally:
        operator(world, "drain", NODE, "--over")


def both_nodes(world: World, one: Customer) -> str:
    """Her profile with a second remote, as docs/operate/maintenance.md says: the device stays up between the two
    (persist-tun), so the way to the second server must not lead into it."""
    text = Account(world, one.session).get(f"/en/account/openvpn/{NODE}-udp.ovpn").text
    text = re.sub(r"verify-x509-name .*\n", "", text)
    (first, *_) = re.findall(r"remote .* udp\n", text)
    others = f"remote {world.other.ipv4} 1194 udp\n"
    ways = "".join(f"route {host.ipv4} 255.255.255.255 net_gateway 5\n" for host in (world.node, world.other))
    return re.sub(r"(remote .*\n)+", first + others + ways, text)


@contextmanager
def openvpn(world: World, who: str, one: Customer) -> Iterator[tuple[OpenVpn, Person]]:
    person = Person(world.lab[who])
    client = person.openvpn_up(both_nodes(world, one), *one.credential)
    try:
        yield client, person
    finally:
        client.end()


def leaves_by(world: World, person: Person) -> str:
    """Which node a person's traffic comes from."""
    pools = {NODE: "192.0.2.", OTHER: "203.0.113."}
    address = person.address()
    return next((name for name, net in pools.items() if str(address).startswith(net)), str(address))


def address(world: World, who: str) -> str:
    """From which address the web sees somebody, asked without a name server."""
    return world.lab[who].run(["curl", "-s", "-m", "2", f"http://{ECHO_V4}/"], check=False).stdout


def page(world: World, who: str, language: str = "en") -> str:
    words = ["curl", "-s", "-m", "5", "-H", f"Accept-Language: {language}", NOTICE]
    return world.lab[who].run(words, check=False).stdout


def test_nobody_new_gets_through_a_node_in_maintenance_and_each_is_told_where_to_go(world: World) -> None:
    carol = world.customer()
    site = Account(world, carol.session)
    with draining(world):
        listed = site.get("/en/account/openvpn").text
        assert OTHER in listed and NODE not in listed, "the site offers the other one"
        with world.wireguard("charlie", carol.devices[0]):
            wait_until(lambda: "maintenance" in page(world, "charlie"), within=10, every=0.2, what="the notice")
            assert "underhåll" in page(world, "charlie", "sv") and "gewartet" in page(world, "charlie", "de")
            assert "vedlikehold" in page(world, "charlie", "nb")
            assert world.lab["charlie"].run(["ping", "-c1", "-W1", str(ECHO_V4)], check=False).returncode != 0
    assert NODE in site.get("/en/account/openvpn").text
    with world.connected("charlie", world.customer().devices[0]) as back:
        assert back.ping(ECHO_V4), "and it lets people in again"


def test_an_openvpn_client_that_knocks_there_goes_to_the_next_server_of_its_profile(world: World) -> None:
    one = world.customer()
    profile = both_nodes(world, one)
    with draining(world):
        client = Person(world.lab["bob"]).openvpn_start(profile, *one.credential)
        try:
            assert client.reads_until(r"AUTH_FAILED,TEMP\[backoff 5,advance remote\]:server-in-maintenance", 20)
            wait_until(lambda: "203.0.113." in address(world, "bob"), within=40, every=0.5, what="the other server")
        finally:
            client.end()


@pytest.mark.night
def test_those_inside_are_led_out_within_a_minute_and_come_back_when_it_is_over(world: World) -> None:
    carol = world.customer()
    with world.wireguard("charlie", carol.devices[0]), openvpn(world, "bob", world.customer()) as (client, bob):
        charlie = Person(world.lab["charlie"])
        assert leaves_by(world, charlie) == leaves_by(world, bob) == NODE
        with draining(world):
            wait_until(lambda: "maintenance" in page(world, "charlie"), within=RENEWAL, every=0.5, what="the notice")
            wait_until(lambda: leaves_by(world, bob) == OTHER, within=MOVE, every=0.5, what="Bob's other server")
            assert client.process.poll() is None
        wait_until(lambda: leaves_by(world, charlie) == NODE, within=RENEWAL, every=0.5, what="her tunnel to open")
