"""The process that holds a lab: it makes the hosts, then waits, and takes them along when it ends.

Started by `lab.py` as `python -m tyst.lab.keeper`; plan on standard input, one line of answer on standard output.
It ends when its input ends or the builder dies, however that dies, and then leaves nothing behind: every host's init
has it as its parent and dies with it, and with an init every process, mount and interface of that host. It runs no
commands and knows no addresses. It imports only the standard library and its neighbours: it starts fast, stays small.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

from tyst.lab import disk, linux, record, rootfs
from tyst.lab.plan import HostPlan, LabPlan

_PATIENCE = 20.0


class HostsFailed(Exception):
    """Some hosts could not be made. Says what went wrong with the first; it is mostly the same with all."""

    def __init__(self, failed: dict[str, str]) -> None:
        name, text = next(iter(failed.items()))
        super().__init__(f"{', '.join(failed)} could not be made; {name} says: {text or 'nothing'}")


def main() -> int:
    """Makes the lab of the plan on standard input and holds it until nobody needs it any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    plan = LabPlan.from_line(sys.stdin.readline())
    builder = os.pidfd_open(plan.builder)
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", plan.ram, "tmpfs", linux.MS_NOSUID, "mode=0700,size=2g")
    inits: dict[str, int] = {}
    loops: dict[str, str] = {}
    try:
        loops.update(_make_hosts(plan, inits))
        answer = {name: {"pid": pid, "loop": loops[name]} for name, pid in inits.items()}
        print(json.dumps(answer), flush=True)
        signal.signal(signal.SIGCHLD, lambda *_: _reap())
        select.select([sys.stdin, builder], [], [])
    except HostsFailed as error:
        print(error, file=sys.stderr, flush=True)
    finally:
        _take_down(plan, list(inits.values()), list(loops.values()))
    return 0


def _stop(*_: object) -> NoReturn:
    raise SystemExit(0)


def _make_hosts(plan: LabPlan, inits: dict[str, int]) -> dict[str, str]:
    """Starts one init per host, all at once, and collects what each says: its loop device, or what went wrong."""
    pipes: dict[str, int] = {}
    for host in plan.hosts:
        inits[host.name], pipes[host.name] = _start_init(plan, host)
    reports = {name: _report(pipe) for name, pipe in pipes.items()}
    failed = {name: text for name, text in reports.items() if not text.startswith("loop")}
    if failed:
        raise HostsFailed(failed)
    return reports


def _report(pipe: int) -> str:
    """Reads one init's report until it closes its end; empty when it took too long."""
    with os.fdopen(pipe, encoding="utf-8") as file:
        ready, _, _ = select.select([file], [], [], _PATIENCE)
        return file.read() if ready else ""


def _start_init(plan: LabPlan, host: HostPlan) -> tuple[int, int]:
    """Forks the first process of a new process namespace; returns its pid and the pipe on which it reports."""
    receive, send = os.pipe()
    linux.unshare(linux.CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        _be_init(plan, host, send)
    os.close(send)
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    linux.setns(own, linux.CLONE_NEWPID)
    os.close(own)
    return pid, receive


def _be_init(plan: LabPlan, host: HostPlan, report: int) -> NoReturn:
    """The life of a host's init: builds the host around itself, reports, then reaps orphans for ever."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        linux.die_with_parent()
        loop = _build_around(plan, host)
        os.write(report, loop.encode())
        _close_everything()
        _idle()
    except Exception:  # noqa: BLE001 -- whatever it is, the builder is told
        os.write(report, traceback.format_exc().encode())
    finally:
        os._exit(1)  # a forked init never returns into the keeper's code


def _build_around(plan: LabPlan, host: HostPlan) -> str:
    """Disk first, in the keeper's mount namespace, so that it can be read from there; then everything of its own."""
    folder = Path(plan.ram) / host.name
    folder.mkdir()
    for name in ("disk", "root"):
        (folder / name).mkdir()
    disk.make_image(folder / "image")
    loop = disk.mount_image(folder / "image", folder / "disk", f"tyst-lab/{plan.name}/{host.name}")
    linux.unshare(linux.HOST_NAMESPACES)
    socket.sethostname(host.name)
    rootfs.assemble(folder / "disk", folder / "root", host.entries, plan.views)
    _network_settings(host.router)
    return loop


def _network_settings(router: bool) -> None:
    """Silent interfaces that are usable at once; only routers forward."""
    forward = "1" if router else "0"
    settings = {
        "ipv4/ip_forward": forward,
        "ipv4/conf/all/rp_filter": "0",  # a new namespace inherits the machine's own choice otherwise
        "ipv4/conf/default/rp_filter": "0",
        "ipv6/conf/all/forwarding": forward,
        "ipv6/conf/default/forwarding": forward,
        "ipv6/conf/default/accept_dad": "0",
        "ipv6/conf/default/accept_ra": "0",
        "ipv6/conf/default/router_solicitations": "0",
    }
    for path, value in settings.items():
        Path("/proc/sys/net", path).write_text(value)


def _close_everything() -> None:
    """An init holds nothing open that belongs to the machine, or to the keeper."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.closerange(3, 1024)


def _idle() -> NoReturn:
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    while True:
        signal.pause()


def _reap() -> None:
    """Takes note of every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _take_down(plan: LabPlan, inits: list[int], loops: list[str]) -> None:
    """Ends every host and removes what would outlive its processes; bounded in time."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in inits:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # An init ends when all in its host are reaped. Whom the builder started only the builder can reap; should it be
    # stuck, the inits follow when it ends, but their mounts and interfaces are gone by now.
    deadline = time.monotonic() + 1
    while _children_left() and time.monotonic() < deadline:
        time.sleep(0.005)
    linux.unmount(plan.ram)
    record.forget(plan.name, loops)


def _children_left() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main())
