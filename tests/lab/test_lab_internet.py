"""The lab's internet, before any VPN: addresses, names, who asks whom, what a watcher sees."""

import json
import socket
from collections.abc import Iterator

import pytest

from tyst.lab import topology
from tyst.lab.dns import ask
from tyst.lab.host import CommandFailed
from tyst.lab.lab import Lab
from tyst.lab.relay import Relay
from tyst.lab.topology import CLIENTS, PLACES
from tyst.lab.wait import NotInTime, wait_until
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.build() as built:
        yield built


def echo(lab: Lab, host: str, *options: str) -> str:
    """What the echo server says is the host's address."""
    return lab[host].run(["curl", "-sSm", "5", *options, "http://echo.test/"]).stdout.strip()


@pytest.mark.parametrize("name", [*CLIENTS, "se-sto", "de-fra", "control"])
def test_the_echo_server_tells_everybody_their_own_addresses(lab: Lab, name: str) -> None:
    assert echo(lab, name, "-4") == str(lab[name].ipv4)
    assert echo(lab, name, "-6") == str(lab[name].ipv6)


def test_alice_asks_her_providers_resolver_and_the_witness_names_it(lab: Lab) -> None:
    lab["alice"].run(["getent", "ahostsv4", "first-question.probe.test"])
    page = "http://echo.test/resolvers?name=first-question.probe.test"
    askers = json.loads(lab["bob"].run(["curl", "-sSm", "5", page]).stdout)["resolvers"]
    assert askers
    assert set(askers) <= {str(topology.ISP_RESOLVER_V4), str(topology.ISP_RESOLVER_V6)}


def test_a_name_nobody_asked_for_has_no_asker(lab: Lab) -> None:
    page = "http://echo.test/resolvers?name=never-asked.probe.test"
    assert json.loads(lab["alice"].run(["curl", "-sSm", "5", page]).stdout) == {"resolvers": []}


def test_mallory_who_asks_the_authority_herself_is_named_as_the_asker(lab: Lab) -> None:
    ask(lab["mallory"], "direct.probe.test", server=str(topology.AUTHORITATIVE_V4))
    page = "http://echo.test/resolvers?name=direct.probe.test"
    found = json.loads(lab["mallory"].run(["curl", "-sSm", "5", page]).stdout)["resolvers"]
    assert found == [str(lab["mallory"].ipv4)]


@pytest.mark.parametrize("server", [topology.ISP_RESOLVER_V4, topology.ISP_RESOLVER_V6])
def test_names_lead_to_the_hosts_that_carry_them(lab: Lab, server: object) -> None:
    alice = lab["alice"]
    assert ask(alice, "tyst.test", server=str(server)) == [str(PLACES["control"].ipv4)]
    assert ask(alice, "gate.tyst.test", "AAAA", server=str(server)) == [str(PLACES["control"].ipv6)]
    assert ask(alice, "se-sto.tyst.test", server=str(server)) == [str(PLACES["se-sto"].ipv4)]
    assert ask(alice, "no-such-name.test", server=str(server)) == []


def test_dns_works_over_tcp(lab: Lab) -> None:
    command = ["dig", "+tcp", "+short", "+time=3", "+tries=1", f"@{topology.AUTHORITATIVE_V4}", "echo.test"]
    assert lab["alice"].run(command).stdout.strip() == str(topology.ECHO_V4)


def test_garbage_at_the_dns_port_gets_no_answer_and_does_no_harm(lab: Lab) -> None:
    with lab["mallory"].socket(socket.AF_INET, socket.SOCK_DGRAM) as mallory:
        mallory.settimeout(0.3)
        for packet in (b"", b"\0", b"\xff" * 600, bytes(12)):
            mallory.sendto(packet, (str(topology.AUTHORITATIVE_V4), 53))
        with pytest.raises(TimeoutError):
            mallory.recv(512)
    assert ask(lab["alice"], "echo.test", server=str(topology.AUTHORITATIVE_V4))


def test_the_internet_does_not_lead_to_the_real_machine(lab: Lab) -> None:
    with pytest.raises(CommandFailed):
        lab["alice"].run(["ping", "-c1", "-W1", "-n", "1.1.1.1"])


def test_a_watcher_sees_alices_request_and_only_what_its_filter_lets_through(lab: Lab) -> None:
    with Watch(lab["alice"], "eth0", "tcp port 80", leaving=True) as watch:
        echo(lab, "alice", "-4")
        watch.wait_for(lambda packet: packet.dst == topology.ECHO_V4, what="her request")
    assert all(packet.proto == "tcp" and packet.dport == 80 and packet.leaving for packet in watch.packets)
    assert any(b"GET / HTTP/1.1" in packet.data for packet in watch.packets)
    assert {packet.src for packet in watch.packets} == {lab["alice"].ipv4}


def test_a_watcher_reads_ipv6_and_both_directions(lab: Lab) -> None:
    with Watch(lab["alice"], "eth0", "tcp port 80") as watch:
        echo(lab, "alice", "-6")
        watch.wait_for(lambda packet: not packet.leaving and b"200 OK" in packet.data, what="the answer")
    assert {packet.leaving for packet in watch.packets} == {True, False}
    assert {packet.src for packet in watch.packets} == {lab["alice"].ipv6, topology.ECHO_V6}


def test_a_watcher_does_not_see_other_hosts(lab: Lab) -> None:
    with Watch(lab["bob"], "eth0", "tcp") as watch:
        echo(lab, "alice")
    assert watch.count() == 0


def test_a_watcher_works_on_a_tunnel_interface(lab: Lab) -> None:
    alice = lab["alice"]
    tunnel = alice.popen(["wireguard-go", "-f", "wg-probe"])
    up = ["sh", "-c", "ip addr add 10.9.0.1/24 dev wg-probe && ip link set wg-probe up"]
    wait_until(lambda: alice.run(up, check=False).returncode == 0, within=5, what="the tunnel interface")
    with Watch(alice, "wg-probe", "udp port 9") as watch, alice.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"hello", ("10.9.0.2", 9))
        seen = watch.wait_for(lambda packet: packet.dport == 9 and packet.data.endswith(b"hello"))
    assert str(seen.dst) == "10.9.0.2"
    tunnel.kill()
    tunnel.wait(5)


def test_a_filter_that_is_none_is_refused(lab: Lab) -> None:
    with pytest.raises(ValueError, match="tcpdump refuses"):
        Watch(lab["alice"], "eth0", "no such words")


def test_bob_reaches_a_server_in_the_lab_from_the_real_machines_loopback(lab: Lab) -> None:
    relay = Relay(lab["web"], (str(topology.ECHO_V4), 80), port=0).start()
    try:
        with socket.create_connection(relay.address, timeout=5) as bob:
            bob.sendall(b"GET / HTTP/1.1\r\nHost: echo.test\r\n\r\n")
            answer = b"".join(iter(lambda: bob.recv(65536), b""))
    finally:
        relay.stop()
        relay.stop()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert str(topology.ECHO_V4).encode() in answer


def test_clients_trust_the_sites_certificate_and_no_other(lab: Lab) -> None:
    control = lab["control"]
    identity = ["-cert", topology.SITE_CERTIFICATE, "-key", topology.SITE_KEY]
    server = control.popen(["openssl", "s_server", "-quiet", "-www", "-accept", "443", *identity])
    try:
        page = ["curl", "-sSm", "5", "-o", "/dev/null", "https://tyst.test/"]
        wait_until(
            lambda: lab["alice"].run(page, check=False).returncode == 0, within=5, what="alice to trust the site"
        )
        wrong_name = lab["alice"].run([*page[:-1], "https://gate.tyst.test/"], check=False)
        assert "gate.tyst.test" in wrong_name.stderr
    finally:
        server.kill()
        server.wait(5)


def test_countries_are_on_the_control_host(lab: Lab) -> None:
    alice, mallory = int(lab["alice"].ipv4), int(lab["mallory"].ipv4)
    rows = lab["control"].run(["cat", topology.GEOIP_V4]).stdout.splitlines()
    assert f"{alice},{alice},SE" in rows
    assert f"{mallory},{mallory},US" in rows
    assert f"{lab['charlie'].ipv6},{lab['charlie'].ipv6},NO" in lab["control"].run(["cat", topology.GEOIP_V6]).stdout


def test_waiting_says_what_for() -> None:
    with pytest.raises(NotInTime, match=r"waited 0\.05 s for the moon; the last answer was 0"):
        wait_until(lambda: 0, within=0.05, every=0.01, what="the moon")
