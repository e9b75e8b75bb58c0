"""A crowd connects, stays and goes: ten thousand tunnels through the whole path, and what that costs whom.

One node with its supervisor, one gate, ten thousand customers; devices in one process of Mallory's (`crowd_clients.py`).
Counted is the CPU time of everything that works for them: agent, WireGuard, gate. Meanwhile Alice pings through a tunnel
that was open before, as she does while nobody connects; and single cold connects are timed before and after, because
one more tunnel must cost the same whether none is open or ten thousand. At the end they all fall silent, and the node
closes them by itself. Yardsticks on a machine like the node: `wg set` for each peer, and `wg syncconf` of all of them,
which is how a peer is added where a panel writes a file. `TYST_BENCH_CROWD=500` makes it shorter, to try it out.
"""

import base64
import json
import os
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.bench.cold import connect_some
from tests.bench.figures import Figure, figure
from tests.bench.floods import open_tunnel
from tests.bench.gatehouse import program
from tests.bench.machine import cpu_seconds, resident_bytes
from tests.bench.memory import BASE, EACH
from tests.bench.stage import HOSTS, NODE, Stage
from tests.bench.tunnel import key_pair, say, start_wireguard
from tyst.core.wireguard.addresses import address4
from tyst.lab.bringup import NODE_STATE, Provider
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.lab.topology import ECHO_V4
from tyst.lab.wait import wait_until
from tyst.lab.wireguard import wg_show

CROWD = int(os.environ.get("TYST_BENCH_CROWD", "10000"))
IDLE = 60.0
"""Seconds after a device's last handshake when its tunnel closes, here: 180 would be two minutes of waiting more."""
SINGLE = 60
"""Cold connects, one after the other, before the crowd and while it is there."""
QUIET = 8.0
"""Seconds for which Alice pings while nobody connects."""
PEERS_SET = 300
FEW = 5
"""Alice, and whoever connected last to be timed."""
RATE, GROWTH, P99_MS = 500, 1.2, 50.0


@dataclass(frozen=True)
class Spent:
    """What a phase cost: seconds on the wall, CPU seconds of agent, WireGuard and gate."""

    wall: float
    agent: float
    wireguard: float
    gate: float

    @property
    def whole(self) -> float:
        """All of it."""
        return self.agent + self.wireguard + self.gate

    @property
    def ours(self) -> float:
        """Without WireGuard itself."""
        return self.agent + self.gate


class Meter:
    """Reads the clocks of the processes that work for the crowd."""

    def __init__(self, there: Stage) -> None:
        assert there.provider.gate is not None
        self._pids = (there.agent, wireguard_of(there), there.provider.gate.pid)
        self._began, self._before = time.monotonic(), self._now()

    def _now(self) -> tuple[float, ...]:
        return tuple(map(cpu_seconds, self._pids))

    def read(self) -> Spent:
        return Spent(time.monotonic() - self._began, *(b - a for a, b in zip(self._before, self._now(), strict=True)))


def wireguard_of(there: Stage) -> int:
    """The node's wireguard-go."""
    for pid in there.node.pids():
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        if words.startswith(b"wireguard-go\0"):
            return pid
    raise ProcessLookupError("wireguard-go")


@contextmanager
def crowded() -> Iterator[Stage]:
    """A provider whose one node takes a crowd."""
    with Lab.build(hosts=HOSTS) as lab:
        provider = Provider(lab)
        provider.make_fleet()
        provider.start_gate()
        host = lab[NODE]
        host.run(["sh", "-c", "umask 077; cat > /run/tyst-token"], input=provider.token_for(NODE))
        words, environment = program("tests.bench.crowd_node", json.dumps({"idle": IDLE}))
        words += ["--state", NODE_STATE, "--token-file", "/run/tyst-token", "--no-openvpn"]
        malloc = {"PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
        node = host.popen(words, env={**environment, **malloc}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        provider.nodes[NODE] = node
        assert node.stdout is not None and node.stdout.readline() == "ready\n", node.communicate()[1]
        yield Stage(lab, provider)


def bench() -> list[Figure]:
    """Opening, closing, what a tunnel more costs, what those inside notice, and what others' ways cost."""
    with crowded() as there:
        (alice,) = there.customers(1)
        open_tunnel(there, alice)
        crowd, singles = there.customers(CROWD), there.customers(2 * SINGLE)
        alone = connect_some(there, singles[:SINGLE])
        quiet = _pings(there, QUIET)
        clients = _Clients(there, crowd)
        with _pinging(there) as busy:
            meter = Meter(there)
            told = clients.connect()
            wait_until(lambda: _peers(there) >= CROWD, within=30, every=0.2, what="all peers")
            opened = meter.read()
        say(f"{told['connected']} connected in {told['seconds']:.1f} s, {told['repeated']} repeated; CPU {opened}")
        figures = [_weight(there), *_noticed(quiet, busy)]
        figures.append(_one_more(alone, connect_some(there, singles[SINGLE:])))
        closed = _closed(there)
        say(f"closed: CPU {closed}")
        return [*_rates(opened, closed, told), *figures, *_others_ways(there.other, crowd, opened)]


class _Clients:
    """The devices: made, then let loose."""

    def __init__(self, there: Stage, privates: list[bytes]) -> None:
        public = base64.b64decode(there.node_public()).hex()
        words, environment = program("tests.bench.crowd_clients", str(there.node.ipv4), "51820", public)
        pipe = subprocess.PIPE
        self._process = there.lab["mallory"].popen(words, env=environment, stdin=pipe, stdout=pipe)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._say, self._hear = self._process.stdin, self._process.stdout
        self._say.write("".join(f"{private.hex()}\n" for private in privates) + "\n")
        self._say.flush()
        assert self._hear.readline() == "ready\n"

    def connect(self) -> dict[str, float]:
        self._say.write("go\n")
        self._say.flush()
        found: dict[str, float] = json.loads(self._hear.readline())
        self._process.wait(10)
        self._say.close()
        self._hear.close()
        assert found["connected"] == CROWD, f"{found['connected']} of {CROWD} devices connected"
        return found


def _peers(there: Stage) -> int:
    return len(wg_show(there.node, "peers").split())


def _rates(opened: Spent, closed: Spent, told: dict[str, float]) -> list[Figure]:
    """Tunnels per CPU second, from knock to open and from silence to gone; beside what of it was ours."""
    whole, ours = opened.whole + closed.whole, opened.ours + closed.ours
    return [
        figure(
            f"crowd: {CROWD} tunnels opened and closed, agent and gate",
            CROWD / ours,
            "/s/core",
            CROWD / whole,
            reaches=f"{RATE}/s/core",
            holds=ours * RATE <= CROWD,
        ),
        figure(
            f"crowd: {CROWD} tunnels opened, by the clock",
            told["connected"] / told["seconds"],
            "/s",
            CROWD / opened.whole,
        ),
    ]


def _weight(there: Stage) -> Figure:
    held, allowed = resident_bytes(there.agent), BASE + EACH * CROWD
    name = f"crowd: agent memory with {CROWD} tunnels open"
    return figure(name, held / 2**20, "MiB", allowed / 2**20, reaches=f"{allowed >> 20} MiB", holds=held <= allowed)


def _one_more(alone: list[float], among: list[float]) -> Figure:
    value, beside = statistics.median(among), statistics.median(alone)
    return figure(
        f"crowd: a cold connect while {CROWD} are open, median",
        value,
        "ms",
        beside,
        reaches=f"{GROWTH} x one while none is",
        holds=value <= GROWTH * beside,
    )


def _closed(there: Stage) -> Spent:
    """They have fallen silent: the node closes them when their time is up. From the first that goes to the last."""
    wait_until(lambda: _peers(there) < CROWD, within=IDLE + 60, every=0.1, what="the crowd's tunnels to close")
    meter = Meter(there)
    spent = [meter.read()]

    def gone() -> bool:
        with suppress(OSError):  # a WireGuard whose last tunnel ended is replaced: then this is over
            spent.append(meter.read())
        return _peers(there) <= FEW

    wait_until(gone, within=IDLE + 120, every=0.25, what="the crowd's tunnels to be closed")
    return spent[-1]


# --- those who are inside already -----------------------------------------------------------------------------------


def _pings(there: Stage, seconds: float) -> list[float]:
    """Round trips through Alice's tunnel, in ms."""
    words = ["ping", "-i", "0.01", "-w", str(int(seconds)), str(ECHO_V4)]
    return _times(there.lab["alice"].run(words, timeout=seconds + 20, check=False).stdout)


@contextmanager
def _pinging(there: Stage) -> Iterator[list[float]]:
    """The list is filled after the block."""
    words = ["ping", "-i", "0.01", str(ECHO_V4)]
    process = there.lab["alice"].popen(words, stdout=subprocess.PIPE)
    found: list[float] = []
    try:
        yield found
    finally:
        process.send_signal(2)
        found += _times(process.communicate(timeout=10)[0])


def _times(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"time=([0-9.]+) ms", text)]


def _noticed(quiet: list[float], busy: list[float]) -> list[Figure]:
    ninetynine = [statistics.quantiles(one, n=100)[98] for one in (busy, quiet)]
    return [
        figure(
            f"crowd: ping of an open tunnel while {CROWD} connect, 99 %",
            ninetynine[0],
            "ms",
            ninetynine[1],
            reaches=f"{P99_MS} ms",
            holds=ninetynine[0] <= P99_MS,
        ),
        figure(f"crowd: ping of an open tunnel while {CROWD} connect, worst", max(busy), "ms", max(quiet)),
    ]


# --- what others do -------------------------------------------------------------------------------------------------


def _others_ways(host: Host, privates: list[bytes], ours: Spent) -> list[Figure]:
    """Adding one peer: our whole connect but the gate, beside one `wg set` and beside one `wg syncconf` of all."""
    publics = [X25519PrivateKey.from_private_bytes(one).public_key().public_bytes_raw() for one in privates]
    daemon = start_wireguard(host, "wg-others")
    keys = key_pair(host)
    head = f"[Interface]\nPrivateKey = {keys.private}\nListenPort = 51822\n"
    peers = [f"[Peer]\nPublicKey = {base64.b64encode(p).decode()}\nAllowedIPs = {address4(p)}/32\n" for p in publics]
    host.run(["wg", "setconf", "wg-others", "/dev/stdin"], input=head + "".join(peers[PEERS_SET:]), timeout=60)
    few = [(base64.b64encode(public).decode(), f"{address4(public)}/32") for public in publics[:PEERS_SET]]
    setting = _cost(daemon.pid, lambda: _set(host, few)) / len(few)
    host.run(["wg", "setconf", "wg-others", "/dev/stdin"], input=head + "".join(peers[1:]), timeout=60)
    whole = head + "".join(peers)
    synced = _cost(daemon.pid, lambda: host.run(["wg", "syncconf", "wg-others", "/dev/stdin"], input=whole, timeout=60))
    daemon.kill()
    daemon.wait(5)
    value = (ours.agent + ours.wireguard) * 1000 / CROWD
    unit = "ms of CPU"
    return [
        figure("crowd: one tunnel at the node, handshake included, beside `wg set`", value, unit, setting * 1000),
        figure(f"crowd: the same beside `wg syncconf` of {CROWD} peers", value, unit, synced * 1000),
    ]


def _set(host: Host, peers: Iterable[tuple[str, str]]) -> None:
    for public, allowed in peers:
        host.run(["wg", "set", "wg-others", "peer", public, "allowed-ips", allowed])


def _cost(daemon: int, work: Callable[[], object]) -> float:
    """CPU seconds of a WireGuard and of the programs that are run for it."""
    before, children = cpu_seconds(daemon), _children()
    work()
    return cpu_seconds(daemon) - before + _children() - children


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
