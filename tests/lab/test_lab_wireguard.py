"""A stock WireGuard client on a lab host: what the journey stands on. No part of Tyst is in this path."""

from collections.abc import Iterator

import pytest

from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

NODE = """[Interface]
PrivateKey = {private}
ListenPort = 51820
[Peer]
PublicKey = {public}
AllowedIPs = 10.9.0.2/32, fd00::2/128
"""
CLIENT = """[Interface]
PrivateKey = {private}
Address = 10.9.0.2/32, fd00::2/128
DNS = 10.9.0.1
[Peer]
PublicKey = {public}
Endpoint = 192.0.2.10:51820
AllowedIPs = 0.0.0.0/0, ::/0
"""
ROUTING = """table inet t {
 chain out {
  type nat hook postrouting priority srcnat
  oifname "eth0" masquerade
 }
}
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.build(hosts=["alice", "se-sto"]) as built:
        yield built


def key_pair(host: Host) -> tuple[str, str]:
    private = host.run(["wg", "genkey"]).stdout.strip()
    return private, host.run(["wg", "pubkey"], input=private).stdout.strip()


def start_node(host: Host, private: str, public: str) -> None:
    host.popen(["wireguard-go", "-f", "wg-plain"])
    wait_until(lambda: (host.root / "run/wireguard/wg-plain.sock").exists(), within=5, what="the UAPI socket")
    host.run(["wg", "setconf", "wg-plain", "/dev/stdin"], input=NODE.format(private=private, public=public))
    host.run(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
    for address in ("10.9.0.1/24", "fd00::1/64"):
        host.run(["ip", "addr", "add", address, "dev", "wg-plain"])
    host.run(["ip", "link", "set", "wg-plain", "up"])
    host.run(["nft", "-f", "-"], input=ROUTING)


def test_wg_quick_takes_alice_through_the_node_and_writes_nothing(lab: Lab) -> None:
    alice, node = lab["alice"], lab["se-sto"]
    (node_private, node_public), (private, public) = key_pair(node), key_pair(alice)
    start_node(node, node_private, public)
    before = {host.name: host.sectors_written() for host in lab}
    alice.run(
        ["sh", "-c", "umask 077; cat > /run/wg-home.conf"], input=CLIENT.format(private=private, public=node_public)
    )
    with Watch(alice, "eth0", "not udp port 51820", leaving=True) as outside:
        alice.run(["wg-quick", "up", "/run/wg-home.conf"])
        assert "10.9.0.1" in alice.run(["cat", "/etc/resolv.conf"]).stdout
        for address, family in ((node.ipv4, "-4"), (node.ipv6, "-6")):
            page = ["curl", "-sSm", "5", family, "--resolve", "echo.test:80:198.18.2.80,2001:db8:e::80"]
            assert alice.run([*page, "http://echo.test/"]).stdout.strip() == str(address)
    assert [packet for packet in outside.packets if packet.proto in ("tcp", "udp")] == []
    alice.run(["wg-quick", "down", "/run/wg-home.conf"])
    assert "198.51.100.1" in alice.run(["cat", "/etc/resolv.conf"]).stdout
    assert {host.name: host.sectors_written() for host in lab} == before
