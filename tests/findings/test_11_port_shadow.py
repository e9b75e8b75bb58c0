"""Row 11 (port shadow, after W. Mixon-Baker et al.): Mallory, a customer, binds the node's own listening port inside her
tunnel and sends one packet to Charlie. Where the node keeps her port and tracks the flow, whatever Charlie sends from
there to the node's port is taken for its answer: she gets his handshake, and the node never does.

Four rules stand against it and each is enough alone: flows of the listening ports are not tracked, what leaves a
tunnel is mapped to ports on which nobody listens, nobody inside a tunnel may send from a listening port, and where the
node has a pool nobody leaves by the address to which people connect.
"""

import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, forget_flows, nft, replaced, without
from tyst.lab.host import Host
from tyst.lab.packets import Packet
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

HIS_PORT = 4000
FRESH_PORTS = itertools.count(4001)
"""For half-open connections: a kernel answers the same SYN once in half a second, and again and again by its own timer."""
RULES = ("untracked", "range", "source port", "pool")
DEAF = "table inet deaf { chain in { type filter hook input priority 0; tcp dport 4000-4999 drop; udp dport 5000 drop; }; }"
"""Charlie's machine says nothing about packets that it did not ask for, so that the flow stays as it is."""


@contextmanager
def with_only(host: Host, *kept: str) -> Iterator[None]:
    """The node with these of the four rules."""
    attack = not kept
    with ExitStack() as stack:
        if "untracked" not in kept:
            for chain in ("vp_first", "vp_first_out"):
                stack.enter_context(without(host, chain, "notrack$", attack=attack))
        if "range" not in kept:
            mapped = r" to :\d+-\d+$"
            within = replaced(host, "vp_nat_out", mapped, lambda rule: rule.partition(" to :")[0], attack=attack)
            stack.enter_context(within)
        if "source port" not in kept:
            stack.enter_context(without(host, "vp_leave", r"^(udp|tcp) sport .* drop$", attack=attack))
        if "pool" not in kept:
            stack.enter_context(without(host, "vp_nat_out", "@vp_exit[46]", attack=attack))
        forget_flows(host)
        yield


def shadow(mallory: Device, charlie: Host, proto: str, port: int, his_port: int = HIS_PORT) -> None:
    """Mallory's one packet, from the node's port in her tunnel to Charlie's; when this returns, it has passed the node."""
    build = packets.udp if proto == "udp" else packets.tcp
    for own, his in ((mallory.four, charlie.ipv4), (mallory.six, charlie.ipv6)):
        mallory.send(build(own, his, port, his_port))
    mallory.settle()
    mallory.inbox.clear()


def stolen(mallory: Device, charlie: Host) -> list[bytes]:
    """What Charlie sent to the node and Mallory got."""
    mallory.settle()
    return [packet.data for packet in (*mallory.from_(charlie.ipv4), *mallory.from_(charlie.ipv6))]


@pytest.fixture
def deaf_charlie(world: World) -> Iterator[Host]:
    charlie = world.lab["charlie"]
    nft(charlie, DEAF)
    yield charlie
    nft(charlie, "delete table inet deaf")


@pytest.mark.parametrize("family", [4, 6])
def test_mallory_cannot_catch_charlies_handshake(world: World, family: int) -> None:
    charlie, private = world.lab["charlie"], world.customer().devices[0]
    at, bound = (world.node.ipv4, "0.0.0.0") if family == 4 else (world.node.ipv6, "::")
    with world.connected("mallory") as mallory:
        with with_only(world.node):
            shadow(mallory, charlie, "udp", 51820)
            his = world.device("charlie", private, at=at, bound=(bound, HIS_PORT))
            assert not his.connect(within=1.0), "without the rules he does not get through"
            assert his.sent in b"".join(stolen(mallory, charlie)), "and she holds his handshake"
            his.close()
        for kept in (*((rule,) for rule in RULES), RULES):
            with with_only(world.node, *kept):
                shadow(mallory, charlie, "udp", 51820)
                his = world.device("charlie", private, at=at, bound=(bound, HIS_PORT))
                assert his.connect() and his.settle(), f"with {kept} he reaches the node"
                assert stolen(mallory, charlie) == []
                his.close()


def test_mallory_cannot_catch_what_charlie_sends_to_openvpn_over_udp(world: World) -> None:
    charlie = world.lab["charlie"]
    with world.connected("mallory") as mallory:
        for kept in ((), *((rule,) for rule in RULES), RULES):
            with with_only(world.node, *kept):
                shadow(mallory, charlie, "udp", 1194)
                with charlie.socket(socket.AF_INET, socket.SOCK_DGRAM) as his:
                    his.bind(("0.0.0.0", HIS_PORT))
                    his.sendto(b"his hello", (str(world.node.ipv4), 1194))
                    got = b"his hello" in b"".join(stolen_soon(mallory, charlie, expected=not kept))
                assert got is (not kept), kept


def test_mallory_cannot_catch_charlies_connection_to_openvpn_over_tcp(world: World, deaf_charlie: Host) -> None:
    with world.connected("mallory") as mallory:
        for kept in ((), *((rule,) for rule in RULES), RULES):
            port = next(FRESH_PORTS)
            with with_only(world.node, *kept), Watch(deaf_charlie, "eth0", "tcp src port 443", leaving=False) as watch:
                shadow(mallory, deaf_charlie, "tcp", 443, port)
                before = watch.count()
                with deaf_charlie.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as his:
                    his.sendto(packets.tcp(deaf_charlie.ipv4, world.node.ipv4, port, 443), (str(world.node.ipv4), 0))
                    got = stolen_soon(mallory, deaf_charlie, expected=not kept)
                assert any(packets.tcp_flags(data) == packets.SYN for data in got) is (not kept), kept
                if kept:
                    watch.wait_for(arrives_at(port), what="openvpn's own answer")
                    assert watch.count() > before


def arrives_at(port: int) -> Callable[[Packet], bool]:
    """Whether a packet is for this port of his."""
    return lambda packet: packet.dport == port


def stolen_soon(mallory: Device, charlie: Host, *, expected: bool) -> list[bytes]:
    """The same, once it can have come: where something is expected it is waited for, else a later question is."""
    if expected:
        mallory.hears(lambda packet: charlie.ipv4.packed in packet[:20])
    else:
        charlie.run(["ping", "-n", "-c1", "-W2", str(mallory.node)])
    return stolen(mallory, charlie)
