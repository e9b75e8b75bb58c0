"""Starting programs and opening sockets inside a host, from the process that owns the lab.

A child is born straight into the host's process namespace and moves into the others before it runs the program, so
the `Popen` that comes back *is* the program: its pid is the real machine's, `kill` reaches it, nothing stands between.
Needs no helper program and no daemon in the host. Counterpart: `host.py`, which everybody uses.
"""

import os
import pwd
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tyst.lab import linux

Stream = int | IO[bytes] | IO[str] | None


@dataclass(frozen=True)
class Streams:
    """A child's standard streams, as `subprocess.Popen` takes them."""

    stdin: Stream = subprocess.DEVNULL
    stdout: Stream = subprocess.DEVNULL
    stderr: Stream = subprocess.DEVNULL


@dataclass(frozen=True)
class Person:
    """Whom a child runs as: numbers, looked up before the fork."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str

    @classmethod
    def named(cls, name: str) -> "Person":
        """The user of this name on the machine (hosts share its /etc/passwd); raises `KeyError` when there is none."""
        entry = pwd.getpwnam(name)
        groups = tuple(os.getgrouplist(name, entry.pw_gid))
        return cls(entry.pw_uid, entry.pw_gid, groups, f"/run/home/{name}")


@contextmanager
def _thread_in(flag: int, pidfd: int, own: str) -> Iterator[None]:
    """The calling thread, for a moment, in one namespace of a host; other threads never notice."""
    home = os.open(f"/proc/thread-self/ns/{own}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(pidfd, flag)
        try:
            yield
        finally:
            linux.setns(home, flag)
    finally:
        os.close(home)


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    """A folder's file descriptor, for a moment."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def start(
    pidfd: int,
    root: Path,
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str = "/",
    person: Person | None = None,
    streams: Streams | None = None,
    session: bool = True,
) -> subprocess.Popen[str]:
    """Starts a program in the host whose init is behind `pidfd` and whose root is at `root` (/proc/PID/root).

    `session`: in a session of its own, so a Ctrl-C at the terminal isn't sent to it. Raises `FileNotFoundError` when
    there is no such program, `ProcessLookupError` when the host is gone.
    """

    def move_in() -> None:
        linux.setns(pidfd, linux.HOST_NAMESPACES)
        os.fchdir(top)
        os.chroot(".")  # the same, unless the lab was built in a chroot
        os.chdir(cwd)
        if person:
            os.setgroups(person.groups)
            os.setresgid(person.gid, person.gid, person.gid)
            os.setresuid(person.uid, person.uid, person.uid)

    chosen = streams or Streams()
    with _folder(root) as top, _thread_in(linux.CLONE_NEWPID, pidfd, "pid"):
        return subprocess.Popen(
            list(argv),
            stdin=chosen.stdin,
            stdout=chosen.stdout,
            stderr=chosen.stderr,
            env=dict(env),
            text=True,
            start_new_session=session,
            preexec_fn=move_in,
        )


def in_network(pidfd: int, argv: Sequence[str], text: str) -> None:
    """Runs one of the machine's programs in a host's network namespace only, with `text` as its input.

    For building the network: `ip` must see the real machine's pids to hand one end of a pair to another host.
    Raises `RuntimeError` with what the program said.
    """
    done = subprocess.run(
        list(argv),
        input=text,
        text=True,
        capture_output=True,
        timeout=30,
        check=False,
        preexec_fn=lambda: linux.setns(pidfd, linux.CLONE_NEWNET),
    )
    if done.returncode:
        raise RuntimeError(f"{argv[0]}: {done.stderr.strip()}")


def open_socket(pidfd: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A socket that belongs to a host's network though this process uses it."""
    with _thread_in(linux.CLONE_NEWNET, pidfd, "net"):
        return socket.socket(family, kind, protocol)
