"""The lab's plan: nothing overlaps, nothing is a real or a private address, everybody is reachable."""

from ipaddress import IPv4Network, IPv6Network
from itertools import combinations

import pytest

from tyst.lab import geo, topology
from tyst.lab.plan import Entry, HostPlan, LabPlan
from tyst.lab.topology import CLIENTS, NETWORKS, NODES, PLACES, with_backbone

DOCUMENTATION = [IPv4Network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")]


def test_networks_do_not_overlap() -> None:
    for one, other in combinations(NETWORKS.values(), 2):
        assert not one.ipv4.overlaps(other.ipv4)
        assert not one.ipv6.overlaps(other.ipv6)


def test_every_address_is_one_that_nobody_on_earth_has() -> None:
    for network in NETWORKS.values():
        assert any(network.ipv4.subnet_of(reserved) for reserved in DOCUMENTATION)
        assert network.ipv6.subnet_of(IPv6Network("2001:db8::/32"))


def test_no_two_hosts_share_an_address() -> None:
    addresses = [address for place in PLACES.values() for address in (place.ipv4, place.ipv6)]
    assert len(set(addresses)) == len(addresses)


def test_addresses_of_both_families_read_alike() -> None:
    assert str(PLACES["alice"].ipv4).endswith(".11")
    assert str(PLACES["alice"].ipv6).endswith("::11")
    assert str(topology.AUTHORITATIVE_V6).endswith("::53")


def test_the_cast_and_the_cities_are_there() -> None:
    assert CLIENTS[:4] == ("alice", "bob", "charlie", "mallory")
    assert NODES == ("se-sto", "de-fra")


def test_a_choice_of_hosts_comes_with_the_internet_they_need() -> None:
    assert with_backbone(("alice",)) == ("internet", "web", "isp", "alice")
    assert with_backbone(("se-sto",)) == ("internet", "web", "se-sto")


def test_an_unknown_host_is_named() -> None:
    with pytest.raises(ValueError, match="no such host in the lab: eve"):
        with_backbone(("eve",))


def test_countries_are_sorted_ranges_without_overlap() -> None:
    rows = [line.split(",") for line in geo.table4().splitlines() if not line.startswith("#")]
    numbers = [int(text) for low, high, _ in rows for text in (low, high)]
    assert numbers == sorted(numbers)
    assert [f"{int(PLACES['bob'].ipv4)}"] * 2 + ["DE"] in rows
    assert f"{PLACES['mallory'].ipv6},{PLACES['mallory'].ipv6},US" in geo.table6().splitlines()


def test_a_plan_survives_its_line() -> None:
    host = HostPlan("alice", False, (Entry("/etc/a", "text\n", mode=0o600), Entry("/etc/b", "/run/b", link=True)))
    plan = LabPlan("one", 7, "/run/x", ("/work",), (host,))
    assert plan.to_line().count("\n") == 1
    assert LabPlan.from_line(plan.to_line()) == plan


def test_a_tunnel_leaves_by_the_nodes_pool_and_by_nothing_else_of_the_node() -> None:
    assert topology.exits_of("de-fra") == {"203.0.113.20", "203.0.113.21"}
    assert topology.is_exit("se-sto", "192.0.2.27") and topology.is_exit("se-sto", "2001:db8:4600::7")
    for other in (
        str(PLACES["se-sto"].ipv4),
        str(PLACES["se-sto"].ipv6),
        "192.0.2.32",
        "192.0.2.40",
        "203.0.113.20",
        "",
    ):
        assert not topology.is_exit("se-sto", other)
    assert topology.is_exit("de-fra", str(PLACES["de-fra"].ipv6)), "NAT66 where no prefix is routed"
    assert not topology.is_exit("se-sto", topology.POOLS["se-sto"]["streaming"].split()[1]), "streaming is no exit"
