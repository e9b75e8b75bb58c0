"""A pair of nodes as a value, and an entry's share in the firewall as text."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.firewall import Ruleset, limits
from tyst.core.firewall.relay import FROM, Exit, Relay
from tyst.core.multihop import MOST_NODES, End, Pair, SameNodeError, openvpn_port, wireguard_port
from tyst.core.wireguard.config import FILE_NAME

STO, FRA = End("se-sto", "se", 1), End("de-fra", "de", 2)
EXITS = (
    Exit(2, IPv4Address("203.0.113.10"), IPv6Address("2001:db8:49::10")),
    Exit(7, IPv4Address("203.0.113.77"), IPv6Address("2001:db8:49::77"), 51900, 1200),
)


def test_a_pair_is_two_nodes_and_in_this_order() -> None:
    there, back = Pair(STO, FRA), Pair(FRA, STO)
    assert there != back
    assert (there.file_name, back.file_name) == ("mh-se1-de2", "mh-de2-se1")
    assert (there.wireguard_port, there.openvpn_port) == (30002, 20002)
    for other in (STO, End("se-sto", "se", 3), End("se-got", "se", 1)):
        with pytest.raises(SameNodeError):
            Pair(STO, other)


@given(st.integers(1, MOST_NODES), st.integers(1, MOST_NODES), st.sampled_from(["se", "de", "no"]))
def test_every_pairs_name_is_an_interfaces_name(one: int, other: int, country: str) -> None:
    if one != other:
        name = Pair(End("a", country, one), End("b", "us", other)).file_name
        assert FILE_NAME.fullmatch(name) and name.startswith("mh")


@pytest.mark.parametrize("number", [0, -1, MOST_NODES + 1])
def test_no_port_stands_for_what_is_no_node(number: int) -> None:
    for port in (wireguard_port, openvpn_port):
        with pytest.raises(ValueError, match="number"):
            port(number)


def text(*exits: Exit) -> str:
    return Ruleset("eth0", fleet=(IPv4Address("203.0.113.10"),), parts=(Relay(exits),)).text({}, seed=1)


def test_one_element_stands_for_each_exit_and_protocol() -> None:
    said = text(*EXITS)
    assert "30002 : 203.0.113.10 . 51820" in said and "20002 : 203.0.113.10 . 1194" in said
    assert "30007 : 203.0.113.77 . 51900" in said and "20007 : 203.0.113.77 . 1200" in said
    assert "30002 : 2001:db8:49::10 . 51820" in said
    assert "30001 :" not in said


def test_the_rules_are_the_same_for_any_fleet() -> None:
    some, none = Relay(EXITS), Relay(())
    for place in ("first", "nat_in", "forward", "nat_out"):
        assert getattr(some, place)() == getattr(none, place)() != ()
    assert "elements" not in none.declares()


def test_relayed_flows_leave_by_no_port_that_means_something() -> None:
    low, high = FROM
    assert low > wireguard_port(MOST_NODES) and high < 51820
    assert not set(range(low, high + 1)) & {51820, 51821, 1194, 443}


def test_nothing_is_passed_on_but_what_was_translated_here() -> None:
    assert all(rule.startswith("ct status dnat ct direction") and "@vp_ends" in rule for rule in Relay(EXITS).forward())


def test_the_fleets_entries_share_no_bucket_and_still_the_cap() -> None:
    said = limits(3)
    bucket, cap = said.index("add @vp_flood"), said.index("limit rate over 500")
    assert said.index("ip saddr @vp_fleet4 meta mark set") < bucket < cap
    assert "meta mark != 0xffffffff add @vp_flood" in said
    assert "203.0.113.10" in text().split("set vp_fleet4")[1].split("}")[0]
