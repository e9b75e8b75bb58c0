"""Forwarded ports in the ruleset, as text. That it works: tests/findings/test_forwarded_ports.py."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from tyst.core.firewall import Ruleset
from tyst.core.firewall.ports import HIGHEST, LOWEST, ForwardedPorts, may_be_forwarded

EXITS = (IPv4Address("192.0.2.20"), IPv4Address("192.0.2.21"))


def test_only_the_addresses_by_which_tunnels_leave_have_forwarded_ports() -> None:
    part = ForwardedPorts(EXITS)
    assert "elements = { 192.0.2.20, 192.0.2.21 }" in part.declares()
    (rule,) = part.nat_in()
    assert rule.startswith("ip daddr @vp_forwards4 dnat ip to ")
    assert all(rule.startswith("ct original ip daddr @vp_forwards4 ") for rule in part.back())


def test_nothing_comes_in_but_to_an_open_tunnel() -> None:
    assert [rule for rule in ForwardedPorts(EXITS).back() if rule.endswith("accept") and "@vp_open4" not in rule] == []


def test_a_node_without_exit_addresses_forwards_nothing_and_says_so_when_asked() -> None:
    part = ForwardedPorts()
    assert (part.declares(), *part.nat_in(), *part.back()) == ("",)
    (rule,) = part.services()
    assert rule == "ip saddr @vp_open4 ip daddr 10.0.0.1 udp dport 5351 accept"


@given(st.sets(st.integers(1, 65535), max_size=6), st.integers(1, 65535))
def test_no_tunnel_leaves_by_a_port_that_can_be_forwarded(udp: set[int], wireguard: int) -> None:
    low, _ = Ruleset("eth0", wireguard, udp=tuple(udp)).snat_range
    assert low > HIGHEST > LOWEST > 1023


def test_ports_of_the_node_itself_are_never_handed_out() -> None:
    assert may_be_forwarded(LOWEST) and may_be_forwarded(HIGHEST)
    assert not may_be_forwarded(20001, {20001})
    assert not any(map(may_be_forwarded, (0, 22, 443, 1194, 5351, LOWEST - 1, HIGHEST + 1, 51820)))
