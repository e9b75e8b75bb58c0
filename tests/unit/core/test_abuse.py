"""The rules against abuse as text: which numbers, and that overlapping blocks make no set that nft would refuse."""

import re
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.firewall import Ruleset
from tyst.core.firewall.abuse import Abuse, Blocked


def text(*blocks: Blocked) -> str:
    return Ruleset("eth0", parts=(Abuse(blocks),)).text({}, seed=7)


def test_mail_is_refused_and_submission_is_not_named() -> None:
    assert "  tcp dport 25 reject with tcp reset\n" in text()
    assert not re.search(r"\b(465|587)\b", text())


def test_a_tunnel_begins_200_flows_a_second_and_2000_at_once_in_elements_that_live_five_seconds() -> None:
    for family, kind in (("ip", 4), ("ip6", 6)):
        rule = f"update @vp_flows{kind} {{ {family} saddr limit rate over 200/second burst 2000 packets }} drop"
        assert rule in text()
    assert text().count("flags dynamic, timeout\n  timeout 5s\n") == 4


def test_what_conntrack_cannot_place_never_leaves() -> None:
    leave = text().partition("chain vp_leave")[2]
    assert leave.index("ct state invalid drop") < leave.index(
        "ip saddr @vp_open4 accept\n  ip6 saddr @vp_egress6 accept"
    )


def test_while_nothing_is_blocked_no_packet_pays_for_it() -> None:
    assert "vp_block" not in text()
    assert "vp_block" not in text(Blocked.of("192.0.2.0/24", "", 0, 0.5))


def test_a_block_stands_before_everything_that_accepts_and_ends_by_itself() -> None:
    said = text(Blocked.of("192.0.2.0/24", "tcp", 443, 90), Blocked.of("2001:db8::/32", "", 0, 30))
    forward = said.partition("chain vp_forward")[2]
    assert forward.index("@vp_block0 tcp dport 443") < forward.index("goto vp_leave")
    assert "elements = { 192.0.2.0/24 timeout 90s }" in said and "elements = { 2001:db8::/32 timeout 30s }" in said


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(8, 32), st.sampled_from(["tcp", "udp"])), max_size=12))
def test_no_set_holds_two_networks_that_overlap(given: list[tuple[int, int, str]]) -> None:
    blocks = [Blocked(ip_network((n << 24, size)), proto, 80, 60) for n, size, proto in given]
    said = text(*blocks)
    held = re.findall(r"set vp_block\d+ \{[^}]*elements = \{([^}]*)\}", said)
    nets = [[ip_network(one.split()[0]) for one in line.split(",")] for line in held]
    assert sum(map(len, nets)) == len(blocks)
    assert not any(one.overlaps(other) for share in nets for one in share for other in share if one is not other)


@pytest.mark.parametrize(
    "wrong", [("x", "tcp", 1), ("192.0.2.1/8", "tcp", 1), ("192.0.2.1", "sctp", 1), ("::", "", 80)]
)
def test_what_is_no_block_is_refused(wrong: tuple[str, str, int]) -> None:
    with pytest.raises(ValueError):
        Blocked.of(*wrong, 60)
