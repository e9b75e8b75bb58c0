"""What floods of initiations leave of an open tunnel's throughput, beside the same flood to a port that drops it.

Three floods from forged sources, each in its own pairs: a wrong MAC1; a right MAC1 from keys that nobody registered;
recorded initiations of customers, the tunnel's own among them. The tunnel is Alice's, through the whole node.
"""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.bench.figures import Figure, figure
from tests.bench.gatehouse import program
from tests.bench.machine import compared
from tests.bench.stage import Stage, stage
from tests.bench.stream import Stream
from tests.bench.tunnel import KeyPair, say, start_client
from tests.unit.core.wireguard.initiator import Initiator, tai64n
from tyst.core.wireguard.addresses import address4
from tyst.lab.topology import ECHO_V4

RATE = 10_000
"""Datagrams per second: ten times what the node lets through to WireGuard at all."""
PAIRS = 6
"""For each direction of the tunnel's traffic."""
SECONDS, SETTLES = 2.6, 1.4
"""Each port is flooded for so long, and what the tunnel carries in the first part of it does not count: by then what
the node lets through at once (bursts, which a pause fills again) is used up, and the rest is what a long flood gets."""
POOL, RECORDED = 8192, 64
TARGET = 0.8
OPEN_PORT, DROPPED_PORT = 51820, 9


@dataclass(frozen=True)
class Flood:
    """A name and the messages that are sent in turn."""

    name: str
    messages: list[bytes]


def bench() -> list[Figure]:
    """One figure for each flood."""
    there = stage()
    alice = there.customers(1)[0]
    open_tunnel(there, alice)
    return [_figure(there, flood) for flood in floods(there, alice)]


def open_tunnel(there: Stage, private: bytes) -> "subprocess.Popen[str]":
    """Alice's tunnel through the node; it is there as long as the process that comes back."""
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    keys = KeyPair(base64.b64encode(private).decode(), base64.b64encode(public).decode())
    endpoint, node = f"{there.node.ipv4}:{OPEN_PORT}", there.node_public()
    return start_client(there.lab["alice"], keys, address=address4(public), endpoint=endpoint, node=node)


def floods(there: Stage, alice: bytes) -> Iterator[Flood]:
    """The three, made when they are needed."""
    node = base64.b64decode(there.node_public())
    yield Flood("wrong MAC1", [b"\x01\0\0\0" + os.urandom(144) for _ in range(POOL)])
    strangers = (Initiator(os.urandom(32), node) for _ in range(POOL))
    yield Flood("MAC1 of unknown keys", [stranger.initiation() for stranger in strangers])
    old = tai64n(time.time() - 3600)
    known = [alice, *there.customers(RECORDED - 1)]
    yield Flood("replays", [Initiator(private, node).initiation(old) for private in known])


def _figure(there: Stage, flood: Flood) -> Figure:
    result = compared([pair for down in (True, False) for pair in pairs(there, flood, down=down)])
    say(f"flood, {flood.name}: ratio {result.ratio:.3f}, 95 % interval {result.low:.3f} to {result.high:.3f}")
    return figure(
        f"tunnel under a flood: {flood.name}",
        result.value,
        "Mbit/s",
        result.yardstick,
        ratio=result.ratio,
        reaches=f"{TARGET} x the same flood to a port that drops it",
        holds=result.ratio >= TARGET,
    )


def pairs(there: Stage, flood: Flood, *, down: bool, count: int = PAIRS) -> list[tuple[float, float]]:
    """(Mbit/s under the flood, Mbit/s while it goes to a port that drops it), the two in alternating order."""
    ports = [OPEN_PORT, DROPPED_PORT, DROPPED_PORT, OPEN_PORT] * (count // 2)
    stream = Stream.open(there.lab["alice"], there.lab["web"], ECHO_V4)
    with stream.flowing(down=down) as flow:
        windows = list(flooded(there, flood, ports, SECONDS))
    stream.close()
    speeds = [(window.port, flow.megabits(window.begin + SETTLES, window.end)) for window in windows]
    return [(dict(two)[OPEN_PORT], dict(two)[DROPPED_PORT]) for two in zip(speeds[::2], speeds[1::2], strict=True)]


@dataclass(frozen=True)
class Window:
    """One port's turn (time.monotonic), and how many datagrams were sent to it."""

    port: int
    begin: float
    end: float
    sent: int


def flooded(there: Stage, flood: Flood, ports: list[int], seconds: float, rate: int = RATE) -> Iterator[Window]:
    """Mallory floods the node's ports, one after the other; each turn when it is over."""
    words, environment = program("tests.bench.flood_sender")
    plan = {"target": str(there.node.ipv4), "ports": ports, "rate": rate, "seconds": seconds}
    plan["messages"] = [message.hex() for message in flood.messages]
    pipe = subprocess.PIPE
    sender = there.lab["mallory"].popen(words, env=environment, stdin=pipe, stdout=pipe)
    assert sender.stdin is not None and sender.stdout is not None
    try:
        sender.stdin.write(json.dumps(plan))
        sender.stdin.close()
        for line in sender.stdout:
            port, begin, end, sent = line.split()
            window = Window(int(port), float(begin), float(end), int(sent))
            assert window.sent >= 0.8 * rate * seconds, "the flood did not keep its rate"
            yield window
        assert sender.wait(5) == 0, "the flood broke off"
    finally:
        sender.kill()
        sender.wait(5)
        sender.stdout.close()
