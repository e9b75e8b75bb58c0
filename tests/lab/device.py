"""A customer's device for the node's lab tests: wireguard-go under our hand, a fresh key for every try, one ping each.

`python -m tests.lab.device '{"count": 100, "node": hex key, "endpoint": "192.0.2.10:51820", …}'` prints one JSON list:
milliseconds to the first answer for each try, null where none came. With "plain": socket path it configures the peer at
that server beforehand (the yardstick). Run inside the device's network namespace.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.wireguard.addresses import tunnel_addresses

SOCKETS = Path("/var/run/wireguard")


def uapi(path: Path, lines: str) -> str:
    """One request to a wireguard-go."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(path))
        link.sendall(lines.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n\n"):
            answer += link.recv(1 << 20)
    return answer.decode()


def interface(name: str) -> Path:
    """A wireguard-go interface of this namespace; starts it when there is none. Returns its socket."""
    path = SOCKETS / f"{name}.sock"
    if not path.exists():
        subprocess.run(
            ["wireguard-go", name], check=True, timeout=10, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        subprocess.run(["ip", "link", "set", name, "mtu", "1420", "up"], check=True, timeout=10)
    return path


def become(path: Path, name: str, private: bytes, node: str, endpoint: str) -> bytes:
    """A new device: key, addresses, the node as only peer. Returns its public key."""
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    four, six = tunnel_addresses(public)
    uapi(
        path,
        f"set=1\nprivate_key={private.hex()}\nreplace_peers=true\npublic_key={node}\nendpoint={endpoint}\n"
        "allowed_ip=0.0.0.0/0\nallowed_ip=::/0\n",
    )
    lines = [
        f"address flush dev {name} scope global",
        f"address add {four} dev {name}",
        f"address add {six} dev {name} nodad",
    ]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines).encode(), check=True, timeout=10)
    return public


def route(name: str, *targets: str) -> None:
    """Sends these networks into the tunnel."""
    for target in targets:
        subprocess.run(["ip", "route", "replace", target, "dev", name], check=True, timeout=10)


def ping(target: str, patience: float = 8.0) -> float | None:
    """Milliseconds until one echo request is answered, or None."""
    six = ":" in target
    family, protocol, kind = (socket.AF_INET6, 58, 128) if six else (socket.AF_INET, 1, 8)
    with socket.socket(family, socket.SOCK_DGRAM, protocol) as link:
        link.settimeout(patience)
        body = struct.pack("!BBHHH", kind, 0, 0, 0, 1) + b"x" * 48
        body = body if six else body[:2] + struct.pack("!H", _checksum(body)) + body[4:]
        began = time.perf_counter()
        link.sendto(body, (target, 0))
        try:
            link.recv(2048)
        except TimeoutError:
            return None
        return (time.perf_counter() - began) * 1000


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def main() -> None:
    told = json.loads(sys.argv[1])
    name, target = told.get("name", "wg-dev"), told.get("target", "10.0.0.1")
    path = interface(name)
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
    found: list[float | None] = []
    for _ in range(told["count"]):
        private = bytes.fromhex(told["private"]) if "private" in told else os.urandom(32)
        public = become(path, name, private, told["node"], told["endpoint"])
        route(name, target)
        if "plain" in told:
            four, six = tunnel_addresses(public)
            uapi(Path(told["plain"]), f"set=1\npublic_key={public.hex()}\nallowed_ip={four}\nallowed_ip={six}\n")
        time.sleep(told.get("pause", 0.02))
        found.append(ping(target, told.get("patience", 8.0)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
