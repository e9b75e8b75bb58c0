"""What the proof needs of a machine under test, and the two ways of reaching into it from outside.

`HostLike` is satisfied by the lab's hosts and by anything else with an init process, a disk of its own and a block
device behind it. Looking happens from outside, through /proc/PID/root and with programs that join only the network
and mount namespace for a moment; only the positive control starts a process inside. Counterpart: `tyst.lab.host`.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

TRIES, PAUSE = 6, 0.2
"""How often a program that prints a kernel table is asked, and the seconds between."""


class HostLike(Protocol):
    """A machine whose traces are looked for. Paths and process ids are those of the real machine."""

    @property
    def name(self) -> str: ...
    @property
    def pid(self) -> int:
        """The init process: its namespaces are the host's."""
        ...

    @property
    def disk(self) -> Path:
        """Root of the file system on which everything durable of the host lies."""
        ...

    @property
    def image(self) -> Path:
        """That file system as raw blocks."""
        ...

    def pids(self) -> list[int]: ...
    def sync(self) -> None: ...
    def sectors_written(self) -> int:
        """512-byte sectors written to the block device since it was made."""
        ...


class LookFailed(Exception):
    """A surface could not be read. Names the program or file, and shows no output (it may hold what is looked for)."""


def look(argv: Sequence[str], *, net: int, mount: int, timeout: float = 20) -> bytes:
    """Output of a program run in the network of one process and the mounts of another (which has the programs).

    For reading kernel tables. `timeout` in seconds. Raises LookFailed; a program that fails is asked `TRIES` times, as
    wg(8) does while a node is just replacing the daemon behind its device.
    """
    entered = ["nsenter", f"--net=/proc/{net}/ns/net", f"--mount=/proc/{mount}/ns/mnt", "--", *argv]
    for left in reversed(range(TRIES)):
        try:
            return _looked(entered, argv, timeout)
        except LookFailed:
            if not left:
                raise
            time.sleep(PAUSE)
    raise AssertionError("not reached")


def _looked(entered: Sequence[str], argv: Sequence[str], timeout: float) -> bytes:
    try:
        done = subprocess.run(entered, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise LookFailed(f"{' '.join(argv)} took over {timeout:g} s") from None
    if done.returncode:
        raise LookFailed(f"{' '.join(argv)} ended with {done.returncode}")
    return done.stdout


def start_inside(
    pid: int, argv: Sequence[str | bytes], env: dict[bytes, bytes] | None = None
) -> "subprocess.Popen[bytes]":
    """A process that lives in every namespace of the host, with pipes to it. The caller ends it."""
    spaces = [f"--{kind}" for kind in ("mount", "uts", "ipc", "net", "pid")]
    entered: list[str | bytes] = ["nsenter", f"--target={pid}", *spaces, "--root", "--wd=/", "--", *argv]
    pipe = subprocess.PIPE
    return subprocess.Popen(entered, env=env, stdin=pipe, stdout=pipe, stderr=pipe)


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). `device` is 'major:minor'."""

    device: str
    root: str
    point: str
    kind: str
    writable: bool
    options: tuple[str, ...]

    def option(self, name: str) -> str:
        """The value of a `name=value` option of the file system, or an empty string."""
        return next((o.partition("=")[2] for o in self.options if o.startswith(f"{name}=")), "")


def mounts(pid: int) -> list[Mount]:
    """What a process has mounted, in order. Empty when the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [_mount(line) for line in lines]


def _mount(line: str) -> Mount:
    left, _, right = line.partition(" - ")
    fields, system = left.split(" "), right.split(" ")
    options = tuple(system[2].split(","))
    writable = "rw" in fields[5].split(",") and "rw" in options
    point = fields[4].encode(errors="surrogateescape").decode("unicode_escape")
    return Mount(fields[2], fields[3], point, system[0], writable, options)


def processes(host: HostLike) -> list[int]:
    """Every process in the host, but never the scanning one."""
    return [pid for pid in host.pids() if pid != os.getpid()]


def in_each_namespace(pids: Sequence[int], kind: str) -> Iterator[int]:
    """One process for each different namespace of a kind ('net', 'mnt'): services may have sandboxes of their own."""
    seen: set[str] = set()
    for pid in pids:
        try:
            link = os.readlink(f"/proc/{pid}/ns/{kind}")
        except OSError:
            continue
        if link not in seen:
            seen.add(link)
            yield pid


def process_name(pid: int) -> str:
    """What a process is called in reports and in the inventory: program or Python module, 'tyst gate' for a room."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    program = Path(argv[0]).name
    if program.startswith("python") and "-m" in argv[1:6]:
        module = argv[argv.index("-m") + 1 :]
        return " ".join(module[:2] if module[:1] == ["tyst"] else module[:1]).strip()
    return program or "kernel"
