"""Residue in the lab: tunnels, nodes, resolvers, raw disks and kernel tables, with stock clients, in three phases.

A marked customer connects by WireGuard and OpenVPN. While each tunnel is open she must be found where a VPN can't do
without her; 185 seconds later and after a restart of all rooms she must not be found at all, but for what the
inventory declares of programs that we did not write. The positive control plants every form on every surface of every
host. Needs root. Counterparts: `proof.marked` (the visit), `proof.run` (the scan), `residue_check`.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tyst.journey.cast import Cast
from tyst.journey.report import Report as Journey
from tyst.lab.bringup import CITIES, Provider
from tyst.lab.lab import Lab
from tyst.proof import marked, nothing
from tyst.proof.allowed import load
from tyst.proof.check import Fault, How, Verdict
from tyst.proof.report import Report
from tyst.proof.residue.leaks import AT_THE_NODE, WHILE_OPEN, Leak, prefix
from tyst.proof.run import Proof

WHO = "bob"
MUST = {
    "wireguard": (("wg show all dump", "address4"), ("wireguard-go", "address4"), ("unbound", "name1")),
    "openvpn": (("openvpn", "address4"), ("unbound", "name2")),
}
"""Where she must be found while her tunnel is open: (the beginning of a surface's name, which of her values)."""
SEARCHED = (
    "the lab's hosts of ours (control and two nodes): every file and its name, the raw disk with its free space, RAM "
    "disks, files without a name, memory, command lines and environments of every process",
    "the kernel's tables of each: connection tracking, neighbours, routes, sockets, firewall sets, WireGuard's peers, "
    "everything under /proc/net; the machine's kernel log",
)
CANNOT = (
    "The kernel's own freed memory in the lab: the hosts share one kernel.",
    "What the inventory declares of programs that we did not write: docs/threat-model.md has the list, with its ends.",
)


def leaks(how: How) -> list[Fault]:
    """A provider whose nodes have the leaky changes of `leaks.AT_THE_NODE`: which of them are seen."""
    how.tell(f"{len(AT_THE_NODE)} leaky changes at the nodes of a lab of their own")
    with Lab.build() as lab:
        cast = Cast(lab, _LeakyProvider.start(lab, tell=how.tell), Journey())
        try:
            return _Leaks(cast).faults(how)
        finally:
            cast.close_browsers()


def run(how: How) -> Verdict:
    """All three phases. Without root nothing of this is possible, and the verdict says so."""
    if os.geteuid() != 0:
        return Verdict("residue", (), (), (), (), ("Without root there is no lab: no tunnels took part.",))
    how.tell("a lab with tunnels")
    with Lab.build() as lab:
        cast = Cast(lab, Provider.start(lab, tell=how.tell), Journey())
        try:
            verdict = _Phases(cast, how).verdict()
        finally:
            cast.close_browsers()
    return replace(verdict, faults=(*verdict.faults, *leaks(how)))


@dataclass
class _LeakyProvider(Provider):
    """A provider whose nodes start with the changes."""

    before_node: tuple[str, ...] = prefix(AT_THE_NODE)


class _Leaks:
    """One marked visit there: looked for while she is there, and 185 seconds later."""

    def __init__(self, cast: Cast) -> None:
        self._cast, self._seed = cast, marked.draw((WHO,))
        self._open: set[tuple[str, str]] = set()

    def faults(self, how: How) -> list[Fault]:
        """Which changes were seen."""
        self._seed = marked.visit(self._cast, self._seed, WHO, during=self._live)
        self._cast.close_browsers()
        how.tell(f"{marked.SETTLE} s until an honest node has nothing left")
        time.sleep(marked.SETTLE)
        after = seen(self._scan("closed"))
        return [Fault(f"leak: {one.what}", self._caught(one, after)) for one in AT_THE_NODE]

    def _live(self, _protocol: str) -> None:
        self._open |= seen(self._scan("live"))

    def _scan(self, phase: str) -> Report:
        """Nothing is excused: what an honest program may hold is told apart by place."""
        return Proof(marked.rooms(self._cast), self._seed.all).scan(phase)

    def _caught(self, leak: Leak, after: set[tuple[str, str]]) -> bool:
        places = self._open if leak.name in WHILE_OPEN else after
        return any(leak.place in where and what == leak.mark for where, what in places)


def seen(report: Report) -> set[tuple[str, str]]:
    """(surface, mark without whose it is) of all that a scan found."""
    return {(one.surface, one.mark.partition(".")[2]) for one in (*report.found, *report.allowed)}


class _Phases:
    """One marked visit, and what is seen of it."""

    def __init__(self, cast: Cast, how: How) -> None:
        self._cast, self._how, self._seed = cast, how, marked.draw((WHO,))
        self._faults: list[Fault] = []

    def verdict(self) -> Verdict:
        """Visit, wait, scan, restart, scan."""
        self._how.tell("a marked customer, by WireGuard and by OpenVPN; looked for while she is there")
        self._seed = marked.visit(self._cast, self._seed, WHO, during=self._live)
        self._cast.close_browsers()
        left = time.monotonic()
        self._how.tell(f"{marked.SETTLE} s until nothing may be left")
        while time.monotonic() < left + marked.SETTLE:
            time.sleep(1)
        closed = nothing.scan(self._cast, self._seed, "185 s after close", time.monotonic() - left)
        self._how.tell("every room is restarted")
        restart(self._cast.provider)
        after = nothing.scan(self._cast, self._seed, "after a restart", time.monotonic() - left)
        self._faults += [_control(closed), _control(after)]
        found = tuple(f"{reason}, {report.phase}" for report in (closed, after) for reason in report.reasons())
        return Verdict("residue", (), SEARCHED, found, tuple(self._faults), CANNOT, dict(_figures(closed, after)))

    def _live(self, protocol: str) -> None:
        allowed = load(nothing.INVENTORY)
        report = Proof(marked.rooms(self._cast), self._seed.all, allowed=allowed).scan("live")
        places = seen(report)
        for place, mark in MUST[protocol]:
            there = any(where.startswith(place) and what == mark for where, what in places)
            self._faults.append(Fault(f"while she is there by {protocol}: {mark}, in {place}", there))


def _control(report: Report) -> Fault:
    planted = f"{report.controls_planted} values, in every form on every kind of surface of every host"
    return Fault(f"{planted}, {report.phase}", report.control_found)


def _figures(*reports: Report) -> Iterator[tuple[str, float]]:
    for report in reports:
        name = "lab_" + report.phase.replace(" ", "_")
        yield f"{name}_mb", round(report.searched / 1e6)
        yield f"{name}_scan_gb_per_cpu_s", round(report.speed, 2)
        yield f"{name}_declared_remainders", len(report.allowed)


def restart(provider: Provider) -> None:
    """Every room ends as by its operator's hand and starts again."""
    running = [provider.gate, provider.site, *provider.nodes.values()]
    for process in running:
        if process is not None:
            _end(process)
    provider.start_gate()
    provider.start_site()
    for name in CITIES:
        provider.start_node(name)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
