"""What the whole ruleset costs a tunnel: megabits per CPU second of the node, with the rules and without, in turn.

Every feature's rules are in it, and every set and map is as full as ten thousand tunnels make it; Alice leaves by an
address of the pool. One transfer has the whole table in force, the next nothing at all, the
third only the one rule without which no VPN works (masquerade), right after each other on the same tunnel. What is not
in force is dormant (nft(8), table flags): its chains are attached nowhere. Each state has a connection of its own,
because with masquerade the far end sees the node's address. The node's CPU time is that of its wireguard-go and of the
kernel thread that works on what comes in at its public interface (`own_time.py`), so every chain is inside what is
counted. Each direction has its own figures.
"""

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import Any

from tests.bench.figures import Figure, figure
from tests.bench.gatehouse import program
from tests.bench.machine import compared, cpu_seconds, kernel_threads
from tests.bench.stream import Stream
from tests.bench.tunnel import KeyPair, key_pair, say, start_client, start_wireguard
from tyst.core import firewall
from tyst.core.firewall import Element
from tyst.core.firewall import collections as held
from tyst.core.wireguard.addresses import WIREGUARD6
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.lab.topology import ECHO_V4, EXIT6, PLACES, POOLS, span
from tyst.messages.network import Exit, Network, Pools
from tyst.node.features import parts_of
from tyst.node.network import Fleet

TUNNELS = 10_000
PAIRS = int(os.environ.get("TYST_BENCH_PAIRS", "50"))
AMOUNT = 6 << 20
"""Bytes of one transfer: an eighth of a second or so."""
TARGET = 0.95
CLIENT = ipaddress.IPv4Address("10.16.0.9")
_LOOSE = ("net.ipv4.conf.all.rp_filter=0", "net.ipv4.ip_forward=1")
_MASQUERADE = "tyst_bench"
_LEAST = f"""table inet {_MASQUERADE} {{
 chain out {{
  type nat hook postrouting priority srcnat; policy accept;
  oifname "eth0" ip saddr 10.0.0.0/8 masquerade
 }}
}}
"""


class State(Enum):
    """Which tables are in force."""

    WHOLE = (firewall.TABLE,)
    MASQUERADE = (_MASQUERADE,)
    BARE = ()


class _Rig:
    """The node, its processes whose time counts, and one connection for each state of the rules."""

    def __init__(self, lab: Lab, workers: list[int], fleet: Fleet) -> None:
        self._node, self._workers = lab["se-sto"], workers
        self._node.run(["nft", "-f", "-"], input=_ruleset(fleet) + _LEAST)
        self._streams: dict[State, Stream] = {}
        for state in State:
            self._switch(state)
            self._streams[state] = Stream.open(lab["alice"], lab["web"], ECHO_V4)

    def _switch(self, state: State) -> None:
        """Puts to sleep first, so that no two tables are ever awake together."""
        asleep = [f"add table inet {name} {{ flags dormant; }}" for name in _TABLES if name not in state.value]
        awake = [f"add table inet {name}" for name in state.value]
        self._node.run(["nft", "; ".join([*asleep, *awake])])

    def run(self, state: State, *, down: bool) -> float:
        """Megabits per CPU second of the node."""
        self._switch(state)
        before = sum(map(cpu_seconds, self._workers))
        self._streams[state].carry(AMOUNT, down=down)
        return AMOUNT * 8 / 1e6 / (sum(map(cpu_seconds, self._workers)) - before)


_TABLES = (firewall.TABLE, _MASQUERADE)


def bench() -> list[Figure]:
    """Two figures for each direction."""
    with _rig() as rig:
        return [*_direction(rig, "up", down=False), *_direction(rig, "down", down=True)]


def _direction(rig: _Rig, name: str, *, down: bool) -> list[Figure]:
    runs: dict[State, list[float]] = {state: [] for state in State}
    for state in State:
        rig.run(state, down=down)
    for turn in range(PAIRS):
        order = list(State)[turn % 3 :] + list(State)[: turn % 3]
        for state in order if turn % 2 else reversed(order):
            runs[state].append(rig.run(state, down=down))
    whole = compared(list(zip(runs[State.WHOLE], runs[State.BARE], strict=True)))
    beside = compared(list(zip(runs[State.WHOLE], runs[State.MASQUERADE], strict=True)))
    for what, result in (("nothing", whole), ("masquerade alone", beside)):
        interval = f"95 % interval {result.low:.3f} to {result.high:.3f}"
        say(f"throughput {name}, all rules beside {what}: ratio {result.ratio:.3f}, {interval}")
    title, unit = f"tunnel throughput {name}, every rule and {TUNNELS} tunnels", "Mbit/CPU s"
    reaches, holds = f"{TARGET} x the bare tunnel", whole.ratio >= TARGET
    return [
        figure(title, whole.value, unit, whole.yardstick, ratio=whole.ratio, reaches=reaches, holds=holds),
        figure(f"{title}, beside masquerade alone", beside.value, unit, beside.yardstick, ratio=beside.ratio),
    ]


@contextmanager
def _rig() -> Iterator[_Rig]:
    with Lab.build(hosts=["se-sto", "alice"]) as lab:
        node, alice = lab["se-sto"], lab["alice"]
        keys, hers = key_pair(node), key_pair(alice)
        workers = [_start_node(node, keys, hers.public), *_own_time(node)]
        lab["internet"].run(["ip", "route", "add", f"{CLIENT}/32", "via", str(node.ipv4)])
        start_client(alice, hers, address=CLIENT, endpoint=f"{node.ipv4}:51820", node=keys.public)
        for host in (alice, lab["web"]):
            host.run(["sysctl", "-qw", "net.ipv4.tcp_slow_start_after_idle=0"])
        fleet = _fleet()
        for address in fleet.addresses.all4:
            node.run(["ip", "address", "add", f"{address}/24", "dev", "eth0"])
        yield _Rig(lab, workers, fleet)


def _start_node(node: Host, keys: KeyPair, client: str) -> int:
    """A wireguard-go as the node starts it, with Alice as its peer."""
    daemon = start_wireguard(node, firewall.WIREGUARD, GODEBUG="clobberfree=1")
    words = ["wg", "set", firewall.WIREGUARD, "listen-port", "51820", "private-key", "/dev/stdin"]
    node.run([*words, "peer", client, "allowed-ips", f"{CLIENT}/32"], input=keys.private)
    node.run(["ip", "link", "set", firewall.WIREGUARD, "up", "mtu", "1420", "txqueuelen", "1000"])
    node.run(["ip", "route", "add", "10.16.0.0/12", "dev", firewall.WIREGUARD])
    node.run(["sysctl", "-qw", *_LOOSE])
    return daemon.pid


def _own_time(node: Host) -> list[int]:
    """The kernel thread for the node's public interface; none where it can't be seen, and then it is not started."""
    known = kernel_threads("napi/")
    if not kernel_threads("ksoftirqd"):
        say("the kernel's threads are out of sight: the node's receive path is not in its CPU time")
        return []
    words, environment = program("tests.bench.own_time", "eth0")
    node.run(["unshare", "-m", "sh", "-c", 'mount -o remount,rw /sys && exec "$@"', "_", *words], env=environment)
    return sorted(kernel_threads("napi/") - known)


def _fleet() -> Fleet:
    """What the node would know: its pools, another node to which it is the entry."""
    spans = {use: [part for part in text.split() if ":" not in part] for use, text in POOLS["se-sto"].items()}
    four = {use: tuple(str(one) for part in parts for one in span(part)) for use, parts in spans.items()}
    pools = Pools(four["exit"], str(EXIT6["se-sto"]), four["public"], four["streaming"])
    other = PLACES["de-fra"]
    exits = (Exit(1, "de-fra", str(other.ipv4), str(other.ipv6)),)
    gate: Any = None
    return Fleet(gate, Network(b"", exits=exits, pools=pools), lambda network: None)


def _ruleset(fleet: Fleet) -> str:
    """The node's whole ruleset, every feature's rules in it, with ten thousand tunnels open, Alice's among them."""
    gates, site = (ipaddress.IPv4Address("198.18.1.10"),), (ipaddress.IPv4Address("198.18.1.11"),)
    ruleset = firewall.Ruleset("eth0", management=gates, site=site)
    ruleset = replace(ruleset, pool=fleet.addresses.all4, parts=parts_of(fleet))
    return ruleset.text(_elements(fleet), seed=7)


def _elements(fleet: Fleet) -> dict[str, list[Element]]:
    """Every collection as full as ten thousand tunnels make it: each has its exits, every tenth wants streaming and has
    two forwarded ports; as many public addresses are held as there are, and listed names lead to a thousand places."""
    pools, elements = fleet.addresses, {one.name: list[Element]() for one in firewall.COLLECTIONS}
    assert pools.exit6 is not None
    for number in range(TUNNELS):
        four, six = CLIENT + number, WIREGUARD6[number + 1]
        leaves = pools.exit4[number % len(pools.exit4)]
        for collection in (held.OPEN6, held.EGRESS6):
            elements[collection.name].append(Element(six.packed))
        elements[held.OPEN4.name].append(Element(four.packed))
        elements[held.EXIT4.name].append(Element(four.packed, leaves.packed))
        elements[held.EXIT6.name].append(Element(six.packed, pools.exit6[number + 1].packed))
        if number % 10 == 0:
            elements[held.STREAM4.name].append(Element(four.packed, pools.streaming4[0].packed))
            for proto in (6, 17):
                port = 10240 + number
                key = held.PORTS4.pack_key(proto, leaves, port)
                elements[held.PORTS4.name].append(Element(key, held.PORTS4.pack_value(four, port), 3600.0))
    for number, public in enumerate(pools.public4, 1):
        elements[held.MINE4.name].append(Element((CLIENT + number).packed, public.packed))
        elements[held.PUBLIC4.name].append(Element(public.packed, (CLIENT + number).packed))
    places = ipaddress.IPv4Address("198.51.100.0")
    elements[held.STREAMS4.name] += [Element((places + number).packed, b"", 3600.0) for number in range(1, 255)]
    return elements
