"""The control's hand inside a host: plants what it is told on standard input, says 'ready', and cleans up at its end.

It runs from its source text under the host's Python with the standard library alone, so it imports nothing of Tyst and
needs none of it there. Its input is one JSON object of base64 texts; what goes where is decided by `control`, its
counterpart outside. When its input closes, also because the proof died, it takes away everything that has a name.
"""

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from typing import Any

Job = dict[str, Any]
DISK_FOLDER = "/var/tmp"  # noqa: S108 -- a folder of the host's disk, not of RAM
RAM_FOLDER = "/run"
DEVICE = "tyst-control"
TABLE = "tyst-control"


def _write(path: str | bytes, data: bytes) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, data)
    os.fsync(fd)
    return fd


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=20)


def _files(job: Job, clean: contextlib.ExitStack) -> list[object]:
    """A file on the disk, one in RAM, names, one that is deleted and open, one that is deleted and gone."""
    disk, ram = tempfile.mkdtemp(dir=job["disk"]), tempfile.mkdtemp(dir=job["ram"])
    clean.callback(os.rmdir, disk)
    clean.callback(os.rmdir, ram)
    for folder, kind in ((disk, "file"), (ram, "ram-file")):
        os.close(_write(f"{folder}/{kind}", job[kind]))
        clean.callback(os.unlink, f"{folder}/{kind}")
    for name in job["names"]:
        path = os.path.join(ram.encode(), name)
        os.close(_write(path, b""))
        clean.callback(os.unlink, path)
    gone = _write(f"{disk}/gone", job["image"])
    os.unlink(f"{disk}/gone")
    os.close(gone)
    held = _write(f"{ram}/held", job["unlinked"])
    os.unlink(f"{ram}/held")
    return [os.fdopen(held, "rb"), bytearray(job["memory"])]


def _sockets(job: Job) -> list[socket.socket]:
    """Sockets bound to addresses that this host does not have (IP_FREEBIND, IPV6_FREEBIND; ip(7))."""
    four, six = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    four.setsockopt(socket.IPPROTO_IP, 15, 1)
    six.setsockopt(socket.IPPROTO_IPV6, 78, 1)
    four.bind((job["sockets"]["address4"], 0))
    six.bind((job["sockets"]["address6"], 0))
    return [four, six]


def _tables(job: Job, clean: contextlib.ExitStack) -> None:
    """Entries in the tables of the network namespace: neighbours, routes, tracked flows, rules."""
    _run("ip", "link", "add", DEVICE, "type", "veth", "peer", "name", f"{DEVICE}-b")
    clean.callback(_run, "ip", "link", "del", DEVICE)
    _run("ip", "link", "set", DEVICE, "up")
    near, far, flow = job["neighbours"], job["routes"], job["flows"]
    for family in ("address4", "address6"):
        _run("ip", "neigh", "add", near[family], "lladdr", near["mac"], "dev", DEVICE, "nud", "permanent")
        _run("ip", "route", "add", far[family], "dev", DEVICE, "table", "7979")
        clean.callback(_run, "ip", "route", "del", far[family], "dev", DEVICE, "table", "7979")
        ends = (
            "--src",
            flow[family],
            "--dst",
            flow[f"{family}-other"],
            "--proto",
            "udp",
            "--sport",
            "7",
            "--dport",
            "9",
        )
        _run("conntrack", "-I", *ends, "--timeout", "300")
        clean.callback(_run, "conntrack", "-D", *ends)
    _rules(job["rules"], clean)


def _rules(rules: dict[str, str], clean: contextlib.ExitStack) -> None:
    _run("nft", "add", "table", "inet", TABLE)
    clean.callback(_run, "nft", "delete", "table", "inet", TABLE)
    for family, kind in (("address4", "ipv4_addr"), ("address6", "ipv6_addr"), ("mac", "ether_addr")):
        _run("nft", "add", "set", "inet", TABLE, family, f"{{ type {kind}; }}")
        _run("nft", "add", "element", "inet", TABLE, family, f"{{ {rules[family]} }}")


def _job() -> Job:
    told = json.loads(sys.stdin.buffer.readline())
    for kind in ("file", "ram-file", "image", "unlinked", "memory"):
        told[kind] = base64.b64decode(told[kind])
    told["names"] = [base64.b64decode(name) for name in told["names"]]
    return dict(told)


def main() -> None:
    """Plant, report, wait for the end of the input, clean up."""
    job = _job()
    with contextlib.ExitStack() as clean:
        held = _files(job, clean)
        if job["tables"]:
            held += _sockets(job)
            _tables(job, clean)
        print("ready", flush=True)
        sys.stdin.buffer.read()
        del held


main() if __name__ == "__main__" else None
