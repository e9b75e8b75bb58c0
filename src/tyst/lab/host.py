"""A host of the lab, as tests, journey and proof use it: run programs there, look at its disk and its processes.

It is a view, it owns nothing: the lab's keeper holds the host. Counterparts: `enter.py` (how), `lab.py` (who makes it).
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from tyst.lab import disk, linux
from tyst.lab.enter import Person, Stream, Streams, open_socket, start
from tyst.lab.environment import base_environment
from tyst.lab.topology import PLACES
from tyst.lab.wait import wait_until


class CommandFailed(subprocess.CalledProcessError):
    """A program in a host ended with a failure; says what it printed, which `CalledProcessError` keeps to itself."""

    def __init__(self, host: str, done: "subprocess.CompletedProcess[str]") -> None:
        super().__init__(done.returncode, done.args, done.stdout, done.stderr)
        self.host = host

    def __str__(self) -> str:
        said = f"{self.stderr or ''}{self.output or ''}".strip()[-2000:]
        return f"{self.host}: {' '.join(map(str, self.cmd))} ended with {self.returncode}: {said}"


class Host:
    """One machine of the lab. `pid` is its init's on the real machine; `loop` names its disk's device ('loop3')."""

    def __init__(self, name: str, pid: int, loop: str, folder: Path) -> None:
        self.name, self.pid, self.loop = name, pid, loop
        self.ipv4: IPv4Address = PLACES[name].ipv4
        self.ipv6: IPv6Address = PLACES[name].ipv6
        #: The disk as one file of raw blocks, deleted ones too.
        self.image = folder / "image"
        #: The file system on the disk; the files that the host itself wrote are in `durable`.
        self.disk = folder / "disk"
        self.durable = folder / "disk/upper"
        #: The host's whole root, RAM included, as seen from the real machine.
        self.root = Path(f"/proc/{pid}/root")
        #: Stands for the host's init whatever becomes of its pid.
        self.pidfd = os.pidfd_open(pid)
        self._children: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Host {self.name}>"

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 30,
        check: bool = True,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: str = "/",
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a program to its end and returns what it printed.

        Raises `CommandFailed` when it fails and `check` is on, `subprocess.TimeoutExpired` after `timeout` seconds (it
        is killed then, with its children).
        """
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        child = self.popen(
            argv, env=env, user=user, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with child:
            try:
                out, err = child.communicate(input, timeout)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                raise
        done = subprocess.CompletedProcess(list(argv), child.returncode, out, err)
        if check and done.returncode:
            raise CommandFailed(self.name, done)
        return done

    def popen(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: str = "/",
        stdin: Stream = subprocess.DEVNULL,
        stdout: Stream = subprocess.DEVNULL,
        stderr: Stream = subprocess.DEVNULL,
        session: bool = True,
    ) -> "subprocess.Popen[str]":
        """Starts a program that lives in the host; its pid is the real machine's. The lab ends it at the latest."""
        person = Person.named(user) if user and user != "root" else None
        if person:
            self._make_home(person)
        environment = {**base_environment(person.home if person else "/run/home"), **(env or {})}
        streams = Streams(stdin, stdout, stderr)
        child = start(
            self.pidfd, self.root, argv, env=environment, cwd=cwd, person=person, streams=streams, session=session
        )
        with self._lock:
            self._children = [known for known in self._children if known.poll() is None]
            self._children.append(child)
        return child

    def _make_home(self, person: Person) -> None:
        home = self.root / person.home.lstrip("/")
        if not home.exists():
            home.mkdir(mode=0o700, parents=True)
            os.chown(home, person.uid, person.gid)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket in this host's network, for use by the calling process."""
        return open_socket(self.pidfd, family, kind, protocol)

    @property
    def alive(self) -> bool:
        """Whether the host still runs."""
        try:
            signal.pidfd_send_signal(self.pidfd, 0)
        except OSError:
            return False
        return True

    def pids(self) -> list[int]:
        """The real machine's pids of all processes in the host, its init first; also those in sandboxes they made."""
        own = {f"{kind}": os.readlink(f"/proc/{self.pid}/ns/{kind}") for kind in ("pid", "net", "mnt")}
        found = [pid for pid in _all_pids() if pid != self.pid and _shares_a_namespace(pid, own)]
        return [self.pid, *found]

    def kill9(self, *, whole: bool = False) -> None:
        """Kills every process in the host at once, as a power cut would; disk, RAM and network stay for the next.

        `whole` also ends the host itself: its RAM and interfaces are gone, its disk can still be read.
        """
        for pid in self.pids() if whole else self.pids()[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.reap()
        if whole:
            wait_until(lambda: not self.alive, within=5, every=0.005, what=f"{self.name} to be gone")
        else:
            wait_until(lambda: len(self.pids()) == 1, within=5, every=0.005, what=f"{self.name}'s processes to be gone")

    def reap(self, within: float = 5) -> None:
        """Takes note of the end of every child that was killed, and closes the pipes to it."""
        with self._lock:
            children = list(self._children)
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(within)
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()

    def sync(self) -> None:
        """Has everything written to the disk that the host wrote so far."""
        linux.syncfs(str(self.disk))

    def sectors_written(self) -> int:
        """A running count of the 512-byte sectors written to the host's disk, after a `sync`: compare two readings."""
        self.sync()
        return disk.sectors_written(self.loop)

    def close(self) -> None:
        """Lets go of the host. It lives on if the lab does."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _shares_a_namespace(pid: int, namespaces: Mapping[str, str]) -> bool:
    for kind, link in namespaces.items():
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/{kind}") == link:
                return True
    return False
