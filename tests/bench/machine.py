"""What the benches measure with: CPU time of this and other processes, memory, rates, and pairs measured in turn.

The machine is shared and its speed wanders, so work is judged by the CPU time it took, and every figure is taken in
short turns with its yardstick, first one, then the other, so that a slow minute is slow for both.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import median_interval

Rate = Callable[[], float]
"""Measures for a moment; returns so-and-so many per CPU second."""


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far: user and system, all threads (clock_getcpuclockid(3)).

    Without CONFIG_IRQ_TIME_ACCOUNTING, as here, that includes the soft interrupts that ran on top of it.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Memory that a process holds in RAM (VmRSS, proc_pid_status(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise ProcessLookupError(pid)


def rate(work: Callable[[], int], seconds: float = 0.25) -> float:
    """How much `work` does per CPU second of this process: it is called until `seconds` of CPU time have passed."""
    done, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        done += work()
    return done / spent


@dataclass(frozen=True)
class Compared:
    """Two rates measured in turn: their medians, and the median of the ratios with its 95 % interval."""

    value: float
    yardstick: float
    ratio: float
    low: float
    high: float


def compare(value: Rate, yardstick: Rate, rounds: int = 9) -> Compared:
    """Measures both `rounds` times, in alternating order, after one turn of each that does not count."""
    value()
    yardstick()
    pairs = []
    for turn in range(rounds):
        if turn % 2:
            beside, mine = yardstick(), value()
        else:
            mine, beside = value(), yardstick()
        pairs.append((mine, beside))
    return compared(pairs)


def compared(pairs: Sequence[tuple[float, float]]) -> Compared:
    """The summary of (value, yardstick) pairs."""
    ratio, low, high = median_interval([mine / beside for mine, beside in pairs])
    return Compared(
        statistics.median(mine for mine, _ in pairs), statistics.median(beside for _, beside in pairs), ratio, low, high
    )


def kernel_threads(prefix: str) -> set[int]:
    """Pids of the kernel's own threads whose name begins so. Empty where the kernel's process list is out of sight."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                comm = Path(f"/proc/{name}/comm").read_text()
            except OSError:
                continue
            if comm.startswith(prefix) and not os.path.exists(f"/proc/{name}/exe"):
                found.add(int(name))
    return found
