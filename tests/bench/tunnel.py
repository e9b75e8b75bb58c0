"""A tunnel for measuring: a stock WireGuard client on a lab host, with the way to the lab's web server through it.

It neither knows nor cares what stands at the other end: a plain wireguard-go (`throughput.py`) or a whole node of ours
(`floods.py`). What goes through it is `stream.py`'s business.
"""

import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address

from tyst.lab.host import Host
from tyst.lab.topology import ECHO_V4
from tyst.lab.wait import wait_until

ENVIRONMENT = {"LOG_LEVEL": "silent", "WG_PROCESS_FOREGROUND": "1"}
MTU = "1420"


@dataclass(frozen=True)
class KeyPair:
    """A WireGuard key pair in base64."""

    private: str
    public: str


def key_pair(host: Host) -> KeyPair:
    """A fresh one (wg(8))."""
    private = host.run(["wg", "genkey"]).stdout.strip()
    return KeyPair(private, host.run(["wg", "pubkey"], input=private).stdout.strip())


def start_wireguard(host: Host, name: str, **environment: str) -> "subprocess.Popen[str]":
    """wireguard-go in front, ready for `wg set`."""
    daemon = host.popen(["wireguard-go", "-f", name], env={**ENVIRONMENT, **environment})
    socket = host.root / f"run/wireguard/{name}.sock"
    wait_until(socket.exists, within=10, every=0.01, what=f"wireguard-go on {host.name}")
    return daemon


def start_client(
    host: Host, keys: KeyPair, *, address: IPv4Address, endpoint: str, node: str
) -> "subprocess.Popen[str]":
    """The client's end: interface wg0 with its inner address, and the way to the web server through it.

    Returns wireguard-go, with which everything goes again.
    """
    daemon = start_wireguard(host, "wg0")
    words = ["wg", "set", "wg0", "private-key", "/dev/stdin", "peer", node, "endpoint", endpoint]
    host.run([*words, "allowed-ips", "0.0.0.0/0", "persistent-keepalive", "25"], input=keys.private)
    host.run(["ip", "addr", "add", f"{address}/32", "dev", "wg0"])
    host.run(["ip", "link", "set", "wg0", "up", "mtu", MTU])
    for target in (str(ECHO_V4), "10.0.0.1"):
        host.run(["ip", "route", "add", f"{target}/32", "dev", "wg0"])
    return daemon


def say(text: str) -> None:
    """A line for the person who watches; the figures themselves go to standard output."""
    print(f"\n  {text}", end="", file=sys.stderr, flush=True)
