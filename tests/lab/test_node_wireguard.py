"""A node and real WireGuard clients: peers that exist only while they are used, and what Mallory gets out of it."""

import base64
import hashlib
import os
import signal
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.lab.node_rig import NODE4, TUNNEL, WEB4, WEB6, Rig, rig
from tests.lab.small_internet import wait_for
from tests.unit.core.wireguard.initiator import Initiator
from tyst.core.wireguard.addresses import address4, tunnel_addresses

pytestmark = pytest.mark.lab

SEND = """
import socket,sys
s=socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET,socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[2])); got=[]
for line in sys.stdin: s.sendto(bytes.fromhex(line.strip()),(sys.argv[1],51820))
try:
    while True: got.append(s.recv(2048)[:1].hex())
except TimeoutError: pass
print(','.join(got))
"""


@pytest.fixture
def node() -> Iterator[Rig]:
    """Times shortened: idle 12 s instead of 180, provisional 3 instead of 10, renewals every 2 s."""
    with rig(idle=12, provisional=3, renew=2, sweep=0.5, quiet=8, linger=4, unknown=2) as made:
        yield made


def send(node: Rig, host: str, *messages: bytes, patience: float = 1.0, target: str = NODE4) -> list[str]:
    """Sends raw datagrams to the node's WireGuard port; the types of the messages that came back."""
    given = "\n".join(message.hex() for message in messages)
    done = node.net.run(host, "python3", "-c", SEND, target, str(patience), given=given)
    return [kind for kind in done.stdout.strip().split(",") if kind]


def initiator(node: Rig) -> Initiator:
    return Initiator(os.urandom(32), bytes.fromhex(node.public))


def test_alice_connects_with_wg_quick_and_the_node_held_no_peer_before(node: Rig) -> None:
    private = X25519PrivateKey.generate()
    four, six = tunnel_addresses(private.public_key().public_bytes_raw())
    assert node.peers() == 0
    text = (
        f"[Interface]\nPrivateKey = {base64.b64encode(private.private_bytes_raw()).decode()}\nAddress = {four}, {six}\n"
        f"[Peer]\nPublicKey = {base64.b64encode(bytes.fromhex(node.public)).decode()}\n"
        f"Endpoint = {NODE4}:51820\nAllowedIPs = 0.0.0.0/0, ::/0\n"
    )
    node.net.write("/run/test/se-sto.conf", text)
    up = node.net.run("alice", "wg-quick", "up", "/run/test/se-sto.conf")
    assert up.returncode == 0, up.stderr
    with node.watch(
        "alice", "eth0", "not", "port", "51820", "and", "not", "arp", "and", "not", "icmp6", seconds=0.3
    ) as outside:
        assert node.answers("alice", WEB4) and node.answers("alice", WEB6)
        assert node.answers("alice", "10.0.0.1") and node.answers("alice", "fd74:7973:7400::1")
    assert outside == [], "no packet leaves beside the tunnel"
    assert node.peers() == 1 and node.asked()[:4] == ["enrol", "announce", "admit/key", "confirm"]


@pytest.mark.parametrize("outer", [4, 6])
def test_of_a_hundred_never_seen_keys_none_waits_for_the_clients_retry(node: Rig, outer: int) -> None:
    found = node.pings("alice", 100, outer)
    assert None not in found
    assert max(ms for ms in found if ms is not None) < 4000, "WireGuard's own retry comes after five seconds"


def test_a_key_that_the_gate_does_not_know_gets_nothing_at_all(node: Rig) -> None:
    node.verdicts(admit=["unknown"])
    assert node.pings("mallory", 1, patience=2.0) == [None]
    assert node.peers() == 0 and node.asked()[2:] == ["admit/key"]
    node.verdicts()
    key = os.urandom(32).hex()
    node.verdicts(admit=["unknown", "open"])
    found = node.pings("mallory", 1, private=key, patience=12.0)
    assert found[0] is not None, "once the key is registered, the client's own retry brings it in"


def test_mallory_who_knows_alices_public_key_gets_nothing_and_the_gate_is_not_asked(node: Rig) -> None:
    alice, mallory = initiator(node), initiator(node)
    assert send(node, "mallory", mallory.initiation(claimed=alice.public)) == []
    assert node.asked()[2:] == [] and node.peers() == 0
    assert send(node, "alice", alice.initiation()) == ["02"], "the honest one is answered"


@pytest.mark.parametrize("change", ["wrong mac", "truncated", "longer", "flipped", "type"])
def test_damaged_initiations_get_nothing(node: Rig, change: str) -> None:
    good = initiator(node).initiation()
    bad = {
        "wrong mac": good[:116] + bytes(32),
        "truncated": good[:147],
        "longer": good + b"\0",
        "flipped": good[:60] + bytes([good[60] ^ 1]) + good[61:],
        "type": b"\x01\x01" + good[2:],
    }[change]
    assert send(node, "mallory", bad) == [] and node.asked()[2:] == [] and node.peers() == 0


def test_a_replay_gets_nothing_lasting_and_no_slot(node: Rig) -> None:
    recorded = initiator(node).initiation()
    assert send(node, "alice", recorded) == ["02"]
    wait_for(lambda: node.peers() == 0, 6, "the provisional peer, which never spoke, to go")
    assert send(node, "mallory", recorded, recorded) == []
    assert node.peers() == 0 and node.asked()[2:4].count("admit/key") == 1
    assert "confirm" not in node.asked(), "no slot was ever taken"


def test_alices_peer_goes_when_she_is_idle_and_her_lease_and_flows_with_it(node: Rig) -> None:
    alice4, _ = node.tunnel("alice")
    assert node.answers("alice", WEB4)
    wait_for(lambda: "confirm" in node.asked(), 3, "her slot")
    wait_for(lambda: any("held=1 quiet=1" in word for word in node.asked()), 12, "the quiet bit")
    wait_for(lambda: node.peers() == 0, 15, "the idle peer to go")
    wait_for(lambda: any("returned=1" in word for word in node.asked()), 3, "her lease to be given back")
    assert str(alice4) not in node.net.shell("node", "nft list set inet tyst vp_open4")
    assert f"src={alice4}" in node.net.shell("node", "cat /proc/net/nf_conntrack"), "inner flows linger"
    wait_for(lambda: f"src={alice4}" not in node.net.shell("node", "cat /proc/net/nf_conntrack"), 25, "and then go")


def test_a_full_account_sees_the_notice_and_the_site_and_nothing_else_until_a_slot_is_free(node: Rig) -> None:
    node.verdicts(admit=["garden:device-limit"])
    node.listen("gate", 80, 443)
    node.listen("web", 80)
    _, alice6 = node.tunnel("alice", target="10.0.0.1", patience=0.5)
    assert node.answers("alice", "fd74:7973:7400::2"), "the garden is IPv6 only"
    assert str(alice6) in node.net.shell("node", "nft list set inet tyst vp_garden6")
    page = node.net.shell("alice", "curl -s -m5 http://[fd74:7973:7400::2]/")
    assert "tyst.test" in page
    assert node.connects("alice", "2001:db8:c::10", 443) == "open"
    assert node.connects("alice", WEB6, 443) == "refused" and not node.answers("alice", WEB6)
    probe = node.net.shell("alice", "dig +short +tries=1 +time=3 @fd74:7973:7400::1 captive.apple.com AAAA")
    assert probe.strip() == "fd74:7973:7400::2"
    other = node.net.shell("alice", "dig +tries=1 +time=3 @fd74:7973:7400::1 echo.test AAAA")
    assert "NXDOMAIN" in other
    assert "tyst.test" in node.net.shell("alice", f"curl -s -m5 -L http://[{WEB6}]/"), "HTTP to anybody is the notice"
    node.verdicts()
    wait_for(lambda: node.answers("alice", WEB4), 10, "the promotion")
    assert str(alice6) not in node.net.shell("node", "nft list set inet tyst vp_garden6")


def _twins() -> tuple[str, str]:
    """Private keys of two devices whose derived IPv4 addresses are the same (by trying some thousands)."""
    seen: dict[object, str] = {}
    while True:
        private = X25519PrivateKey.generate()
        four = address4(private.public_key().public_bytes_raw())
        if four in seen:
            return seen[four], private.private_bytes_raw().hex()
        seen[four] = private.private_bytes_raw().hex()


def test_bob_whose_derived_address_alice_holds_gets_ipv6_and_she_keeps_her_tunnel(node: Rig) -> None:
    hers, his = _twins()
    alice4, _ = node.tunnel("alice", private=hers)
    bob4, _ = node.tunnel("bob", private=his, patience=0.5)
    assert alice4 == bob4, "they are twins"
    wait_for(lambda: node.answers("bob", WEB6), 5, "Bob's way out over IPv6")
    assert not node.answers("bob", WEB4), "the shared address stays with who came first"
    assert node.answers("alice", WEB4) and node.answers("alice", WEB6)
    assert node.wireguard("allowed-ips").count(f"{alice4}/32") == 1


def test_an_ended_subscription_reaches_the_open_tunnel(node: Rig) -> None:
    alice4, _ = node.tunnel("alice")
    assert node.answers("alice", WEB4)
    node.verdicts(ended="account-expired", admit=["garden:account-expired"])
    wait_for(lambda: not node.answers("alice", WEB4), 10, "the tunnel to end")
    assert node.answers("alice", "fd74:7973:7400::2"), "she is told why"
    assert str(alice4) not in node.wireguard("allowed-ips")
    node.verdicts(ended="account-changed", admit=["unknown"])
    wait_for(lambda: node.peers() == 0, 20, "and a key without a record goes altogether")


def test_the_gate_lost_alice_goes_on_and_returns_and_bob_is_told_why(node: Rig) -> None:
    name = f"{TUNNEL}-alice"
    private = os.urandom(32).hex()
    node.tunnel("alice", private=private)
    wait_for(lambda: any("held=1" in word for word in node.asked()), 6, "a renewal")
    node.net.signal(node.gate, signal.SIGKILL)
    node.gate.wait(5)
    assert node.answers("alice", WEB4)
    node.net.shell("alice", f"ip link set {name} down")
    wait_for(lambda: node.peers() == 0, 20, "her idle peer to go")
    node.net.shell("alice", f"ip link set {name} up")
    assert node.pings("alice", 1, private=private)[0] is not None
    assert node.answers("alice", "10.0.0.1")
    node.tunnel("bob", patience=0.5)
    page = node.net.shell("bob", "curl -s -m5 http://[fd74:7973:7400::2]/")
    assert "tyst.test" in page and not node.answers("bob", WEB6)
    node.gate = node.start_gate()
    wait_for(lambda: node.answers("bob", WEB4), 15, "Bob to be let out of the garden")


def test_a_killed_agent_leaves_no_daemon_and_a_closed_firewall_and_starts_again_with_the_same_key(node: Rig) -> None:
    private = os.urandom(32).hex()
    node.tunnel("alice", private=private)
    node.net.signal(node.node, signal.SIGKILL)
    node.node.wait(5)
    alive = "ps -eo stat=,args= | grep -E '^[^Z].*(unbound -d|wireguard-go -f wg-tyst)' | grep -v grep"
    wait_for(lambda: node.net.shell("node", alive).strip() == "", 3, "the daemons to be gone")
    assert "policy drop" in node.net.shell("node", "nft list chain inet tyst vp_forward")
    with node.watch("mallory", "eth0", "icmp", seconds=0.5) as heard:
        send(node, "mallory", initiator(node).initiation(), b"x", patience=0.3)
    assert heard == [], "nobody is at home, and nothing says so"
    before = node.public
    node.node = node.start_node({"idle": 12, "provisional": 3, "renew": 2, "sweep": 0.5})
    assert node.net.read("/run/test/node.pub") == before
    assert node.asked().count("enrol") == 1, "the identity in RAM goes on"
    assert node.pings("alice", 1, private=private)[0] is not None


def test_told_to_stop_the_node_leaves_no_rule_no_interface_no_process(node: Rig) -> None:
    node.tunnel("alice")
    wait_for(lambda: "confirm" in node.asked(), 3, "her slot")
    node.net.signal(node.node, signal.SIGTERM)
    assert node.node.wait(15) == 0
    assert node.net.shell("node", "nft list ruleset; pgrep -x unbound; ip link show wg-tyst 2>/dev/null").strip() == ""
    assert "10.0.0" not in node.net.shell("node", "ip addr; ip route")
    assert node.net.shell("node", "cat /proc/sys/net/ipv4/ip_forward").strip() == "0"
    assert any("returned=1" in word for word in node.asked()), "every lease went back"


def test_wireguard_killed_is_started_again_and_alice_comes_back(node: Rig) -> None:
    private = os.urandom(32).hex()
    node.tunnel("alice", private=private)
    node.net.shell("node", "kill -9 $(pgrep -f 'wireguard-go -f wg-tyst')")
    wait_for(lambda: node.net.shell("node", "wg show wg-tyst listen-port").strip() == "51820", 5, "a new WireGuard")
    assert node.peers() == 0
    assert wait_for(lambda: node.pings("alice", 1, private=private, patience=6.0)[0], 15, "Alice")


def test_garbage_at_the_port_is_no_matter(node: Rig) -> None:
    node.tunnel("alice")
    size = _resident(node)
    noise = [os.urandom(148) for _ in range(300)] + [b"\x01\0\0\0" + os.urandom(144) for _ in range(1000)]
    noise += [os.urandom(n) for n in range(1, 200)]
    assert send(node, "mallory", *noise) == []
    assert node.answers("alice", WEB4) and node.peers() == 1
    assert _resident(node) - size < 2048, "no growth"
    assert node.node.poll() is None


FLOOD = """
import hashlib,os,socket,sys,time
key=bytes.fromhex(sys.argv[1]); s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
end=time.monotonic()+float(sys.argv[2]); sent=0
print('up',flush=True)
while time.monotonic()<end:
    body=b'\\1\\0\\0\\0'+os.urandom(112)
    s.sendto(body+hashlib.blake2s(body,key=key,digest_size=16).digest()+bytes(16),('192.0.2.10',51820)); sent+=1
print(sent)
"""


def test_a_flood_with_valid_macs_stops_neither_alice_nor_a_newcomer_from_elsewhere(node: Rig) -> None:
    node.tunnel("alice")
    mac_key = hashlib.blake2s(b"mac1----" + bytes.fromhex(node.public)).hexdigest()
    flood = node.net.start("mallory", "python3", "-c", FLOOD, mac_key, "8")
    assert flood.stdout is not None and flood.stdout.readline() == "up\n"
    pings = node.net.run("alice", "ping", "-c100", "-i0.02", "-W2", WEB4).stdout
    assert " 0% packet loss" in pings
    assert node.pings("bob", 3, patience=4.0).count(None) == 0, "Bob comes in without a retry"
    assert int(flood.communicate(timeout=20)[0]) > 20_000
    assert node.asked().count("admit/key") == 4, "the gate never heard of it"


def _resident(node: Rig) -> int:
    """The agent's resident memory, KiB."""
    return int(node.net.shell("node", "ps -o rss= -p $(pgrep -f 'tests.lab.short_node' | head -1)"))


@pytest.mark.night
@pytest.mark.timeout(400)
def test_with_the_true_times_a_peer_is_gone_within_185_seconds() -> None:
    with rig() as node:
        node.tunnel("alice")
        name = f"{TUNNEL}-alice"
        node.net.shell("alice", f"ip link set {name} down")
        assert node.peers() == 1
        wait_for(lambda: node.peers() == 0, 186, "the peer to go")
