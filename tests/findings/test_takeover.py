"""A node whose agent is killed: open tunnels go on, with their slots and their addresses, and nobody gets in meanwhile who
would not get in otherwise. A node whose supervisor is killed, or whose agent dies again and again, is closed.

The packets are judged at the far end, numbered, so that a gap shows as what it is.
"""

import itertools
import os
import re
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.findings import packets
from tests.findings.account import Account
from tests.findings.device import Device
from tests.findings.world import NODE, OTHER, World, hang_up, rules_of
from tyst.core import natpmp
from tyst.core.wireguard.addresses import RESOLVER4
from tyst.lab.topology import ECHO_V4, ECHO_V6
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch
from tyst.node.handover import Handover, Record

pytestmark = pytest.mark.lab

PORT = 40081
GAP = 1.0
"""Seconds without a packet of an open tunnel that a killed agent may cost."""


def children(pid: int) -> dict[int, str]:
    """A process's children and the beginning of their command lines."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found[int(child)] = _command(int(child))
    return found


def agents(world: World, node: str = NODE) -> list[int]:
    """The supervisor's children that run its own program: one, but for the moment after a death."""
    found = children(world.provider.nodes[node].pid)
    return [pid for pid, words in found.items() if " -m tyst node" in words]


def agent_of(world: World, node: str = NODE) -> int:
    """The agent of now."""
    (agent,) = agents(world, node)
    return agent


def daemon(world: World, words: str, node: str = NODE) -> int:
    """A daemon of the node by its command line."""
    (found,) = (pid for pid in world.lab[node].pids() if words in _command(pid))
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def kill_agent(world: World, node: str = NODE) -> int:
    """As a crash would, and waits for the next one to hear knocks; its process id."""
    before = agent_of(world, node)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: agents(world, node) not in ([], [before]), within=10, every=0.01, what="another agent")
    return agent_of(world, node)


def serves(world: World, node: str = NODE) -> None:
    """Waits until a node lets somebody new in."""
    wait_until(lambda: _lets_in(world, node), within=20, every=0.2, what="the node to let somebody in")


def _lets_in(world: World, node: str) -> bool:
    newcomer = world.device("charlie", node=node)
    try:
        return newcomer.connect(within=2.0) and newcomer.ping(ECHO_V4, within=2.0)
    finally:
        newcomer.close()


class Numbered:
    """A stream of numbered packets through a tunnel, and when each arrived at the far end."""

    def __init__(self, device: Device) -> None:
        self._device, self._over = device, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def _run(self) -> None:
        while not self._over.wait(0.005):
            word = b"%d" % self.sent
            self._device.send(packets.udp(self._device.four, ECHO_V4, 20081, PORT, word))
            self.sent += 1

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)


@contextmanager
def streaming(world: World, device: Device) -> Iterator[tuple[Numbered, Watch]]:
    """Packets flow while the block runs; the far end is watched."""
    numbered = Numbered(device)
    with Watch(world.lab["web"], "eth0", f"udp dst port {PORT}", leaving=False) as heard:
        numbered.start()
        try:
            yield numbered, heard
        finally:
            numbered.stop()


def longest_gap(heard: Watch, sent: int) -> int:
    """The longest run of numbers that never arrived, in packets."""
    arrived = sorted({int(packets.payload_of(packet.data)) for packet in heard.packets} | {-1, sent})
    return max(later - earlier - 1 for earlier, later in itertools.pairwise(arrived))


def elements(world: World, name: str, node: str = NODE) -> set[str]:
    """What is in a set or map of the node, each element as nft writes it, without its time."""
    kind = "map" if name in ("vp_exit4", "vp_exit6", "vp_ports4") else "set"
    text = world.lab[node].run(["nft", "list", kind, "inet", "tyst", name]).stdout
    inside = text.partition("elements = {")[2].partition("}")[0]
    return {" ".join(re.sub(r"timeout \S+|expires \S+", "", one).split()) for one in inside.split(",") if one.strip()}


def forwarded(world: World, device: Device) -> set[str]:
    """The ports that lead to a device."""
    return {one for one in elements(world, "vp_ports4") if f": {device.four} " in one}


def test_open_tunnels_do_not_notice_that_the_agent_was_killed(world: World) -> None:
    rules = rules_of(world.node)
    with world.connected("alice") as alice, world.connected("bob") as bob:
        assert alice.ping(ECHO_V4) and bob.ping(ECHO_V6)
        theirs = (f"{alice.four} ", f"{bob.four} ")
        exits = {one for one in elements(world, "vp_exit4") if one.startswith(theirs)}
        assert len(exits) == 2, "each has an address of the pool"
        wireguard = daemon(world, "wireguard-go -f wg-tyst")
        alice.send(
            packets.udp(alice.four, RESOLVER4, 20082, natpmp.PORT, struct.pack("!BBHHHI", 0, 1, 0, 7000, 0, 3600))
        )
        wait_until(lambda: forwarded(world, alice), within=5, every=0.05, what="a forwarded port")
        port = forwarded(world, alice)
        with streaming(world, alice) as (numbered, heard):
            wait_until(lambda: numbered.sent > 50, within=10, what="the stream")
            began = time.monotonic()
            kill_agent(world)
            wait_until(lambda: bob.connect(within=0.5), within=20, every=0.05, what="a handshake of an open tunnel")
            took = time.monotonic() - began
            count = numbered.sent
            wait_until(lambda: numbered.sent > count + 50, within=10, what="the stream to go on")
        last = numbered.sent - 1
        heard.wait_for(lambda packet: packets.payload_of(packet.data) == b"%d" % last)
        gap = longest_gap(heard, numbered.sent)
        print(f"{numbered.sent} packets, longest gap {gap}; handshakes again after {took:.2f} s")
        assert gap * 0.005 <= GAP, f"{gap} packets in a row were lost"
        assert {packet.src for packet in heard.packets} == {heard.packets[0].src}, "and the exit address is the same"
        assert world.peers() >= {alice.public, bob.public} and daemon(world, "wireguard-go -f wg-tyst") == wireguard
        assert alice.ping(ECHO_V6) and bob.ping(ECHO_V4)
        assert forwarded(world, alice) == port, "a forwarded port is still hers"
        assert exits <= elements(world, "vp_exit4") and rules_of(world.node) == rules
    serves(world)


def test_nobody_is_counted_twice_and_openvpn_gives_its_slot_back(world: World) -> None:
    carol = world.customer()
    page = Account(world, carol.session)
    with world.connected("alice", carol.devices[0]) as alice, world.openvpn("bob", carol):
        wait_until(lambda: page.devices() == 2, within=10, every=0.1, what="two devices")
        wait_until(lambda: any(not one.public for one in handed_over(world)), within=10, every=0.1, what="its lease")
        kill_agent(world)
        wait_until(lambda: page.devices() == 1, within=15, every=0.1, what="OpenVPN's slot to be free")
        assert alice.ping(ECHO_V4)
        serves(world)
        assert page.devices() == 1, "and the tunnel that went on has the one that it had"


def handed_over(world: World, node: str = NODE) -> list[Record]:
    """What a successor would find now, in the memory file that only the supervisor and its agent have."""
    folder = Path(f"/proc/{world.provider.nodes[node].pid}/fd")
    (file,) = (one for one in folder.iterdir() if "memfd:tyst-handover" in os.readlink(one))
    handle = os.open(file, os.O_RDWR)
    try:
        return [left.record for left in Handover(handle).look()]
    finally:
        os.close(handle)


def test_every_daemon_that_is_killed_comes_back(world: World) -> None:
    with world.connected("alice") as alice:
        for words in ("unbound -d", "openvpn --config", "wireguard-go -f wg-tyst"):
            for pid in [pid for pid in world.node.pids() if words in _command(pid)]:
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: listens(world, "51820", "1194") and listens(world, "443", tcp=True), within=20, every=0.1,
                   what="WireGuard and both OpenVPN servers")  # fmt: skip
        wait_until(lambda: alice.connect(within=1.0), within=20, every=0.1, what="her tunnel")
        wait_until(lambda: "192.0.2.10" in alice.asks("se-sto.tyst.test") or alice.asks("echo.test"), within=20,
                   every=0.1, what="the resolver")  # fmt: skip
        assert alice.ping(ECHO_V4)


def listens(world: World, *ports: str, tcp: bool = False) -> bool:
    """Whether somebody has these ports on the node."""
    text = world.node.run(["ss", "-Hltn" if tcp else "-Hlun"]).stdout
    return all(f":{port} " in text for port in ports)


def closed(world: World, node: str) -> bool:
    """No forwarding, no WireGuard, no agent, nobody in the rules, and rules there are."""
    host = world.lab[node]
    forwards = host.run(["cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"]).stdout
    alone = not any(one in _command(pid) for pid in host.pids() for one in ("wireguard-go", "-m tyst node", "unbound"))
    drops = "policy drop" in host.run(["nft", "list", "chain", "inet", "tyst", "vp_forward"]).stdout
    return forwards.split() == ["0", "0"] and alone and drops and elements(world, "vp_open4", node) == set()


@pytest.mark.parametrize("how", ["again and again", "before it serves"])
def test_an_agent_that_can_not_go_on_leaves_a_closed_node(world: World, how: str) -> None:
    process = world.provider.nodes[OTHER]
    with world.connected("alice", node=OTHER) as alice:
        assert alice.ping(ECHO_V4) and not closed(world, OTHER)
        if how == "again and again":
            for _ in range(2):
                kill_agent(world, OTHER)
                serves(world, OTHER)
                assert alice.ping(ECHO_V4), "twice it goes on"
            os.kill(agent_of(world, OTHER), signal.SIGKILL)
        else:
            before = agent_of(world, OTHER)
            os.kill(before, signal.SIGKILL)
            wait_until(lambda: agents(world, OTHER) not in ([], [before]), within=5, every=0.0005, what="a successor")
            os.kill(agent_of(world, OTHER), signal.SIGKILL)
        assert process.wait(15) == 1
        hang_up(process)
        assert closed(world, OTHER) and not alice.ping(ECHO_V4, within=0.5)
    world.provider.start_node(OTHER, "--strict")
