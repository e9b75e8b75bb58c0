"""Cold connects, measured: a never-seen key sends its first packet, and the clock runs until the answer is back.

Runs inside a client host as a program: `python -m tyst.journey.cold --endpoint A:P --public-key K < private keys`.
It drives a userspace WireGuard of its own through the UAPI socket, one key after the other, and pings the node's
address inside the tunnel from that key's tunnel address. What is timed is what a person waits: from the first packet
given to the tunnel to the reply. The client's own retry comes after 5 s, so anything over a second waited for it.
"""

import argparse
import base64
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.wireguard.addresses import ALL_TUNNELS4, OURS4, RESOLVER4, address4

PATIENCE = 7.0
_ECHO = struct.Struct(">BBHHH")


@dataclass(frozen=True)
class Node:
    """Whom to connect to: literal endpoint 'address:port' and public key (32 bytes)."""

    endpoint: str
    public_key: bytes


@contextmanager
def client_interface(name: str) -> Iterator[str]:
    """A wireguard-go interface whose every tunnel address is local; yields the path of its UAPI socket."""
    environment = {**os.environ, "LOG_LEVEL": "silent", "WG_PROCESS_FOREGROUND": "1"}
    daemon = subprocess.Popen(
        ["wireguard-go", "-f", name], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    path = f"/var/run/wireguard/{name}.sock"
    try:
        deadline = time.monotonic() + 10
        while not os.path.exists(path) and time.monotonic() < deadline:
            select.select([], [], [], 0.01)
        _ip("link", "set", name, "up", "mtu", "1420")
        for network in ALL_TUNNELS4.address_exclude(OURS4):
            _ip("route", "add", "local", str(network), "dev", "lo")
        _ip("route", "add", f"{RESOLVER4}/32", "dev", name)
        yield path
    finally:
        for network in ALL_TUNNELS4.address_exclude(OURS4):
            with suppress(subprocess.CalledProcessError):
                _ip("route", "del", "local", str(network), "dev", "lo")
        daemon.terminate()
        daemon.wait(5)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


def configure(path: str, private: bytes, node: Node) -> None:
    """Gives the interface this key and the node as its only peer (UAPI `set`)."""
    lines = ["set=1", f"private_key={private.hex()}", "replace_peers=true", f"public_key={node.public_key.hex()}"]
    lines += [f"endpoint={node.endpoint}", "replace_allowed_ips=true", "allowed_ip=0.0.0.0/0", "", ""]
    with socket.socket(socket.AF_UNIX) as uapi:
        uapi.settimeout(5)
        uapi.connect(path)
        uapi.sendall("\n".join(lines).encode())
        if b"errno=0" not in uapi.recv(256):
            raise RuntimeError("wireguard-go refused the client's configuration")


def first_answer(source: IPv4Address, number: int, patience: float = PATIENCE) -> float | None:
    """Milliseconds from the first ping to its reply, or None when none came within `patience` seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
        icmp.bind((str(source), 0))
        packet = _echo_request(number)
        began = time.perf_counter()
        icmp.sendto(packet, (str(RESOLVER4), 0))
        while (left := began + patience - time.perf_counter()) > 0:
            if not select.select([icmp], [], [], left)[0]:
                return None
            data = icmp.recv(2048)
            if data[20] == 0 and data[24:28] == packet[4:8]:
                return (time.perf_counter() - began) * 1000
    return None


def _echo_request(number: int) -> bytes:
    body = _ECHO.pack(8, 0, 0, os.getpid() & 0xFFFF, number & 0xFFFF) + b"tyst cold connect"
    total = sum(struct.unpack(f">{len(body + b'x' * (len(body) % 2)) // 2}H", body + b"\0" * (len(body) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack(">H", ~total & 0xFFFF) + body[4:]


def connect_all(path: str, node: Node, privates: list[bytes], pause: float = 0.01) -> list[float | None]:
    """Connects with each key in turn; the times in ms, None where no answer came."""
    times = []
    for number, private in enumerate(privates):
        public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        configure(path, private, node)
        select.select([], [], [], pause)
        times.append(first_answer(address4(public), number))
    return times


def main() -> int:
    """Reads base64 private keys from standard input, prints the times in ms as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--public-key", required=True, help="base64")
    parser.add_argument("--interface", default="cold0")
    args = parser.parse_args()
    node = Node(args.endpoint, base64.b64decode(args.public_key))
    privates = [base64.b64decode(line) for line in sys.stdin.read().split()]
    with client_interface(args.interface) as path:
        print(json.dumps(connect_all(path, node, privates)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
