"""Row 44: a small forged question makes a node send a large answer to somebody who never asked.

Mallory sends in Charlie's name to every UDP port on which a node listens, from outside and from inside a tunnel, what
each service is known to answer to; Charlie's line is watched at the node. Whoever has shown no key gets nothing. What
OpenVPN answers to those who know the key that every profile holds is measured.
"""

import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from dnslib import DNSRecord

from tests.findings import packets
from tests.findings.account import Account
from tests.findings.device import Handshake
from tests.findings.world import NODE, World, accepting, without
from tests.unit.core.wireguard.initiator import with_mac1
from tyst.core.wireguard.addresses import RESOLVER4
from tyst.journey.person import Person
from tyst.lab.wait import NotInTime, wait_until
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

ASKED_FROM = (1234, 31053)
"""The ports from which Mallory pretends to ask, outside and inside a tunnel."""
LISTEN = re.compile(r":(\d+) ")
QUESTIONS = {
    "DNS, any": DNSRecord.question("echo.test", "ANY").pack(),
    "NAT-PMP, address": b"\0\0",
    "NAT-PMP, map": struct.pack("!BBHHHI", 0, 1, 0, 4000, 4000, 3600),
    "PCP, announce": struct.pack("!BBHI16s", 2, 0, 0, 0, bytes(16)),
    "OpenVPN, reset": b"\x38" + bytes(8) + b"\0" + bytes(4),
    "OpenVPN, reset wrapped with a wrong key": b"\x38" + os.urandom(8) + struct.pack("!II", 1, 1) + os.urandom(37),
    "NTP, monlist": b"\x17\0\x03\x2a" + bytes(4),
    "nothing": b"",
    "a byte": b"x",
}
"""What is known to be answered, small as it can be."""


def services(world: World) -> list[int]:
    """The ports of all the node's UDP sockets, wherever they are bound."""
    said = world.node.run(["ss", "-Hlnu"]).stdout
    return sorted({int(LISTEN.findall(line)[0]) for line in said.splitlines()} | {53, 5351, 30002, 20002})


@contextmanager
def charlies_line(world: World) -> Iterator[Watch]:
    """All that leaves the node for Charlie as an answer to what is sent in his name here, whatever else he does."""
    answers = " or ".join(("icmp", *(f"udp dst port {port}" for port in ASKED_FROM)))
    line = f"dst host {world.lab['charlie'].ipv4} and ({answers})"
    with Watch(world.node, "eth0", line, leaving=True) as watch:
        yield watch


def forge(world: World, port: int, payload: bytes) -> None:
    """A datagram from Mallory in Charlie's name."""
    packet = packets.udp(world.lab["charlie"].ipv4, world.node.ipv4, ASKED_FROM[0], port, payload)
    with world.lab["mallory"].socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as link:
        link.sendto(packet, (str(world.node.ipv4), 0))


def settle(world: World, watch: Watch) -> int:
    """How many packets went to Charlie before the answer to a ping that is sent last of all, in his name too."""
    number = int.from_bytes(os.urandom(4))
    ping = packets.echo(world.lab["charlie"].ipv4, world.node.ipv4, number)
    with world.lab["mallory"].socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as link:
        link.sendto(ping, (str(world.node.ipv4), 0))
    wait_until(
        lambda: any(packets.is_echo_reply(one.data, number) for one in watch.packets),
        within=5, every=0.01, what="the last question's answer",
    )  # fmt: skip
    return sum(not packets.is_echo_reply(one.data, number) for one in watch.packets)


def test_no_service_answers_whoever_shows_no_key(world: World) -> None:
    ports = services(world)
    assert {51820, 51821, 1194, 5351, 53} <= set(ports)
    stranger = Handshake(os.urandom(32), world.public_key(), 7).message
    questions = [*QUESTIONS.values(), stranger, with_mac1(b"\1\0\0\0" + os.urandom(112), os.urandom(32))]
    with charlies_line(world) as watch:
        for port in ports:
            for question in questions:
                forge(world, port, question)
        assert settle(world, watch) == 0


def test_without_our_rules_closed_ports_would_answer_with_more_than_was_asked(world: World) -> None:
    unguarded = (accepting(world.node, "vp_input"), without(world.node, "vp_last_out", "port-unreachable"))
    with unguarded[0], unguarded[1], charlies_line(world) as watch:
        forge(world, 9999, b"")
        assert settle(world, watch) == 1
        answer = max(len(one.data) for one in watch.packets)
    assert answer > 28, "an ICMP error is longer than an empty datagram"


def test_openvpn_answers_one_forged_reset_with_one_packet_of_about_its_length(world: World) -> None:
    """Everybody may know the tls-crypt key. The answer has an acknowledgement more, and is not sent twice."""
    question = first_datagram(world)
    with charlies_line(world) as watch:
        forge(world, 1194, question)
        wait_until(lambda: watch.count() > 0, within=5, every=0.01, what="the answer")
        assert not watch_more(watch, 3.0), "one question, one answer: nothing is kept that could be sent again"
        (answer,) = [len(one.data) for one in watch.packets]
    assert len(question) + 28 <= answer <= len(question) + 28 + 14


def watch_more(watch: Watch, seconds: float) -> bool:
    """Whether a second packet comes: openvpn repeats after 2 s what it keeps."""
    try:
        wait_until(lambda: watch.count() > 1, within=seconds, what="a second answer")
    except NotInTime:
        return False
    return True


def first_datagram(world: World) -> bytes:
    """What a stock client sends first, taken from one that was led astray."""
    host = world.lab["mallory"]
    text = Account(world, world.customer().session).get(f"/en/account/openvpn/{NODE}-udp.ovpn").text
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(20)
        text = re.sub(r"^remote .*\n", "", text, flags=re.MULTILINE) + f"remote 127.0.0.1 {ear.getsockname()[1]} udp\n"
        client = Person(host).openvpn_start(text, "x", "x")
        try:
            return ear.recv(2048)
        finally:
            client.end()


def test_from_inside_nobody_gets_an_answer_to_what_mallory_asks_in_her_name(world: World) -> None:
    question = DNSRecord.question("echo.test", "ANY").pack()
    with world.connected("mallory") as mallory, world.connected("bob") as bob, charlies_line(world) as watch:
        for source in (bob.four, world.lab["charlie"].ipv4):
            mallory.send(packets.udp(source, RESOLVER4, 31053, 53, question))
            mallory.send(packets.udp(source, RESOLVER4, 31053, 5351, QUESTIONS["NAT-PMP, address"]))
            mallory.send(packets.udp(source, world.node.ipv4, 31053, 1194, QUESTIONS["OpenVPN, reset"]))
        assert mallory.asks("echo.test"), "the same question in her own name is answered, to her"
        mallory.settle()
        assert settle(world, watch) == 0
        bob.settle()
        assert [one for one in bob.from_(RESOLVER4) if one.proto == "udp"] == []
