"""A node's agent with simulated peers, to weigh it: runs in a process of its own on a lab host, as root.

usage: python -m tests.bench.memory_agent COUNT     Prints {"rss": bytes, "peak": bytes, "open": tunnels} as JSON.
Everything of the agent that grows with tunnels is the real one: table, state machine, renewals' messages, inner flows,
the kernel's sets through the real firewall driver, a real wireguard-go with all the peers through the real driver.
Simulated are the far ends: devices that knock, a gate that says yes with leases of the true length; and each peer that
wireguard-go lists is said to have just shaken hands.
"""

import asyncio
import gc
import json
import os
import re
import ssl
import sys
import time
from dataclasses import replace
from pathlib import Path

from tests.bench.machine import resident_bytes
from tests.unit.node.stage import PACKET
from tyst.core.firewall import Ruleset
from tyst.core.wireguard.handshake import Initiation
from tyst.messages.admission import Admission, AdmitKey, Features, Renew, Verdict
from tyst.messages.codec import encode
from tyst.node import wiring  # noqa: F401 -- the agent has all of it loaded
from tyst.node.clock import Clock
from tyst.node.doors import GateState
from tyst.node.drivers.elements import SetElements
from tyst.node.drivers.firewall import Nftables, NftFirewall
from tyst.node.drivers.flows import FlowTable, LingeringFlows
from tyst.node.drivers.wireguard import UserspaceWireGuard
from tyst.node.egress import plain
from tyst.node.packets import Knock
from tyst.node.settings import Settings
from tyst.node.states import State
from tyst.node.tunnels import Tunnels

LEASE_BYTES = 115
AT_ONCE = 100


class Yes:
    """A gate that lets everybody in."""

    state, lost_for = GateState.CONNECTED, 0.0

    async def admit_key(self, question: AdmitKey) -> Admission:
        return Admission(Verdict.OPEN, lease=os.urandom(LEASE_BYTES), features=Features(ipv6=True))

    async def confirm(self, lease: bytes) -> Admission:
        return Admission(Verdict.OPEN, lease=os.urandom(LEASE_BYTES), features=Features(ipv6=True))

    def give_back(self, lease: bytes) -> None: ...


class Peers(UserspaceWireGuard):
    """wireguard-go, whose peers have all just shaken hands."""

    async def handshakes(self) -> dict[bytes, int]:
        """The dump is read in full, and its times replaced."""
        return dict.fromkeys(await super().handshakes(), int(time.time()))


async def grow(count: int) -> int:
    """Opens `count` tunnels and goes through a minute's rounds; how many are open."""
    settings = replace(Settings(), asks_rate=1e9, asks_burst=1e9)
    nftables, elements, wireguard = Nftables(), SetElements(), Peers("wg-weighed")
    firewall = NftFirewall(nftables, elements)
    firewall.load(Ruleset("eth0"))
    tunnels = Tunnels(
        gate=Yes(),
        wireguard=wireguard,
        firewall=firewall,
        flows=LingeringFlows(FlowTable(), settings.linger, time.monotonic),
        passage=plain,
        hand_on=lambda packet: None,
        clock=Clock(time.monotonic, time.time),
        settings=settings,
    )
    context = ssl.create_default_context()
    await wireguard.start(os.urandom(32), 51999)
    for start in range(0, count, AT_ONCE):
        for _ in range(min(AT_ONCE, count - start)):
            tunnels.knock(Knock(Initiation(os.urandom(32), os.urandom(12)), PACKET))
        await _opened(tunnels, min(start + AT_ONCE, count))
    for _ in range(3):
        encode(Renew(tunnels.held()))
        await tunnels.look()
        await tunnels.sweep()
    firewall.reseed()
    assert context
    opened = tunnels.table.counts[State.OPEN]
    print(json.dumps({"rss": resident_bytes(os.getpid()), "peak": _peak(), "open": opened}))
    await wireguard.stop()
    return opened


async def _opened(tunnels: Tunnels, count: int) -> None:
    """Looks, as the agent does, until so many tunnels are open."""
    deadline = time.monotonic() + 20
    while tunnels.table.counts[State.OPEN] < count and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        await tunnels.look()


def _peak() -> int:
    """The most this process ever weighed (VmHWM, proc_pid_status(5)), in bytes."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found.group(1)) << 10


def main() -> int:
    """Grows, then weighs itself."""
    count = int(sys.argv[1])
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    opened = asyncio.run(grow(count))
    assert opened == count, f"{opened} of {count} tunnels came up"
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
