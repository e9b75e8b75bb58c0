"""The door at which tunnels ask for ports: whom it answers, how often, and in whose language."""

import asyncio
import socket
import struct
import subprocess
from ipaddress import IPv4Address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.node.test_port_leases import ALICE, BOB, EXIT, Scene
from tyst.core.firewall import Collection, Element
from tyst.core.firewall.collections import PORTS4
from tyst.core.natpmp import PORT
from tyst.node.drivers.firewall import FirewallError
from tyst.node.ports import PortDoor

ADDRESS = b"\0\0"
MALLORY = IPv4Address("10.99.9.9")


class Line(asyncio.DatagramTransport):
    """What the door sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Any]] = []

    def sendto(self, data: Any, addr: Any = None) -> None:
        self.sent.append((bytes(data), addr))

    def close(self) -> None: ...


class Open(Scene):
    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self.line = Line()
        self.door = PortDoor(self.leases, lambda: self.now)
        self.door.connection_made(self.line)

    def ask(self, data: bytes, inner: IPv4Address = ALICE) -> bytes:
        before = len(self.line.sent)
        self.door.datagram_received(data, (str(inner), 40000))
        if len(self.line.sent) == before:
            return b""
        answer, addr = self.line.sent[-1]
        assert addr == (str(inner), 40000), "it answers where it was asked from"
        return answer


def pmp(internal: int, lifetime: int = 600, external: int = 0) -> bytes:
    return struct.pack("!BBHHHI", 0, 2, 0, internal, external, lifetime)


def pcp(internal: int, lifetime: int = 600, protocol: int = 6, inner: IPv4Address = ALICE) -> bytes:
    head = struct.pack("!BBHI10xH4s", 2, 1, 0, lifetime, 0xFFFF, inner.packed)
    return head + b"alices nonce" + struct.pack("!B3xHH16x", protocol, internal, 0)


def test_an_open_tunnel_hears_its_exit_address_and_how_old_the_table_is() -> None:
    scene = Open()
    scene.now += 7
    assert scene.ask(ADDRESS) == bytes((0, 128, 0, 0)) + struct.pack("!I", 7) + EXIT.packed


def test_who_has_no_open_tunnel_hears_nothing() -> None:
    scene = Open()
    assert scene.ask(ADDRESS, MALLORY) == scene.ask(pmp(4000), MALLORY) == b""
    scene.close(ALICE)
    assert scene.ask(ADDRESS) == b""


def test_a_tunnel_that_asks_too_often_is_not_answered_and_others_are() -> None:
    scene = Open()
    answered = sum(bool(scene.ask(ADDRESS)) for _ in range(100))
    assert 10 <= answered <= 20
    assert scene.ask(ADDRESS, BOB)
    scene.now += 2
    assert scene.ask(ADDRESS)


def test_results_in_the_words_of_nat_pmp() -> None:
    scene = Open()
    result = [scene.ask(pmp(4000 + number))[2:4] for number in range(6)]
    assert result == [b"\0\0"] * 5 + [b"\0\4"]
    assert scene.ask(pmp(4000, 0))[2:] == struct.pack("!HIHHI", 0, 0, 4000, 0, 0)
    assert scene.ask(pmp(0, 600))[2:4] == b"\0\2", "there is no port 0"
    assert scene.ask(pmp(0, 0))[2:4] == b"\0\0" and not scene.firewall.holdings.owned(ALICE, PORTS4)
    assert scene.ask(bytes((0, 9, 0, 0))) == bytes((0, 137, 0, 5))


def test_results_in_the_words_of_pcp() -> None:
    scene = Open()
    assert [scene.ask(pcp(4000 + number))[3] for number in range(6)] == [0] * 5 + [10]
    assert scene.ask(pcp(4000, protocol=132))[3] == 9 == scene.ask(pcp(0))[3]
    assert scene.ask(pcp(4000, inner=BOB))[3] == 12
    assert scene.ask(pmp(4000))[2:4] == b"\0\2", "a mapping with a nonce is not NAT-PMP's"
    assert scene.ask(pcp(0, 0, 0))[3] == 0 and not scene.firewall.holdings.owned(ALICE, PORTS4)


def test_a_node_without_exit_addresses_says_not_authorized_in_both() -> None:
    scene = Open(exits=())
    assert scene.ask(ADDRESS)[2:4] == scene.ask(pmp(4000))[2:4] == b"\0\2" and scene.ask(pcp(4000))[3] == 2


@given(st.binary(max_size=1300), st.sampled_from([b"", b"\0", b"\2\0", b"\2\1"]))
def test_nothing_that_a_tunnel_says_upsets_it_or_is_worth_reflecting(rest: bytes, head: bytes) -> None:
    data = head + rest
    assert len(Open().ask(data)) <= max(len(data) + 10, 24)


async def test_a_kernel_that_takes_no_more_ends_the_node() -> None:
    scene = Open()

    def refuse(collection: Collection, element: Element, *, owner: object = None) -> None:
        raise FirewallError("nftables refused")

    scene.firewall.put = refuse  # type: ignore[method-assign]
    assert scene.ask(pmp(4000)) == b""
    try:
        await scene.door.tick()
    except FirewallError:
        return
    raise AssertionError("the agent must hear of it")


async def test_it_answers_by_a_socket_of_its_own_until_it_stops() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False, timeout=5)
    scene, home = Scene(), IPv4Address("127.0.0.1")
    scene.open(home)
    door = PortDoor(scene.leases, lambda: scene.now)
    await door.start(home, PORT)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect((str(home), PORT))
        client.send(ADDRESS)
        answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 64), 5)
        assert answer[8:] == EXIT.packed
    await door.stop()
    await asyncio.sleep(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
        another.bind((str(home), PORT))
