"""A lab: an internet in network namespaces, built in a second or two, gone without a trace.

    with Lab.build() as lab:
        print(lab["alice"].run(["curl", "-sm5", "http://echo.test"]).stdout)

A lab belongs to the process that built it and ends with it, however that ends (`keeper.py` sees to it). `Lab.attach`
gives another process a view of it. Several labs live side by side: all have the same addresses, each in namespaces of
its own.
"""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from tyst.lab import linux, network, prepare, provider, record
from tyst.lab.ca import Authority, Issued
from tyst.lab.dns import ask
from tyst.lab.environment import base_environment, views
from tyst.lab.host import Host
from tyst.lab.plan import LabPlan
from tyst.lab.topology import AUTHORITATIVE_V4, ISP_RESOLVER_V4, PLACES, with_backbone
from tyst.lab.wait import NotInTime, wait_until

_PATIENCE = 20.0


class LabError(RuntimeError):
    """A lab could not be built or found; says why and what to check."""


class Lab:
    """Hosts by name. `ca` and `site` (its certificate for tyst.test) are None in a lab that was only attached to."""

    def __init__(self, name: str, hosts: dict[str, Host], keeper: "subprocess.Popen[str] | None") -> None:
        self.name, self.hosts = name, hosts
        self.ca: Authority | None = None
        self.site: Issued | None = None
        self._keeper = keeper
        self._closers: list[Callable[[], None]] = []

    @classmethod
    def build(cls, name: str | None = None, hosts: Sequence[str] | None = None) -> "Lab":
        """Builds a lab and starts its internet (echo server, DNS, the provider's resolver).

        `hosts` are those wanted (default: all of `topology.PLACES`), the backbone comes by itself. `name` is a random
        one by default; `record.CURRENT` is the one that `tyst lab enter` looks for. Clears away what killed labs left.
        Raises `LabError` when the machine can't do it (not root, no loop devices …), `FileExistsError` when the name
        is taken.
        """
        if os.geteuid():
            raise LabError("the lab needs root: it makes network namespaces and loop devices")
        record.sweep()
        chosen = with_backbone(tuple(hosts) if hosts is not None else tuple(PLACES))
        name = name or f"lab-{secrets.token_hex(4)}"
        lab = cls(name, {}, None)
        try:
            lab._make(chosen)
        except BaseException:
            lab.close()
            raise
        return lab

    @classmethod
    def attach(cls, name: str = record.CURRENT) -> "Lab":
        """A view of a lab that another process built; closing it ends nothing. Raises `LabError` if there is none."""
        value = record.read(name)
        if value is None or not record.locked(name):
            raise LabError(f"no lab named {name} is running; 'tyst lab list' shows which are, 'tyst up' starts one")
        for host in value["hosts"].values():
            if linux.start_time(host["pid"]) != host["started"]:
                raise LabError(f"the lab {name} can't be reached from here (it may be ending)")
        return cls(name, _hosts(value), None)

    def __getitem__(self, name: str) -> Host:
        if name not in self.hosts:
            raise KeyError(f"no host {name} in this lab; there are {', '.join(self.hosts)}")
        return self.hosts[name]

    def __contains__(self, name: str) -> bool:
        return name in self.hosts

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts.values())

    def __enter__(self) -> "Lab":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether all hosts still run: not so once somebody else has ended the lab."""
        return all(host.alive for host in self)

    def on_close(self, closer: Callable[[], None]) -> None:
        """Has something ended before the hosts go (a relay, a watcher); the last one added goes first."""
        self._closers.append(closer)

    def close(self, within: float = 15.0) -> None:
        """Ends the lab and returns when nothing is left of it, after about `within` seconds at the latest.

        Again: does nothing.
        """
        while self._closers:
            with contextlib.suppress(Exception):
                self._closers.pop()()
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            self._end(keeper, within)
        for host in self.hosts.values():
            host.close()

    def _end(self, keeper: "subprocess.Popen[str]", within: float) -> None:
        """Kills what runs in the hosts, so that nothing keeps their inits waiting, then lets the keeper clear up."""
        deadline = time.monotonic() + within
        for stream in (keeper.stdin, keeper.stdout, keeper.stderr):
            if stream:
                stream.close()
        for host in self.hosts.values():
            host.reap(max(0.1, deadline - time.monotonic()))
        try:
            keeper.wait(max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait(5)
        with contextlib.suppress(NotInTime):
            wait_until(lambda: not any(host.alive for host in self), within=2, every=0.005, what="the hosts to end")
        record.sweep()

    def _make(self, chosen: tuple[str, ...]) -> None:
        """The steps of `build`."""
        lock = record.reserve(self.name)
        try:
            self._keeper = _start_keeper(lock)
        finally:
            os.close(lock)
        self.ca = Authority()
        self.site = self.ca.issue(prepare.SITE_NAMES)
        ram = record.folder_of(self.name) / "ram"
        plans = prepare.host_plans(chosen, self.ca, self.site)
        value = _hand_over(self._keeper, LabPlan(self.name, os.getpid(), str(ram), views(), plans))
        record.write(self.name, value)
        self.hosts = _hosts(value)
        network.connect({host.name: host.pid for host in self}, {host.name: host.pidfd for host in self})
        _start_internet(self)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Host.sync, self))


def _start_keeper(lock: int) -> "subprocess.Popen[str]":
    """Starts the process that holds the lab; it inherits the lock, which tells everybody that the lab lives."""
    return subprocess.Popen(
        [sys.executable, "-S", "-m", "tyst.lab.keeper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=base_environment("/nonexistent"),
        cwd="/",
        text=True,
        pass_fds=(lock,),
        start_new_session=True,
    )


def _hand_over(keeper: "subprocess.Popen[str]", plan: LabPlan) -> dict[str, Any]:
    """Gives the keeper its plan; returns the lab's record, made from its answer."""
    if keeper.stdin is None or keeper.stdout is None or keeper.stderr is None:
        raise LabError("the keeper has no pipes")
    with contextlib.suppress(BrokenPipeError):
        keeper.stdin.write(plan.to_line())
        keeper.stdin.flush()
    line = keeper.stdout.readline()
    if not line:
        hint = "The lab needs root, /dev/loop-control, overlayfs and network namespaces."
        raise LabError(f"{keeper.stderr.read()[-4000:].strip()}\n{hint}")
    keeper.stderr.close()
    hosts = json.loads(line)
    for host in hosts.values():
        host["started"] = linux.start_time(host["pid"])
    ram = f"/proc/{keeper.pid}/root{plan.ram}"
    return {"keeper": keeper.pid, "started": linux.start_time(keeper.pid), "ram": ram, "hosts": hosts}


def _hosts(value: dict[str, Any]) -> dict[str, Host]:
    ram = Path(value["ram"])
    return {name: Host(name, host["pid"], host["loop"], ram / name) for name, host in value["hosts"].items()}


def _start_internet(lab: Lab) -> None:
    """Starts the servers that were there before Tyst, and waits until names can be asked for."""
    lab["web"].popen([sys.executable, "-m", "tyst.lab.services.server"])
    if "isp" in lab:
        lab["isp"].popen(provider.COMMAND)
    _answers(lab["web"], str(AUTHORITATIVE_V4))
    if "isp" in lab:
        _answers(lab["isp"], str(ISP_RESOLVER_V4))


def _answers(host: Host, server: str) -> None:
    what = f"{host.name} to answer DNS"
    wait_until(lambda: ask(host, "echo.test", server=server, within=0.5), within=_PATIENCE, every=0.02, what=what)
