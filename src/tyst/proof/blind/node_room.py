"""A node in a process of its own, down to the kernel's stand-ins: real identity, real line to the gate, real tunnels.

It does what its standard input says, a JSON object a line, and answers 'done' or 'failed'. It knows of its devices what
a node knows: key and address. Counterpart: `live.py`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

from tyst.core.wireguard.handshake import Initiation
from tyst.node import identity
from tyst.node.clock import Clock
from tyst.node.egress import plain
from tyst.node.gate_link import GateLink
from tyst.node.packets import Captured, Knock
from tyst.node.renewals import Renewals
from tyst.node.settings import Settings
from tyst.node.states import State
from tyst.node.tunnels import Tunnels
from tyst.proof.worlds.kernel import Flows, Peers, firewall

_PATIENCE = 10.0


def main() -> int:
    """Runs until its input ends."""
    asyncio.run(_serve(Path(sys.argv[1]), sys.argv[2]))
    return 0


async def _serve(folder: Path, token: str) -> None:
    node = await _Node.joined(folder, token)
    print("ready", flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        job = json.loads(line)
        good = await node.connect(bytes.fromhex(job["key"]), job["address"]) if job else await node.leave()
        del job, line
        print("done" if good else "failed", flush=True)
    await node.link.close()


class _Node:
    """The room."""

    def __init__(self, link: GateLink, peers: Peers, tunnels: Tunnels) -> None:
        self.link, self.peers, self.tunnels = link, peers, tunnels
        self.renewals = Renewals(link, [tunnels], tunnels.note)

    @classmethod
    async def joined(cls, folder: Path, token: str) -> "_Node":
        """Enrols, and announces its keys."""
        who = await identity.enrol(folder, token, time.time)
        link, peers = GateLink(who.gate, who.context, time.monotonic), Peers()
        await who.announce(link)
        tunnels = Tunnels(
            gate=link,
            wireguard=peers,
            firewall=firewall(),
            flows=Flows(),
            passage=plain,
            hand_on=lambda _: None,
            clock=Clock(time.monotonic, time.time),
            settings=Settings(),
        )
        return cls(link, peers, tunnels)

    async def connect(self, public: bytes, address: str) -> bool:
        """A device proved itself, and spoke."""
        packet = Captured(IPv4Address(address).packed, 40000, bytes((192, 0, 2, 10)), 51820, bytes(148))
        self.tunnels.knock(Knock(Initiation(public, os.urandom(12)), packet))
        if not await _until(lambda: self._is(public, State.PROVISIONAL)):
            return False
        self.peers.stamps[public] = int(time.time())
        await self.tunnels.look()
        return await _until(lambda: self._is(public, State.OPEN))

    async def leave(self) -> bool:
        """All tunnels end, and what came back is given back."""
        await self.renewals.round()
        await self.tunnels.close_all()
        await self.renewals.round()
        await self.tunnels.sweep()
        return not self.tunnels.held()

    def _is(self, public: bytes, state: State) -> bool:
        tunnel = self.tunnels.table.get(public)
        return tunnel is not None and tunnel.state is state


async def _until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.002)
    return True
