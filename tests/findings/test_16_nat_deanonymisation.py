"""Row 16: somebody who sees Alice's encrypted line, and guesses whom she talks to, sends UDP to the exit's ports in
that one's name. If the node lets it through, her line swells, and he knows whose traffic he is looking at.

Nothing comes in but on a flow that her tunnel began, from exactly the address and port to which it began it: he must
guess five numbers instead of one (what is left of it: docs/threat-model.md). A node that passes on whatever comes for a
port in use, as games like it ("full cone"), is the attack working.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.findings import packets
from tests.findings.device import Device
from tests.findings.world import World, accepting, forget_flows
from tyst.lab.host import Host
from tyst.lab.watch import Watch

pytestmark = pytest.mark.lab

INNER, SERVICE = 5000, 7000


@contextmanager
def talking(world: World, alice: Device) -> Iterator[tuple[str, int]]:
    """Alice's UDP flow to a service on `web`; the exit's address and port as the service sees them."""
    web = world.lab["web"]
    with web.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
        service.bind((str(web.ipv4), SERVICE))
        service.settimeout(5)
        alice.send(packets.udp(alice.four, web.ipv4, INNER, SERVICE, b"her question"))
        _, (address, port) = service.recvfrom(64)
        yield address, port


def forge(forger: Host, source: object, sport: int, at: tuple[str, int], payload: bytes) -> None:
    """A datagram in somebody's name, from a network that lets such out."""
    packet = packets.udp(str(source), at[0], sport, at[1], payload)
    with forger.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(packet, (at[0], 0))


def got(alice: Device) -> list[bytes]:
    """What reached Alice of a forger's."""
    alice.settle()
    return sorted(one for one in (b"port", b"host", b"else", b"same") if any(one in data for data in alice.inbox))


def forge_all(world: World, at: tuple[str, int]) -> None:
    """In the service's name from another port, in another's name, in the service's name to another port of the exit."""
    router, web = world.lab["internet"], world.lab["web"]
    forge(router, web.ipv4, SERVICE + 1, at, b"port")
    forge(router, "198.18.2.99", SERVICE, at, b"host")
    forge(router, web.ipv4, SERVICE, (at[0], at[1] - 1), b"else")


def test_forged_datagrams_do_not_swell_alices_line(world: World) -> None:
    with world.connected("alice") as alice, talking(world, alice) as at:
        cone = f"ip daddr {at[0]} udp dport {at[1]} dnat ip to {alice.four}:{INNER}"
        with accepting(world.node, "vp_nat_in", rule=cone), accepting(world.node, "vp_inbound"):
            forge_all(world, at)
            assert alice.hears(lambda packet: b"host" in packet) is not None
            assert got(alice) == [b"host", b"port"], "a full cone lets in whoever knows a port"
    forget_flows(world.node)
    with ExitStack() as stack:
        alice = stack.enter_context(world.connected("alice"))
        at = stack.enter_context(talking(world, alice))
        others = f"src host {at[0]} and not dst port {SERVICE}"
        answers = stack.enter_context(Watch(world.node, "eth0", others, leaving=True))
        forge_all(world, at)
        forge(world.lab["internet"], world.lab["web"].ipv4, SERVICE, at, b"same")
        assert alice.hears(lambda packet: b"same" in packet) is not None, "the residual: all five numbers right"
        assert got(alice) == [b"same"]
        assert answers.count() == 0, "and a port in use answers as one that isn't: not at all"
