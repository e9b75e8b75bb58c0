"""What the node's agent weighs with 0, 1,000 and 10,000 open tunnels, beside what it may weigh.

Each in a fresh process, started as the node starts (same allocator settings). The yardstick is the target itself,
64 MiB and 4 KiB for each tunnel; the real agent of this run's provider, without tunnels, is weighed too.
"""

import json

from tests.bench.figures import Figure, figure
from tests.bench.gatehouse import program
from tests.bench.machine import resident_bytes
from tests.bench.stage import stage
from tests.bench.tunnel import say

COUNTS = (0, 1_000, 10_000)
BASE, EACH = 64 << 20, 4 << 10
AS_THE_NODE = {"PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "165", "PYTHONDONTWRITEBYTECODE": "1"}


def bench() -> list[Figure]:
    """One figure for each number of tunnels, and one for the agent that runs."""
    there = stage()
    figures = [weight("agent memory, the running node", resident_bytes(there.agent), 0)]
    for count in COUNTS:
        words, environment = program("tests.bench.memory_agent", str(count))
        out = there.lab["alice"].run(words, env={**environment, **AS_THE_NODE}, timeout=120).stdout
        weighed = json.loads(out)
        say(f"memory at {count} tunnels: {weighed['rss'] / 2**20:.1f} MiB, at most {weighed['peak'] / 2**20:.1f} MiB")
        figures.append(weight(f"agent memory, {count} tunnels", weighed["rss"], count))
        there.lab["alice"].run(["nft", "delete", "table", "inet", "tyst"])
    return figures


def weight(name: str, held: int, tunnels: int) -> Figure:
    """A process that holds so many bytes, beside what it may hold with so many tunnels."""
    allowed = BASE + EACH * tunnels
    return figure(name, held / 2**20, "MiB", allowed / 2**20, reaches=f"{allowed >> 20} MiB", holds=held <= allowed)
