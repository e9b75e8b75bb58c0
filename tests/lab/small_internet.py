"""A small internet for the node's own lab tests: one router, a node, a web host, a gate and some people, in namespaces.

Everything lives inside one sandbox (own mounts, processes and network) that dies with the test. The tests of a whole
provider use `tyst.lab`; this one is for a node alone, opposite a gate that the test holds in its hand.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tyst.lab.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
PYTHON = str(ROOT / ".venv/bin/python")
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": f"{ROOT}/src:{ROOT}",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONMALLOC": "malloc",
    "MALLOC_PERTURB_": "165",
}
ADDRESSES = {
    "node": ("192.0.2.10", "2001:db8:46::10"),
    "gate": ("198.18.1.10", "2001:db8:c::10"),
    "web": ("198.18.2.80", "2001:db8:e::80"),
    "alice": ("198.51.100.11", "2001:db8:a::11"),
    "bob": ("203.0.113.12", "2001:db8:b::12"),
    "mallory": ("203.0.114.14", "2001:db8:d::14"),
}
_SANDBOX = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "sh", "-c"]
_INSIDE = """
mkdir -p /run/netns /run/wireguard
mount -t tmpfs none /run && mkdir -p /run/netns /run/wireguard /run/tyst /run/test /run/lock
mount --bind /run /var/run 2>/dev/null
ip link set lo up; sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
echo up; exec sleep infinity
"""
Answer = TypeVar("Answer")


def wait_for(condition: Callable[[], Answer], within: float, what: str) -> Answer:
    """Asks until the answer is true; NotInTime after `within` seconds."""
    return wait_until(condition, within=within, every=0.02, what=what)


class SmallInternet:
    """The sandbox and its hosts."""

    def __init__(self) -> None:
        self._outer = subprocess.Popen([*_SANDBOX, _INSIDE], stdout=subprocess.PIPE, text=True)
        assert self._outer.stdout is not None
        assert self._outer.stdout.readline() == "up\n"
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        self._enter = ["nsenter", "-t", children[0], "-m", "-p", "-n"]
        self._started: list[subprocess.Popen[str]] = []
        for name, (four, six) in ADDRESSES.items():
            self._add(name, four, six)

    def _add(self, name: str, four: str, six: str) -> None:
        lines = [
            f"link add r-{name} type veth peer name eth0 netns {name}",
            f"link set r-{name} up",
            f"address add {four.rpartition('.')[0]}.1/24 dev r-{name}",
            f"address add {six.rpartition('::')[0]}::1/64 dev r-{name} nodad",
        ]
        inner = [
            "link set lo up",
            "link set eth0 up",
            f"address add {four}/24 dev eth0",
            f"address add {six}/64 dev eth0 nodad",
            f"route add default via {four.rpartition('.')[0]}.1",
            f"route add default via {six.rpartition('::')[0]}::1",
        ]
        self._inside(["ip", "netns", "add", name])
        self.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", check=True)
        self._inside(["ip", "-batch", "-"], given="\n".join(lines) + "\n")
        self._inside(["ip", "-n", name, "-batch", "-"], given="\n".join(inner) + "\n")

    def _inside(self, argv: Sequence[str], given: str = "") -> str:
        done = subprocess.run(
            [*self._enter, *argv], input=given, text=True, capture_output=True, timeout=30, check=False, env=ENVIRONMENT
        )
        assert done.returncode == 0, f"{' '.join(argv[:4])}: {done.stderr}"
        return done.stdout

    def run(
        self, host: str, *argv: str, given: str = "", timeout: float = 20, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """A command on a host, to its end."""
        return subprocess.run(
            [*self._enter, "ip", "netns", "exec", host, *argv],
            input=given, text=True, capture_output=True, timeout=timeout, check=check, env=ENVIRONMENT,
        )  # fmt: skip

    def start(self, host: str, *argv: str) -> subprocess.Popen[str]:
        """A command on a host, left running; its output can be read."""
        process = subprocess.Popen(
            [*self._enter, "ip", "netns", "exec", host, *argv],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )  # fmt: skip
        self._started.append(process)
        return process

    def signal(self, process: subprocess.Popen[str], number: int) -> None:
        """To the command that `start` left running (not to the nsenter around it)."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), number)

    def shell(self, host: str, script: str, timeout: float = 20) -> str:
        """A shell script on a host; its output, whatever its exit code."""
        done = self.run(host, "sh", "-c", script, timeout=timeout)
        return done.stdout + done.stderr

    def write(self, path: str, text: str) -> None:
        """A file inside the sandbox (its /run is a tmpfs of its own)."""
        self._inside(["sh", "-c", f"cat > {path}.new && mv {path}.new {path}"], given=text)

    def read(self, path: str) -> str:
        return self._inside(["sh", "-c", f"cat {path} 2>/dev/null || true"])

    def close(self) -> None:
        """Everything in the sandbox dies with its first process."""
        self._outer.kill()
        self._outer.wait(10)
        for process in self._started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        if self._outer.stdout is not None:
            self._outer.stdout.close()


@contextlib.contextmanager
def small_internet() -> Iterator[SmallInternet]:
    """One for a `with` block."""
    internet = SmallInternet()
    try:
        yield internet
    finally:
        internet.close()
