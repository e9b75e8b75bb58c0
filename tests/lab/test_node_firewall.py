"""The node's firewall against people: each attack is first shown to work without the rule, then to fail with it.

Rows are those of the finding classes (port shadow, ARP, in-tunnel probing, client to client, spoofing, own services).
"""

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests.lab.node_rig import NODE4, TUNNEL, WEB4, WEB6, Rig, rig
from tests.lab.small_internet import wait_for

pytestmark = pytest.mark.lab
People = dict[str, tuple[IPv4Address, IPv6Address]]


@pytest.fixture(scope="module")
def node() -> Iterator[Rig]:
    with rig() as made:
        made.listen("web", 80, 853)
        made.listen("node", 2222)
        yield made


@pytest.fixture(scope="module")
def people(node: Rig) -> People:
    found = {name: node.tunnel(name) for name in ("alice", "bob")}
    wait_for(lambda: node.asked().count("confirm") == 2, 5, "both to be confirmed")
    return found


def test_alice_reaches_the_world_over_both_protocols_and_the_world_sees_the_node(node: Rig, people: People) -> None:
    assert node.connects("alice", WEB4, 80) == "open" and node.connects("alice", WEB6, 80) == "open"
    with node.watch("web", "eth0", "icmp[icmptype]=8 or (ip6 and ip6[40]=128)", seconds=0.5) as seen:
        assert node.answers("alice", WEB4) and node.answers("alice", WEB6)
    assert any(f"{NODE4} > {WEB4}" in line for line in seen)
    assert any("2001:db8:46::10 > 2001:db8:e::80" in line for line in seen)
    assert not any("198.51.100.11" in line or str(people["alice"][0]) in line for line in seen)


def test_the_outer_flow_leaves_no_trace_in_connection_tracking(node: Rig, people: People) -> None:
    assert node.answers("alice", WEB4)
    tracked = node.net.shell("node", "cat /proc/net/nf_conntrack")
    assert str(people["alice"][0]) in tracked, "inner flows are tracked"
    assert "198.51.100.11" not in tracked and "dport=51820" not in tracked
    with node.ruleset(
        ("udp dport { 1194, 51820 } fib daddr type local notrack", "udp dport 1 notrack"),
        ("udp sport { 1194, 51820 } notrack", "udp sport 1 notrack"),
    ):
        assert node.answers("alice", WEB4)
        assert "198.51.100.11" in node.net.shell("node", "cat /proc/net/nf_conntrack")
    node.net.shell("node", "conntrack -F")


def test_row_15_bob_cannot_reach_alice(node: Rig, people: People) -> None:
    alice4, alice6 = map(str, people["alice"])
    with node.without(vp_leave="accept", vp_forward="accept"):
        assert node.answers("bob", alice4) and node.answers("bob", alice6)
    node.net.shell("node", "conntrack -F")
    assert not node.answers("bob", alice4) and not node.answers("bob", alice6)
    with node.watch("alice", f"{TUNNEL}-alice", "src", str(people["bob"][0]), seconds=0.5) as heard:
        for target in ("224.0.0.1", "255.255.255.255", alice4):
            node.answers("bob", target, "-I", f"{TUNNEL}-bob")
    assert heard == [], "multicast reaches nobody either"


def test_row_18_mallory_cannot_send_as_somebody_else(node: Rig, people: People) -> None:
    name, bob4 = f"{TUNNEL}-alice", str(people["bob"][0])
    node.net.shell("alice", f"ip addr add {bob4}/32 dev {name}; ip addr add 172.31.9.9/32 dev {name}")
    assert not node.answers("alice", WEB4, "-I", bob4), "WireGuard itself refuses another peer's address"
    key = node.net.shell("alice", f"wg show {name} public-key").strip()
    allowed = node.net.shell("node", f"wg show wg-tyst allowed-ips | grep '{key}'").split()[1:]
    node.net.shell("node", f"wg set wg-tyst peer '{key}' allowed-ips {','.join([*allowed, '172.31.9.9/32'])}")
    node.net.shell("node", "ip route add 172.31.9.9/32 dev wg-tyst")
    with node.without(vp_whence="accept", vp_leave="accept", vp_forward="accept", vp_nat_out="masquerade"):
        assert node.answers("alice", WEB4, "-I", "172.31.9.9")
    node.net.shell("node", "conntrack -F")
    with node.without(vp_leave="accept", vp_forward="accept", vp_nat_out="masquerade"):
        assert not node.answers("alice", WEB4, "-I", "172.31.9.9"), "and the firewall refuses any source but a tunnel's"
    node.net.shell("alice", f"ip addr del {bob4}/32 dev {name}; ip addr del 172.31.9.9/32 dev {name}")
    node.net.shell("node", "ip route del 172.31.9.9/32 dev wg-tyst")


@pytest.mark.parametrize("target", ["10.0.0.1", "10.0.0.2", "192.0.2.10", "fd74:7973:7400::1", "2001:db8:46::10"])
def test_row_19_from_a_tunnel_the_nodes_own_services_are_out_of_reach(node: Rig, people: People, target: str) -> None:
    source = str(people["alice"][0 if "." in target else 1])
    with node.without(vp_services="accept"):
        assert node.connects("alice", target, 2222, source) == "open"
    node.net.shell("node", "conntrack -F")
    assert node.connects("alice", target, 2222, source) == "silence"


def test_row_19_dns_and_the_notice_page_are_in_reach(node: Rig, people: People) -> None:
    for address in ("10.0.0.2", "fd74:7973:7400::2"):
        assert node.connects("alice", address, 80) == "open"
    for address in ("10.0.0.1", "fd74:7973:7400::1"):
        assert "status: " in node.net.shell("alice", f"dig +tries=1 +time=5 @{address} localhost")


@pytest.mark.parametrize("target", ["169.254.169.254", "192.168.77.1", "172.20.0.1", "100.64.0.1", "fd99::1"])
def test_row_20_private_and_metadata_addresses_are_out_of_reach(node: Rig, people: People, target: str) -> None:
    length = 128 if ":" in target else 32
    node.net.shell("web", f"ip addr add {target}/{length} dev lo")
    node.net._inside(["ip", "route", "replace", f"{target}/{length}", "via", WEB6 if ":" in target else WEB4])
    family = "ip6" if ":" in target else "ip"
    with node.without(vp_leave=f"{family} daddr {target} accept"):
        assert node.answers("alice", target)
    node.net.shell("node", "conntrack -F")
    assert not node.answers("alice", target)


def test_the_gate_is_out_of_reach_and_the_site_on_the_same_address_is_not(node: Rig, people: People) -> None:
    node.listen("gate", 443)
    for address in ("198.18.1.10", "2001:db8:c::10"):
        assert node.connects("alice", address, 443) == "open"
    with node.without(vp_leave="ip daddr 198.18.1.10 accept"):
        assert node.connects("alice", "198.18.1.10", 8443) == "open"
    assert node.connects("alice", "198.18.1.10", 8443) == "silence"


def test_dns_to_anybody_else_is_answered_by_the_nodes_resolver(node: Rig, people: People) -> None:
    asked = node.net.shell("alice", f"dig +tries=1 +time=5 @{WEB4} localhost A")
    assert "127.0.0.1" in asked, "nobody answers on that host but our resolver does"
    asked = node.net.shell("alice", f"dig +tries=1 +time=5 +tcp @{WEB6} localhost A")
    assert "127.0.0.1" in asked


def test_encrypted_dns_to_anybody_else_is_refused_at_once(node: Rig, people: People) -> None:
    with node.without(vp_leave="accept"):
        assert node.connects("alice", WEB4, 853) == "open"
    node.net.shell("node", "conntrack -F")
    assert node.connects("alice", WEB4, 853) == "refused"


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.2"])
def test_row_6_the_node_answers_no_arp_for_a_tunnel_address(node: Rig, people: People, address: str) -> None:
    look = ["sh", "-c", f"arping -c2 -w2 -I r-node {address} | grep -c 'reply from' || true"]
    node.net.shell("node", "echo 0 > /proc/sys/net/ipv4/conf/all/arp_ignore")
    assert int(node.net._inside(look).strip()) > 0, "without arp_ignore it does"
    node.net.shell("node", "echo 2 > /proc/sys/net/ipv4/conf/all/arp_ignore")
    assert int(node.net._inside(look).strip()) == 0


@pytest.mark.parametrize("rp_filter", ["0", "1", "2"])
@pytest.mark.parametrize("port", [80, 81])
def test_row_7_probing_tunnel_addresses_from_the_nodes_network_gets_silence(
    node: Rig, people: People, port: int, rp_filter: str
) -> None:
    node.net._inside(["ip", "route", "replace", "10.0.0.0/8", "via", NODE4, "dev", "r-node"])
    node.net.shell("node", f"echo {rp_filter} > /proc/sys/net/ipv4/conf/eth0/rp_filter")
    try:
        with node.without(vp_whence="accept", vp_input="accept", vp_last_out="accept"):
            assert _root_connects(node, "10.0.0.2", port) == ("open" if port == 80 else "refused")
        node.net.shell("node", "conntrack -F")
        assert _root_connects(node, "10.0.0.2", port) == "silence"
        assert _root_connects(node, str(people["alice"][0]), port) == "silence"
    finally:
        node.net.shell("node", "echo 0 > /proc/sys/net/ipv4/conf/eth0/rp_filter")
        node.net._inside(["ip", "route", "del", "10.0.0.0/8"])


def _root_connects(node: Rig, target: str, port: int) -> str:
    script = (
        "import socket\ns=socket.socket(); s.settimeout(1)\n"
        f"try: s.connect(({target!r},{port})); print('open')\n"
        "except ConnectionRefusedError: print('refused')\nexcept OSError: print('silence')\n"
    )
    return node.net._inside(["python3", "-c", script]).strip()


SHADOW = """
import socket,sys,time
port=int(sys.argv[1]); s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((sys.argv[2],port))
s.sendto(b'open', (sys.argv[3], 4000)); print('sent',flush=True); s.settimeout(2.5)
try: print('stolen' if s.recv(99)==b'secret' else 'other')
except TimeoutError: print('nothing')
"""
VICTIM = """
import socket,sys
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('0.0.0.0',4000))
s.sendto(b'secret',(sys.argv[1],int(sys.argv[2])))
"""


def _steal(node: Rig, port: int, source: str) -> str:
    """Alice binds a port on which the node listens and sends to the web host; it then sends to that port."""
    node.net.shell("node", "conntrack -F")
    attacker = node.net.start("alice", "python3", "-c", SHADOW, str(port), source, WEB4)
    assert attacker.stdout is not None and attacker.stdout.readline() == "sent\n"
    node.net.run("web", "python3", "-c", VICTIM, NODE4, str(port))
    return attacker.communicate(timeout=10)[0].strip()


@pytest.mark.parametrize("port", [51820, 1194])
def test_row_11_mallory_cannot_shadow_a_port_on_which_the_node_listens(node: Rig, people: People, port: int) -> None:
    source = str(people["alice"][0])
    range_, ports = "masquerade to :32768-51819", "udp sport { 1194, 51820 }"
    bare = (
        (range_, "masquerade"),
        ("dport { 1194, 51820 } fib daddr type local notrack", "dport 1 notrack"),
        ("dport { 1194, 51820 } notrack", "dport 1 notrack"),
        (f"{ports} ip saddr != @vp_mine4 drop", "udp sport 1 drop"),
    )
    with node.ruleset(*bare):
        assert _steal(node, port, source) == "stolen", "with a plain masquerade the attack works"
    with node.ruleset(*bare[1:]):
        assert _steal(node, port, source) == "nothing", "the port range alone stops it"
    assert _steal(node, port, source) == "nothing"


def test_without_ipv6_in_the_account_the_way_out_is_ipv4_only_and_says_so_at_once(node: Rig, people: People) -> None:
    confirmed = node.asked().count("confirm")
    node.verdicts(ipv6=False)
    node.tunnel("mallory")
    wait_for(lambda: node.asked().count("confirm") > confirmed, 5, "her lease")
    node.verdicts()
    assert node.answers("mallory", WEB4)
    told = node.net.run("mallory", "ping", "-c1", "-W2", WEB6)
    assert told.returncode != 0 and "No route" in told.stdout
    assert node.answers("mallory", "fd74:7973:7400::1"), "the services inside the tunnel still work"


def test_an_ended_tunnels_open_connections_carry_nothing_more(node: Rig, people: People) -> None:
    stream = node.net.start("alice", "ping", "-i0.2", "-W1", "-c60", WEB4)
    assert stream.stdout is not None
    stream.stdout.readline()
    assert "ttl" in stream.stdout.readline()
    saved = subprocess.list2cmdline([str(people["alice"][0])])
    node.nft(f"delete element inet tyst vp_open4 {{ {saved} }}")
    rest = stream.communicate(timeout=30)[0]
    assert rest.count("ttl") <= 3
    node.nft(f"add element inet tyst vp_open4 {{ {saved} }}")


def test_the_node_sends_no_tunnel_address_into_its_own_network(node: Rig, people: People) -> None:
    inner = ["net", "10.0.0.0/8", "or", "net", "fd74:7973:7400::/48"]
    with node.watch("node", "eth0", *inner, seconds=0.5) as seen:
        for target in (WEB4, "10.200.1.1", "192.168.77.1"):
            node.answers("alice", target)
    assert seen == []
    with node.without(vp_nat_out="accept"), node.watch("node", "eth0", *inner, seconds=0.5) as seen:
        node.net.shell("node", "conntrack -F")
        node.answers("alice", WEB4)
    assert seen, "without the rule that rewrites sources it would"
    node.net.shell("node", "conntrack -F")


def test_the_firewall_is_there_before_anything_is_forwarded(node: Rig) -> None:
    assert "policy drop" in node.net.shell("node", "nft list chain inet tyst vp_forward")
