"""Cold connects: a thousand keys that the node never saw, beside as many whose peer was configured beforehand.

The cold ones go the product's whole way (listener, gate, driver, rules); the plain ones go to a wireguard-go without
anything around it on a machine like the node, by the same client and in turn with the cold ones. The gate's round trip
is measured from the node's host over a kept connection. While they connect, the disks of every machine are watched.
"""

import asyncio
import base64
import json
import ssl
import statistics
import time

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.bench.figures import Figure, figure
from tests.bench.gatehouse import Connection, message, node_context, program, reply, state_of
from tests.bench.machine import resident_bytes
from tests.bench.memory import weight
from tests.bench.stage import Stage, stage
from tests.bench.tunnel import KeyPair, key_pair, say, start_wireguard
from tyst.core.tags import opener_of, tag_of
from tyst.core.wireguard.addresses import ALL_TUNNELS4, RESOLVER4, address4
from tyst.lab.host import Host
from tyst.lab.topology import PLACES
from tyst.lab.wireguard import wg_show
from tyst.messages.admission import Admission, AdmitKey, Verdict
from tyst.proof.writes import WriteWatch, plant_byte

CONNECTS = 1000
TURNS = 5
ROUND_TRIPS = 60
"""Questions to the gate before each turn."""
MEDIAN_MS, WORST_MS, RETRY_MS = 5.0, 20.0, 1000.0
PLAIN, PORT = "wg-plain", 51820

Times = list[float | None]


def bench() -> list[Figure]:
    """Latency, retries, and bytes written meanwhile."""
    there = stage()
    cold, asked = there.customers(CONNECTS), there.customers(TURNS * ROUND_TRIPS)
    plain = [X25519PrivateKey.generate().private_bytes_raw() for _ in range(CONNECTS)]
    keys = _start_plain(there.other, plain)
    context = node_context(state_of(there.provider.control))
    times: dict[str, Times] = {"cold": [], "plain": []}
    trips: list[float] = []
    with WriteWatch(list(there.lab)) as watch:
        for turn in range(TURNS):
            trips += asyncio.run(_round_trips(there, context, asked[turn * ROUND_TRIPS :][:ROUND_TRIPS]))
            part = slice(turn * CONNECTS // TURNS, (turn + 1) * CONNECTS // TURNS)
            for name, found in _connect(there, keys.public, cold[part], plain[part]).items():
                times[name] += found
        written = watch.finish()
    for line in written.lines():
        say(line)
    return [*_latency(times, statistics.median(trips)), _weight(there), _written(there, written.total)]


def _start_plain(host: Host, privates: list[bytes]) -> KeyPair:
    """A plain wireguard-go that knows every key already."""
    keys = key_pair(host)
    start_wireguard(host, PLAIN)
    lines = [f"[Interface]\nPrivateKey = {keys.private}\nListenPort = {PORT}\n"]
    for private in privates:
        public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        lines.append(f"[Peer]\nPublicKey = {base64.b64encode(public).decode()}\nAllowedIPs = {address4(public)}/32\n")
    host.run(["wg", "setconf", PLAIN, "/dev/stdin"], input="".join(lines))
    host.run(["ip", "address", "add", f"{RESOLVER4}/32", "dev", "lo"])
    host.run(["ip", "link", "set", PLAIN, "up", "mtu", "1420"])
    host.run(["ip", "route", "add", str(ALL_TUNNELS4), "dev", PLAIN, "src", str(RESOLVER4)])
    return keys


def _connect(there: Stage, plain_public: str, cold: list[bytes], plain: list[bytes]) -> dict[str, Times]:
    """One turn: both sides in alternation, from Mallory's machine."""
    plan = {
        "cold": _side(there.node, there.node_public(), cold),
        "plain": _side(there.other, plain_public, plain),
    }
    words, environment = program("tests.bench.cold_client")
    patience = 60 + 0.5 * len(cold)
    out = there.lab["mallory"].run(words, env=environment, input=json.dumps(plan), timeout=patience).stdout
    found: dict[str, Times] = json.loads(out)
    return found


def connect_some(there: Stage, privates: list[bytes]) -> list[float]:
    """Milliseconds to the first answer for each key in turn, from Mallory's machine; those without one left out."""
    words, environment = program("tests.bench.cold_client")
    plan = json.dumps({"cold": _side(there.node, there.node_public(), privates)})
    out = there.lab["mallory"].run(words, env=environment, input=plan, timeout=60 + len(privates)).stdout
    return [float(found) for found in json.loads(out)["cold"] if found is not None]


def connect_once(there: Stage, private: bytes) -> float | None:
    """Milliseconds to the first answer for one key, from Mallory's machine; None when none came."""
    words, environment = program("tests.bench.cold_client")
    plan = json.dumps({"cold": _side(there.node, there.node_public(), [private])})
    out = there.lab["mallory"].run(words, env=environment, input=plan, timeout=60).stdout
    (found,) = json.loads(out)["cold"]
    return None if found is None else float(found)


def _side(host: Host, public: str, privates: list[bytes]) -> dict[str, object]:
    keys = [private.hex() for private in privates]
    return {"endpoint": f"{host.ipv4}:{PORT}", "public": base64.b64decode(public).hex(), "privates": keys}


async def _round_trips(there: Stage, context: ssl.SSLContext, privates: list[bytes]) -> list[float]:
    """Milliseconds from question to answer, each about another key, over one kept connection from the node's host."""
    address = str(PLACES["control"].ipv6)
    connection = await Connection.open(there.node, context, address)
    times = []
    for private in privates:
        public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        body = message(AdmitKey(tag_of(public), opener_of(public)))
        began = time.perf_counter()
        answer = await connection.ask("/v1/admit/key", body)
        times.append((time.perf_counter() - began) * 1000)
        assert reply(Admission, answer).verdict is Verdict.OPEN
    await connection.close()
    return times


def _latency(times: dict[str, Times], trip: float) -> list[Figure]:
    cold = [found for found in times["cold"] if found is not None]
    plain = [found for found in times["plain"] if found is not None]
    late = len(times["cold"]) - len([found for found in cold if found < RETRY_MS])
    median, beside = statistics.median(cold), statistics.median(plain)
    limit = 2 * beside + trip
    quantiles = statistics.quantiles(cold, n=100)
    say(
        f"cold: 95 % within {quantiles[94]:.1f} ms, 99 % within {quantiles[98]:.1f} ms; "
        f"plain: worst {max(plain):.1f} ms"
    )
    return [
        figure(
            "cold connect, median",
            median,
            "ms",
            beside,
            reaches=f"{MEDIAN_MS} ms, and 2 x plain + one gate round trip = {limit:.2f} ms",
            holds=median <= MEDIAN_MS and median <= limit,
        ),
        figure(
            f"cold connect, worst of {len(times['cold'])}",
            max(cold),
            "ms",
            max(plain),
            reaches=f"{WORST_MS} ms",
            holds=max(cold) <= WORST_MS,
        ),
        figure(
            "cold connects that waited for a retry",
            late,
            "connects",
            len(times["plain"]) - len([found for found in plain if found < RETRY_MS]),
            reaches="none",
            holds=late == 0,
        ),
        figure("gate round trip from the node, median", trip, "ms", beside),
    ]


def _weight(there: Stage) -> Figure:
    """What the agent weighs now, with all those tunnels still open."""
    tunnels = len(wg_show(there.node, "peers").split())
    return weight("agent memory, the running node after its connects", resident_bytes(there.agent), tunnels)


def _written(there: Stage, total: int) -> Figure:
    """Bytes written by all those connects; the yardstick is what the same watch says of one byte planted on a disk."""
    with WriteWatch(list(there.lab)) as watch:
        plant_byte(there.node)
        planted = watch.finish().total
    return figure(
        f"bytes written by {CONNECTS} connects, every machine",
        total,
        "bytes",
        planted,
        reaches="0 bytes, while a planted byte is seen",
        holds=total == 0 < planted,
    )
