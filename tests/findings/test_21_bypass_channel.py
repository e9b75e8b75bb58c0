"""Row 21: a process of nobody's rights sends around the tunnel: to the node's port, or to anybody, by binding its socket
to the network card (Linux lets everybody do that since 5.7), or by waiting until WireGuard dies.

The page offers, beside the portable file, one for wg-quick with a kill switch that is bound to WireGuard's own mark.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.findings.world import NODE, World
from tyst.core.wireguard.config import from_text, linux_text
from tyst.journey.person import Person
from tyst.lab.topology import ECHO_V4, ECHO_V6
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

WHO = "charlie"
PORT, NODES_PORT = 40021, 51820
SENDER = """
import json, os, socket, sys
bound, places = json.loads(sys.argv[1])
assert os.getuid() and "CapEff:\\t0000000000000000" in open("/proc/self/status").read()
for address, port in places:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            if bound:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
            one.sendto(b"around", (address, port))
        except OSError:
            pass
"""
"""What an unprivileged process does."""


@contextmanager
def connected(world: World, *, switch: bool) -> Iterator[Person]:
    """wg-quick on her machine, with the portable file or with the one for Linux."""
    text = world.config(world.customer().devices[0])
    person = Person(world.lab[WHO])
    person.wireguard_up(linux_text(from_text(text)) if switch else text, NODE)
    try:
        wait_until(lambda: person.ping(str(ECHO_V4)), within=15, what="the tunnel")
        yield person
    finally:
        person.host.run(["wg-quick", "down", f"/run/{NODE}.conf"], check=False)
        person.host.run(["rm", "-f", f"/run/{NODE}.conf"])
        person.host.run(["nft", "delete", "table", "inet", "tyst_kill_switch"], check=False)


def around(world: World, *, bound: bool) -> set[tuple[str, int]]:
    """Where an unprivileged process's packets go past the tunnel, out of those it tries; as seen on the wire."""
    places = [(str(world.node.ipv4), NODES_PORT), (str(ECHO_V4), PORT), (str(ECHO_V6), PORT)]
    with Watch(world.lab[WHO], "eth0", f"udp dst port {PORT} or udp dst port {NODES_PORT}", leaving=True) as wire:
        words = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ]
        world.lab[WHO].run([*words, "/usr/bin/python3", "-c", SENDER, json.dumps([bound, places])])
        return {(str(packet.dst), packet.dport or 0) for packet in wire.stop() if packet.data.endswith(b"around")}


def kill_wireguard(world: World) -> None:
    """The process behind her interface dies."""
    here = world.lab[WHO].run(["readlink", "/proc/self/ns/net"]).stdout.strip()
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            ours = os.readlink(place.parent / "ns/net") == here
            if ours and place.read_bytes().split(b"\0")[:2] == [b"wireguard-go", NODE.encode()]:
                os.kill(int(place.parent.name), signal.SIGKILL)
        except OSError:
            continue


def interface_is_gone(person: Person) -> bool:
    return person.host.run(["ip", "link", "show", NODE], check=False).returncode != 0


def test_without_the_switch_any_process_sends_to_the_node_and_around_the_tunnel(world: World) -> None:
    with connected(world, switch=False) as person:
        assert around(world, bound=True) >= {(str(world.node.ipv4), NODES_PORT), (str(ECHO_V4), PORT)}
        assert around(world, bound=False) == set(), "the routes alone hold only who goes by them"
        kill_wireguard(world)
        wait_until(lambda: interface_is_gone(person), within=10, what="the interface to go")
        assert (str(ECHO_V4), PORT) in around(world, bound=False), "and only while WireGuard lives"


def test_with_the_switch_nothing_goes_past_the_tunnel_even_when_wireguard_is_killed(world: World) -> None:
    with connected(world, switch=True) as person:
        assert around(world, bound=True) == around(world, bound=False) == set()
        assert person.fetch("http://echo.test/"), "the tunnel is open as before"
        kill_wireguard(world)
        wait_until(lambda: interface_is_gone(person), within=10, what="the interface to go")
        assert around(world, bound=True) == around(world, bound=False) == set()
        assert not person.ping(str(ECHO_V4))
        person.host.run(["wg-quick", "up", f"/run/{NODE}.conf"])
        wait_until(lambda: person.ping(str(ECHO_V4)), within=15, what="the tunnel again, over the switch that was left")
        person.host.run(["wg-quick", "down", f"/run/{NODE}.conf"])
        assert (str(ECHO_V4), PORT) in around(world, bound=False), "and down it is gone"
