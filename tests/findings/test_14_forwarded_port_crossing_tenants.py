"""Row 14: two accounts want the same port, at the same time or one after the other.

A port of an exit address is one tunnel's, for both protocols. One that became free rests for two minutes, and before
it is anybody's again every connection that still led to its old holder is purged: without that, whoever talks to the
new holder from a port from which she talked to the old one still reaches the old one.
"""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.findings.device import Device
from tests.findings.forwarding import TCP, UDP, asked, exit_of, neighbours, pmp, port_for
from tests.findings.world import OTHER, World, nft
from tyst.lab.environment import PROJECT
from tyst.lab.host import Host

pytestmark = pytest.mark.lab

INNER = 4000


@contextmanager
def caller(world: World) -> Iterator[socket.socket]:
    """Somebody on the internet who sends from one port all the time."""
    with world.lab["web"].socket(socket.AF_INET, socket.SOCK_DGRAM) as call:
        call.bind((str(world.lab["web"].ipv4), 6881))
        yield call


def hearers(call: socket.socket, at: tuple[str, int], first: Device, second: Device, word: bytes) -> str:
    """Who gets a datagram to a port: 'first', 'second' or nobody."""
    call.sendto(word, at)
    for name, one, patience in (("first", first, 2.0), ("second", second, 0.3)):
        if one.hears(lambda packet: word in packet, patience):
            return name
    return ""


def product(node: Host, statement: str) -> None:
    """The product's own connection tracking, in the node's namespace."""
    code = f"from tyst.node.drivers.flows import FlowTable; FlowTable().{statement}"
    node.run([sys.executable, "-c", code], env={"PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"})


def test_mallory_cannot_have_a_port_that_is_alices(world: World) -> None:
    with neighbours(world, OTHER) as (alice, mallory), caller(world) as call:
        at = (str(exit_of(alice)), port_for(alice, INNER, UDP, 20202))
        assert at[1] == 20202
        others = {port_for(mallory, INNER, UDP, 20202), port_for(mallory, INNER, TCP, 20202)}
        assert 0 not in others and 20202 not in others, "neither protocol of it"
        assert asked(mallory, pmp(0, lifetime=0))[2:4] == b"\0\0", "all that are hers"
        assert hearers(call, at, alice, mallory, b"one") == "first"
        key = f"udp . {at[0]} . {at[1]}"
        try:
            nft(
                world.other,
                f"delete element inet tyst vp_ports4 {{ {key} }}",
                f"add element inet tyst vp_ports4 {{ {key} timeout 60s : {mallory.four} . {INNER} }}",
            )
            world.other.run(["conntrack", "-F"], check=False)
            assert hearers(call, at, mallory, alice, b"two") == "first", "a gateway that gives what is asked for"
        finally:
            nft(
                world.other,
                f"delete element inet tyst vp_ports4 {{ {key} }}",
                f"add element inet tyst vp_ports4 {{ {key} timeout 600s : {alice.four} . {INNER} }}",
            )


def test_a_port_that_alice_gave_back_rests_and_is_hers_meanwhile(world: World) -> None:
    with neighbours(world, OTHER) as (alice, mallory):
        assert port_for(alice, INNER, UDP, 20303) == 20303
        port_for(alice, INNER, UDP, lifetime=0)
        for wish in (UDP, TCP):
            assert port_for(mallory, INNER, wish, 20303) not in (0, 20303), "not mallory's a moment later"
        assert port_for(alice, INNER, UDP, 20303) == 20303, "but hers"


def test_no_old_connection_leads_to_an_old_holder(world: World) -> None:
    with neighbours(world, OTHER) as (alice, mallory), caller(world) as call:
        at = (str(exit_of(alice)), port_for(alice, INNER, UDP, 20404))
        assert hearers(call, at, alice, mallory, b"one") == "first"
        port_for(alice, INNER, UDP, lifetime=0)
        key = f"udp . {at[0]} . {at[1]}"
        nft(world.other, f"add element inet tyst vp_ports4 {{ {key} timeout 60s : {mallory.four} . {INNER} }}")
        try:
            assert hearers(call, at, alice, mallory, b"two") == "first", "mallory's port, and alice hears her callers"
            packed = bytes([17, 0, 0, 0]) + socket.inet_aton(at[0]) + at[1].to_bytes(2, "big") + bytes(2)
            product(world.other, f"purge_to({{bytes.fromhex('{packed.hex()}')}})")
            assert hearers(call, at, mallory, alice, b"three") == "first"

            tracked = ["conntrack", "-L", "-p", "udp", "--orig-dst", at[0], "--reply-src", str(mallory.four)]
            assert "6881" in world.other.run(tracked, check=False).stdout
            product(world.other, f"purge([bytes.fromhex('{mallory.four.packed.hex()}')])")
            assert "6881" not in world.other.run(tracked, check=False).stdout, "what was led to a tunnel goes with it"
        finally:
            nft(world.other, f"delete element inet tyst vp_ports4 {{ {key} }}")


@pytest.mark.night  # it waits for the two minutes
def test_after_two_minutes_mallory_may_have_it_and_gets_nothing_that_was_alices(world: World) -> None:
    with neighbours(world, OTHER) as (alice, mallory), caller(world) as call:
        at = (str(exit_of(alice)), port_for(alice, INNER, UDP, 20505))
        assert hearers(call, at, alice, mallory, b"one") == "first"
        port_for(alice, INNER, UDP, lifetime=0)
        began = time.monotonic()
        while port_for(mallory, INNER, UDP, 20505) != 20505:
            assert time.monotonic() - began < 150, "it never becomes free"
            port_for(mallory, INNER, UDP, lifetime=0)
            alice.hears(lambda _: False, 3.0)
        assert time.monotonic() - began >= 119
        assert hearers(call, at, mallory, alice, b"two") == "first"
