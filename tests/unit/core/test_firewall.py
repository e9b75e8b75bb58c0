"""The ruleset as text: what must be in it, what must never be. That it works, tests/lab/test_node_firewall.py shows."""

import re
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.elements import elements
from tyst.core.firewall import COLLECTIONS, Element, Ruleset, limits, remove_text, reseed_text
from tyst.core.firewall.reach import HANDED, Reach

SITE = (IPv4Address("198.18.1.10"), IPv6Address("2001:db8:c::10"))
RULES = Ruleset("eth0", site=SITE, management=SITE)


def text(held: dict[str, list[Element]] | None = None, seed: int = 7) -> str:
    return RULES.text(held or {}, seed=seed)


def chain(name: str) -> list[str]:
    found = re.search(rf"^ chain {name} {{\n(.*?)^ }}\n", text(), re.M | re.S)
    assert found is not None, name
    return [line.strip() for line in found[1].splitlines()]


def test_it_replaces_the_whole_table_in_one_transaction_and_touches_no_other() -> None:
    lines = text().splitlines()
    assert lines[:3] == ["table inet tyst", "delete table inet tyst", "table inet tyst {"]
    assert "flush ruleset" not in text()
    assert remove_text().splitlines() == lines[:2]


def test_it_counts_nothing_and_logs_nothing() -> None:
    assert not re.search(r"\b(counter|log|nftrace|quota|meter)\b", text())


def test_open_tunnels_are_refilled_in_the_same_transaction() -> None:
    refilled = text(elements(["10.16.0.1", "10.16.0.2"], ["fd74::5"], ["fd74::6"], ["fd74::7"]))
    for element in ("10.16.0.1, 10.16.0.2", "fd74::5", "fd74::6", "fd74::7"):
        assert f"elements = {{ {element} }}" in refilled
    assert not any(f"set {one.name} {{\n  type ipv4_addr\n  elements" in text() for one in COLLECTIONS)


@pytest.mark.parametrize("name", ["vp_input", "vp_forward"])
def test_what_no_rule_allows_is_dropped(name: str) -> None:
    assert "policy drop" in chain(name)[0]


def test_a_tunnel_never_leaves_but_by_the_public_interface() -> None:
    assert chain("vp_leave")[0] == 'oifname != "eth0" drop'


def test_the_site_is_let_through_before_the_gate_is_shut_off() -> None:
    rules = chain("vp_leave")
    site = next(i for i, rule in enumerate(rules) if "@vp_site4" in rule)
    assert site < rules.index("ip daddr @vp_management4 drop") < rules.index("ip saddr @vp_open4 accept")


def test_private_ranges_are_shut_off_before_anything_is_open() -> None:
    rules = chain("vp_leave")
    assert rules.index("ip daddr @vp_bogons4 drop") < rules.index("ip saddr @vp_open4 accept")
    assert rules.index("ip6 daddr @vp_bogons6 drop") < rules.index("ip6 saddr @vp_egress6 accept")


def test_no_reply_comes_back_to_an_address_that_is_in_no_set() -> None:
    assert all("@vp_open4" in r or "@vp_egress6" in r or "@vp_garden6" in r for r in chain("vp_back"))
    assert not any(rule.startswith("ct state") and "vp_back" not in rule for rule in chain("vp_forward"))


def test_tunnel_flows_are_masqueraded_to_ports_on_which_nobody_listens() -> None:
    low, high = RULES.snat_range
    assert 32768 <= low < high <= 60999 and not low <= RULES.wireguard <= high
    nat = [rule for rule in chain("vp_nat_out") if "tcp, udp" in rule]
    assert len(nat) == 2 and all(rule.endswith(f"masquerade to :{low}-{high}") for rule in nat)


@given(st.sets(st.integers(1, 65535), max_size=6), st.integers(1, 65535))
def test_the_port_range_never_holds_a_listening_port(udp: set[int], wireguard: int) -> None:
    rules = Ruleset("eth0", wireguard, udp=tuple(udp))
    low, high = rules.snat_range
    assert 32768 <= low <= high <= 60999
    assert not any(low <= port <= high for port in {wireguard, rules.knocks, *udp})


def test_outer_flows_are_untracked_in_and_out_and_over_lo() -> None:
    into, out = chain("vp_first"), chain("vp_first_out")
    assert any("udp dport { 1194, 51820 } fib daddr type local notrack" in rule and '"lo"' in rule for rule in into)
    assert any("tcp dport { 443 } fib daddr type local notrack" in rule for rule in into)
    assert any("udp sport { 1194, 51820 } notrack" in rule and '"eth0"' in rule for rule in out)


def test_an_initiation_from_outside_goes_to_the_agents_listener_after_the_limits_and_nothing_else_does() -> None:
    rules = chain("vp_first")
    limited = next(i for i, rule in enumerate(rules) if "jump vp_limits" in rule)
    turned = next(i for i, rule in enumerate(rules) if rule.endswith("udp dport set 51821"))
    assert limited < turned and "udp dport 51820 udp length 156 @th,64,32 0x01000000" in rules[turned]
    assert rules[3] == "udp dport 51821 fib daddr type local drop", "nobody reaches the listener by its own port"


def test_the_flood_buckets_hold_numbers_under_a_seed_and_no_address() -> None:
    assert "type mark" in text() and "jhash @nh,96,24 mod 4096 seed 0x7" in text()
    assert limits(1) != limits(2)
    assert reseed_text(9).startswith("flush chain inet tyst vp_limits\nflush set inet tyst vp_flood\n")


def test_relays_reach_one_port_each_and_open_no_connection_outwards() -> None:
    rules = Ruleset("eth0", parts=(Reach(),)).text({}, seed=7)
    relays = rules.split(" chain vp_relays {\n")[1].split(" }\n")[0].splitlines()
    assert relays[-1].strip() == "drop" and len(relays) == 5
    assert sum("(syn | ack) != syn return" in line for line in relays) == 2
    assert sum('oifname "lo" ip daddr 127.0.0.1' in line for line in relays) == 2
    assert rules.index("jump vp_relays") < rules.index('oifname "eth0" udp sport')


def test_a_wrapped_initiation_goes_to_the_listener_unless_the_agent_hands_it_on() -> None:
    rules = Ruleset("eth0", parts=(Reach(),)).text({}, seed=7)
    (line,) = [line for line in rules.splitlines() if "jump vp_wrapped" in line]
    assert 'iifname "lo" ip saddr 127.0.0.1 udp dport 51820' in line and f"meta mark != {HANDED:#x}" in line
