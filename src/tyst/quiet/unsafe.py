"""The one switch that lets a process say more than its events: debug logging, for a lab on somebody's desk.

With it there is no fence: libraries log everything to standard error, values and all. It warns when it is built, and it
can't be built on a machine that has an address of the world, or of somebody's network: only where every address of this
network namespace is loopback, link-local, of the ranges for documentation and benchmarks, or of our own tunnels. A node
behind a cloud's private address is a public node.
"""

import logging
import sys
import warnings
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

Address = IPv4Address | IPv6Address

_LAB = tuple(
    map(
        ip_network,
        (
            "127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10",
            "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20",  # RFC 5737, 3849, 9637
            "198.18.0.0/15", "2001:2::/48",  # RFC 2544, 5180
            "10.0.0.0/12", "fd74:7973:7400::/48",  # the inside of our own tunnels
        ),
    )
)  # fmt: skip


class UnsafeDebugWarning(UserWarning):
    """This process logs what people do."""


class UnsafeRefused(RuntimeError):
    """The switch is for a lab, and this is none."""


class UnsafeDebugLogging:
    """Logs everything to standard error. `addresses`: this namespace's own, as `own_addresses` reads them."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        if not in_lab(addresses):
            raise UnsafeRefused(
                "--unsafe-debug-logging is for a lab: this machine has an address by which it can be reached"
            )
        warnings.warn(
            "UnsafeDebugLogging: this process logs addresses, names and keys; never where customers are",
            UnsafeDebugWarning,
            stacklevel=2,
        )

    def start(self) -> None:
        """From here on everything is logged."""
        logging.disable(logging.NOTSET)
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)


def in_lab(addresses: Iterable[Address]) -> bool:
    """Whether every address is of a lab's sort."""
    return all(any(one in net for net in _LAB if net.version == one.version) for one in addresses)


def own_addresses(proc: Path = Path("/proc/net")) -> set[Address]:
    """This network namespace's addresses, of both families (proc(5)). OSError when they can't be read: then don't."""
    return _ipv4((proc / "fib_trie").read_text()) | _ipv6(proc / "if_inet6")


def _ipv4(trie: str) -> set[Address]:
    """fib_trie: a leaf `|-- ADDRESS`, and below it `/32 host LOCAL` where it is one of ours."""
    found: set[Address] = set()
    leaf = ""
    for line in map(str.strip, trie.splitlines()):
        if line.startswith("|-- "):
            leaf = line.removeprefix("|-- ")
        elif line == "/32 host LOCAL":
            found.add(ip_address(leaf))
    return found


def _ipv6(table: Path) -> set[Address]:
    """if_inet6: 32 hexadecimal digits first; the file is missing where IPv6 is off."""
    if not table.exists():
        return set()
    return {IPv6Address(bytes.fromhex(line.split()[0])) for line in table.read_text().splitlines() if line.strip()}
