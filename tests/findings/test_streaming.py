"""Streaming: listed names lead out by the node's streaming address for accounts that want it, and for nobody else.

`film.test` is listed and `echo.test` is not; both pages tell callers their own address. Each test begins without what
makes it so: the rule of the node, or the setting of the account.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest

from tests.findings.names import FILM
from tests.findings.world import NODE, Customer, World, without
from tyst.core.dns import INNER_PORT, RELAY_PORT
from tyst.core.faces import PLAIN
from tyst.lab.host import Host
from tyst.lab.topology import FILM_V4, FILM_V6, is_exit

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lists")]

STREAMING = {4: "192.0.2.40", 6: "2001:db8:4600::40"}
PROTOCOLS = ("wireguard", "openvpn")


def customer(world: World, *, streaming: bool) -> Customer:
    """Somebody who does, or doesn't, want streaming services to be led specially."""
    one = world.customer()
    world.sql("UPDATE account SET streaming = ? WHERE handle = ?", int(streaming), one.handle)
    return one


@contextmanager
def connected(world: World, protocol: str, one: Customer) -> Iterator[Host]:
    """Alice's host, with a stock client's tunnel."""
    way = world.wireguard("alice", one.devices[0]) if protocol == "wireguard" else world.openvpn("alice", one)
    with way:
        yield world.lab["alice"]


def seen(host: Host, name: str, family: int) -> str:
    """The address from which a page hears her."""
    words = ["curl", "-s", f"-{family}", "-m", "8", "--retry", "2", f"http://{name}/"]
    return host.run(words, check=False, timeout=40).stdout.strip()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_alice_wants_streaming_and_listed_names_alone_leave_by_its_address(world: World, protocol: str) -> None:
    with connected(world, protocol, customer(world, streaming=True)) as alice:
        for family in (4, 6):
            with without(world.node, "vp_nat_out", f"vp_streams{family}"):
                assert is_exit(NODE, seen(alice, FILM, family)), "without the rule it leaves as everything does"
            assert seen(alice, FILM, family) == STREAMING[family]
            assert is_exit(NODE, seen(alice, "echo.test", family)), "what isn't listed leaves as before"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bob_does_not_and_nothing_is_different_for_him(world: World, protocol: str) -> None:
    with connected(world, protocol, customer(world, streaming=False)) as bob:
        for family in (4, 6):
            assert is_exit(NODE, seen(bob, FILM, family)) and is_exit(NODE, seen(bob, "echo.test", family))


def test_the_node_keeps_destinations_that_end_by_themselves_and_nobody_who_asked(world: World) -> None:
    with connected(world, "wireguard", customer(world, streaming=True)) as alice:
        assert seen(alice, FILM, 4) == STREAMING[4] and seen(alice, FILM, 6) == STREAMING[6]
        inner = {str(address) for address in world.tunnel_addresses("alice", NODE)}
        for name, wanted in (("vp_streams4", FILM_V4), ("vp_streams6", FILM_V6)):
            said = world.node.run(["nft", "-j", "list", "set", "inet", "tyst", name]).stdout
            assert not any(address in said for address in inner)
            found = [
                one["elem"] for part in json.loads(said)["nftables"] for one in part.get("set", {}).get("elem", ())
            ]
            assert [ip_address(one["val"]) for one in found] == [wanted]
            assert all(0 < one["expires"] <= one["timeout"] <= 900 for one in found), "it ends with its name's lifetime"


def test_the_ports_behind_the_resolver_are_out_of_reach_from_a_tunnel(world: World) -> None:
    with connected(world, "wireguard", customer(world, streaming=True)) as alice:
        for port in (INNER_PORT, RELAY_PORT):
            words = ["dig", "+time=1", "+tries=1", "-p", str(port), f"@{PLAIN.four}", FILM]
            assert not re.search(r"status: ", alice.run(words, check=False, timeout=20).stdout)
            assert "status: NOERROR" in world.node.run(words, check=False, timeout=20).stdout, (
                "the node itself asks there"
            )
