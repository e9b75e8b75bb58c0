"""Forwarded ports with stock clients: `natpmpc` over WireGuard and over OpenVPN, and PCP by the RFC's message formats."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest

from tests.findings.forwarding import (
    ADDRESS_MISMATCH,
    CANNOT_PROVIDE_EXTERNAL,
    MALFORMED_OPTION,
    MALFORMED_REQUEST,
    NAMES,
    NOT_AUTHORIZED,
    PREFER_FAILURE,
    SUCCESS,
    TCP,
    THIRD_PARTY,
    UDP,
    UNSUPP_OPCODE,
    UNSUPP_OPTION,
    UNSUPP_VERSION,
    USER_EX_QUOTA,
    Pcp,
    element,
    exit_of,
    gone,
    leases,
    listening,
    natpmpc,
    option,
    port_for,
    reaches,
    tunnelled,
)
from tests.findings.test_multihop import device, fleet, grant
from tests.findings.test_public_ipv4 import alice, takes
from tests.findings.world import NODE, Customer, World
from tyst.lab.topology import POOLS

pytestmark = pytest.mark.lab

__all__ = ["alice", "fleet"]


def pool() -> set[str]:
    first, last = map(IPv4Address, POOLS[NODE]["exit"].split("-"))
    return {str(IPv4Address(number)) for number in range(int(first), int(last) + 1)}


@contextmanager
def tunnel(world: World, kind: str) -> Iterator[IPv4Address]:
    """Alice's machine in a tunnel; its inner address."""
    if kind == "wireguard":
        with tunnelled(world, "alice", NODE) as inner:
            yield inner
    else:
        with world.openvpn("alice", world.customer()):
            yield world.tunnel_addresses("alice", "tun0")[0]


@pytest.mark.parametrize("kind", ["wireguard", "openvpn"])
def test_alices_forwarded_port_is_reached_from_the_internet(world: World, kind: str) -> None:
    alice, web = world.lab["alice"], world.lab["web"]
    with tunnel(world, kind) as inner:
        first = natpmpc(alice, 4000, "tcp")
        assert first.address in pool() and 10240 <= first.port <= 32767 and first.lifetime == 600
        second = natpmpc(alice, 4000, "udp")
        assert second.port == first.port, "the other protocol's port of the same number"
        for proto in (TCP, UDP):
            with listening(alice, proto, 4000) as service:
                assert reaches(web, (first.address, first.port), proto, service) == str(web.ipv4), NAMES[proto]
                other = (str(world.node.ipv4), first.port)
                assert reaches(web, other, proto, service, 0.3) == "", "never by the address to which people connect"
        others = [natpmpc(alice, 4001 + number, "tcp").port for number in range(4)]
        assert 0 not in others and len({first.port, *others}) == 5
        sixth = natpmpc(alice, 4005, "tcp")
        assert sixth.port == 0 and "out of resources" in sixth.said

        renewed = natpmpc(alice, 4000, "tcp", lifetime=100000)
        assert (renewed.port, renewed.lifetime) == (first.port, 3600)
        assert element(TCP, first.address, first.port) + "timeout 1h" in leases(world.node)
        assert natpmpc(alice, 4001, "tcp", lifetime=2).port == others[0]
        gone(world.node, TCP, first.address, others[0])
        assert natpmpc(alice, 4002, "tcp", lifetime=0).said.count("FAILED") == 0
        assert element(TCP, first.address, others[1]) not in leases(world.node)
        assert natpmpc(alice, 4002, "tcp", wish=others[1]).port == others[1], "her old port, while nobody else has it"
        assert natpmpc(alice, 0, "tcp", lifetime=0).lifetime == 0
        left = [line for line in leases(world.node).splitlines() if str(inner) in line]
        assert len(left) == 1 and element(UDP, first.address, first.port) in left[0], "all of a protocol, no more"
    if kind == "openvpn":
        gone(world.node, UDP, first.address, first.port)


def test_ports_that_nobody_may_have_become_others(world: World) -> None:
    with tunnel(world, "wireguard"):
        for wish in (22, 443, 5351, 10239, 32768, 51820, 60000):
            got = natpmpc(world.lab["alice"], 4000, "tcp", wish, lifetime=60)
            assert 10240 <= got.port <= 32767
        assert natpmpc(world.lab["alice"], 4001, "udp", 12345).port == 12345, "one that is free is given"


def test_a_client_of_pcp(world: World) -> None:
    alice, web, nonce = world.lab["alice"], world.lab["web"], os.urandom(12)
    with tunnel(world, "wireguard") as inner, listening(alice, TCP, 4000) as service:
        client = Pcp(alice, inner)
        got = client.map(nonce, 4000, wish=23456)
        assert (got.result, got.port, got.lifetime, got.nonce) == (SUCCESS, 23456, 600, nonce)
        assert got.address in pool()
        assert reaches(web, (got.address, got.port), TCP, service) == str(web.ipv4)
        assert client.map(nonce, 4000, lifetime=9999).lifetime == 3600, "renewed"

        mallory = os.urandom(12)
        assert client.map(mallory, 4000).result == NOT_AUTHORIZED, "another program's nonce"
        assert client.map(mallory, 4000, lifetime=0).result == NOT_AUTHORIZED
        assert natpmpc(alice, 4000, "tcp", lifetime=0).port == 0
        assert element(TCP, got.address, 23456) in leases(world.node), "nor by NAT-PMP"

        exactly = option(PREFER_FAILURE)
        assert client.map(nonce, 4001, wish=80, options=exactly).result == CANNOT_PROVIDE_EXTERNAL
        second = client.map(nonce, 4001, wish=23457, options=exactly)
        assert (second.port, second.options) == (23457, exactly)
        third = option(THIRD_PARTY, bytes(10) + b"\xff\xff" + IPv4Address("10.77.7.7").packed)
        assert client.map(nonce, 4002, options=third).result == UNSUPP_OPTION
        assert client.map(nonce, 4002, options=option(PREFER_FAILURE, b"some")).result == MALFORMED_OPTION
        assert client.map(nonce, 4002, inner=IPv4Address("10.77.7.7")).result == ADDRESS_MISMATCH
        assert client.ask(client.head(0)).result == SUCCESS, "ANNOUNCE"
        assert client.ask(client.head(2)).result == UNSUPP_OPCODE, "PEER"
        assert client.ask(client.head(1, version=3) + bytes(36)).result == UNSUPP_VERSION
        assert client.ask(client.head(1) + bytes(32)).result == MALFORMED_REQUEST

        assert all(client.map(nonce, 4002 + number).result == SUCCESS for number in range(3))
        assert client.map(nonce, 4005).result == USER_EX_QUOTA
        done = client.map(nonce, 0, 0, lifetime=0)
        assert (done.result, done.lifetime) == (SUCCESS, 0) and str(inner) not in leases(world.node)
        client.close()


def test_who_has_a_public_address_is_told_that_every_port_is_hers(world: World, alice: Customer) -> None:
    address = takes(world, alice)
    with world.wireguard("alice", alice.devices[0]):
        got = natpmpc(world.lab["alice"], 443, "tcp", wish=12345)
        assert (got.address, got.port) == (address, 443)
        with listening(world.lab["alice"], TCP, 443) as service:
            assert reaches(world.lab["web"], (address, 443), TCP, service) == str(world.lab["web"].ipv4)
        assert address not in leases(world.node), "nothing had to be kept for it"


def test_by_a_multihop_the_port_is_the_exits(fleet: World) -> None:
    one = grant(fleet, fleet.customer())
    bob = device(fleet, "bob", one.devices[0])
    try:
        assert bob.connect(), "the way by two nodes"
        at = (str(exit_of(bob)), port_for(bob, 4000))
        assert at[0] in pool() and at[1]
        with fleet.lab["web"].socket(socket.AF_INET, socket.SOCK_DGRAM) as call:
            call.sendto(b"is anybody there?", at)
        heard = bob.hears(lambda packet: b"is anybody there?" in packet)
        assert heard is not None and heard[12:16] == fleet.lab["web"].ipv4.packed
    finally:
        bob.close()
