"""Abuse without logs: mail that nobody signed for, floods out of a tunnel, packets that would show an inner address, and
the operator's 'nobody reaches this for an hour'. Each works for Mallory without our rule and fails with it.

The blocks are set first of all, because nodes ask for them every 20 s: the other tests run meanwhile.
"""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, replaced, without
from tyst.lab.bringup import STATE
from tyst.lab.host import Host
from tyst.lab.topology import ECHO_V4, ECHO_V6
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

WEB = (str(ECHO_V4), str(ECHO_V6))
MAIL, SUBMISSION, SUBMISSIONS = 25, 587, 465
BLOCKED, NEIGHBOUR, BRIEFLY = 40061, 40062, 40063
RATE, BURST = 20, 40


@contextmanager
def listening(host: Host, *ports: int) -> Iterator[None]:
    """Somebody who takes connections, on both families."""
    servers = []
    try:
        for port in ports:
            for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                server = host.socket(family, socket.SOCK_STREAM)
                servers.append(server)
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                server.bind((address, port))
                server.listen(16)
        yield
    finally:
        for server in servers:
            server.close()


def fleet(world: World, *words: str) -> str:
    """What the operator types."""
    return world.provider.operator("fleet", *words, "--state", STATE)


@pytest.fixture(scope="module", autouse=True)
def blocks(world: World) -> Iterator[float]:
    """One for an hour, which is ended afterwards, and one for a minute, which nobody ends. When they were set."""
    for net in WEB:
        fleet(world, "block", "--to", net, "--port", f"{BLOCKED}/tcp")
    fleet(world, "block", "--to", WEB[0], "--port", f"{BRIEFLY}/udp", "--minutes", "1")
    began = time.monotonic()
    yield began
    for net in WEB:
        fleet(world, "block", "--to", net, "--port", f"{BLOCKED}/tcp", "--over")
    if time.monotonic() - began < 60:
        fleet(world, "block", "--to", WEB[0], "--port", f"{BRIEFLY}/udp", "--over")
    for node in (world.node, world.other):  # a node that hears of it swaps its rules, and not in the midst of a test
        wait_until(lambda node=node: not _names_blocks(node), within=40, every=0.2, what="the nodes to hear of it")


@pytest.mark.parametrize("web", WEB, ids=["IPv4", "IPv6"])
def test_mallory_sends_no_mail_and_alice_submits_hers(world: World, web: str) -> None:
    with listening(world.lab["web"], MAIL, SUBMISSION, SUBMISSIONS), world.connected("mallory") as mallory:
        with without(world.node, "vp_leave", "tcp dport 25 reject"):
            assert mallory.touches(web, MAIL) == "open"
        with Watch(world.lab["web"], "eth0", f"tcp dst port {MAIL}", leaving=False) as heard:
            assert mallory.touches(web, MAIL) == "refused", "at once, not after a minute of silence"
            assert [mallory.touches(web, port) for port in (SUBMISSION, SUBMISSIONS)] == ["open", "open"]
            assert heard.stop() == []


def test_over_openvpn_it_is_the_same(world: World) -> None:
    def calls() -> str:
        with closing(world.lab["bob"].socket(socket.AF_INET, socket.SOCK_STREAM)) as one:
            one.settimeout(5)
            try:
                one.connect((WEB[0], MAIL))
            except ConnectionRefusedError:
                return "refused"
            return "open"

    with listening(world.lab["web"], MAIL), world.openvpn("bob", world.customer()):
        with without(world.node, "vp_leave", "tcp dport 25 reject"):
            assert calls() == "open"
        assert calls() == "refused"


def shower(mallory: Device, send: Callable[[int], bytes], count: int) -> float:
    """So many packets, at the pace at which the tunnel takes them. The seconds it took."""
    began = time.monotonic()
    for number in range(count):
        mallory.send(send(number))
        if number % 50 == 49:
            mallory.settle()
    mallory.settle()
    return time.monotonic() - began


def tracked(world: World, mallory: Device, port: int) -> int:
    """How many of her flows to a port got through: connection tracking keeps those alone."""
    lines = world.node.run(["conntrack", "-L", "-p", "udp", "--dport", str(port)], check=False).stdout.splitlines()
    return sum(f"src={mallory.four} " in line or f"src={mallory.six} " in line for line in lines)


@contextmanager
def slower(world: World) -> Iterator[None]:
    """The node with the same rules and smaller numbers (the real ones are asserted by tests/unit/core/test_abuse.py)."""

    def by(rule: str) -> str:
        return re.sub(r"rate over \d+/second burst \d+ packets", f"rate over {RATE}/second burst {BURST} packets", rule)

    with replaced(world.node, "vp_leave", r"update @vp_(flows|unanswered)", by):
        yield


@pytest.mark.parametrize("web", WEB, ids=["IPv4", "IPv6"])
def test_a_flood_of_new_flows_is_capped_and_what_is_open_goes_on(world: World, web: str) -> None:
    with world.connected("mallory") as mallory, slower(world):
        own = mallory.source(web)
        with without(world.node, "vp_leave", "update @vp_flows"):
            shower(mallory, lambda number: packets.udp(own, web, 20000 + number, 40071, b"flood"), 200)
            assert tracked(world, mallory, 40071) == 200, "without the cap"
        mallory.send(packets.echo(own, web, 7))
        assert mallory.hears(lambda packet: packets.is_echo_reply(packet, 7))
        took = shower(mallory, lambda number: packets.udp(own, web, 20000 + number, 40072, b"flood"), 200)
        assert BURST - 2 <= tracked(world, mallory, 40072) <= BURST + RATE * (took + 1), "with it"
        mallory.send(packets.echo(own, web, 7))
        assert mallory.hears(lambda packet: packets.is_echo_reply(packet, 7)), "a flow that was answered is untouched"


def test_a_flood_of_one_flow_that_nobody_answers_is_capped_too(world: World) -> None:
    with world.connected("mallory") as mallory, slower(world):
        with Watch(world.lab["web"], "eth0", "udp dst portrange 40073-40074", leaving=False) as heard:
            for port in (40073, 40074):
                if port == 40073:
                    with without(world.node, "vp_leave", "update @vp_unanswered"):
                        shower(mallory, lambda _: packets.udp(mallory.four, WEB[0], 20001, 40073, b"flood"), 200)
                else:
                    took = shower(mallory, lambda _: packets.udp(mallory.four, WEB[0], 20001, 40074, b"flood"), 200)
            seen = [packet.dport for packet in heard.stop()]
        assert seen.count(40073) == 200 and BURST - 1 <= seen.count(40074) <= BURST + 1 + RATE * (took + 1)


def test_the_cap_names_an_inner_address_for_some_seconds_and_nothing_else(world: World) -> None:
    def named(kind: str) -> str:
        return world.node.run(["nft", "list", "set", "inet", "tyst", kind]).stdout

    with world.connected("mallory") as mallory:
        mallory.send(packets.udp(mallory.four, WEB[0], 20001, 40075, b"x"))
        mallory.settle()
        assert str(mallory.four) in named("vp_flows4") and str(world.lab["mallory"].ipv4) not in named("vp_flows4")
    wait_until(lambda: str(mallory.four) not in named("vp_flows4"), within=15, every=0.2, what="her element to go")


def test_a_packet_that_belongs_to_no_flow_does_not_show_her_inner_address(world: World) -> None:
    with world.connected("alice") as alice, Watch(world.lab["web"], "eth0", "tcp", leaving=False) as heard:
        with without(world.node, "vp_leave", "ct state invalid drop"):
            alice.send(packets.tcp(alice.four, WEB[0], 20002, 40076, packets.RST))
            heard.wait_for(lambda packet: packet.src == alice.four, what="her inner address, without the rule")
        before = heard.count()
        alice.send(packets.tcp(alice.four, WEB[0], 20003, 40076, packets.RST))
        alice.settle()
        assert alice.touches(WEB[0], 40077) == "refused", "an honest one, sent last"
        assert {packet.src for packet in heard.stop()[before:]}.isdisjoint({alice.four})


def _names_blocks(node: Host) -> bool:
    return "vp_block" in node.run(["nft", "-s", "list", "table", "inet", "tyst"]).stdout


def blocked(world: World) -> bool:
    """Whether a node has the operator's blocks in its rules."""
    rules = world.node.run(["nft", "-s", "list", "table", "inet", "tyst"]).stdout
    return len(re.findall(rf"@vp_block\d+ tcp dport {BLOCKED}", rules)) == 2


@pytest.mark.parametrize("web", WEB, ids=["IPv4", "IPv6"])
def test_nobody_reaches_what_the_operator_blocks_even_on_a_connection_from_before(world: World, web: str) -> None:
    wait_until(lambda: blocked(world), within=40, every=0.1, what="the node to hear of the blocks")
    with listening(world.lab["web"], BLOCKED, NEIGHBOUR), world.connected("bob") as bob:
        own, ack = bob.source(web), packets.ACK
        with without(world.node, "vp_forward", "@vp_block"):
            assert bob.touches(web, BLOCKED, 31001) == "open", "without the rules"
            bob.establishes(web, BLOCKED, 31002)
        assert bob.touches(web, NEIGHBOUR) == "open" and bob.touches(web, BLOCKED) == "refused"
        with without(world.node, "vp_forward", "@vp_block"):
            bob.establishes(web, BLOCKED, 31003)
        with Watch(world.lab["web"], "eth0", f"tcp dst port {BLOCKED}", leaving=False) as heard:
            bob.send(packets.tcp(own, web, 31003, BLOCKED, ack, (1001, 1)))
            assert bob.touches(web, NEIGHBOUR) == "open"
            assert heard.stop() == [], "nothing more comes, though the flow was open"


def test_the_list_of_blocks_says_where_and_how_long_and_never_who(world: World, blocks: float) -> None:
    lines = fleet(world, "blocks").splitlines()
    hour = [line.split() for line in lines if f"{BLOCKED}/tcp" in line]
    assert [(words[0].partition("/")[0], words[1]) for words in hour] == [
        (net, f"{BLOCKED}/tcp") for net in sorted(WEB)
    ]
    assert all(55 <= int(words[2]) <= 60 for words in hour)
    if time.monotonic() - blocks < 50:
        assert any(f"{BRIEFLY}/udp" in line for line in lines)
