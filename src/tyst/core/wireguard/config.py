"""A WireGuard config: value to text and back, in the portable form that every stock client reads.

Portable means: `[Interface]` has PrivateKey, Address, DNS and MTU, `[Peer]` has PublicKey, AllowedIPs and Endpoint (and
PresharedKey where there is one), and nothing else stands there (Android refuses a file with any other key,
NetworkManager ignores hooks silently). The kill switch is therefore in a file of its own (`linux_text`). Comments
begin a line; Address is one line; the endpoint is a literal address; there is no PersistentKeepalive, because idle
silence is what lets a node forget. Counterpart: the browser's builder in `site/frontend/config.ts` writes the same text
to the byte, because only the browser has the private key.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface

from tyst.core.wireguard.addresses import RESOLVER4, RESOLVER6

MTU = 1420
"""wg-quick's own choice on Ethernet; written out because NetworkManager derives none."""

EVERYTHING = "0.0.0.0/0, ::/0"
"""Both families always, even where IPv6 is off: the node refuses it, and nothing leaks beside the tunnel."""

FILE_NAME = re.compile(r"[A-Za-z0-9_=+.-]{1,15}")
"""What wg-quick, Android and NetworkManager take as an interface name."""


class ConfigError(ValueError):
    """A config that isn't one of ours. Says which rule it breaks and repeats nothing of it."""


@dataclass(frozen=True)
class Config:
    """One device's way to one node. `name`: the file's name without .conf, at most 15 characters."""

    name: str
    private_key: bytes = field(repr=False)
    address4: IPv4Interface = field(repr=False)
    address6: IPv6Interface = field(repr=False)
    node_key: bytes
    endpoint: IPv4Address | IPv6Address
    port: int
    preshared: bytes = field(default=b"", repr=False)
    """A preshared key (32 bytes), or nothing."""

    def __post_init__(self) -> None:
        if not FILE_NAME.fullmatch(self.name):
            raise ConfigError("a config's name becomes an interface name: 1 to 15 letters, digits or _ = + . -")
        if len(self.private_key) != 32 or len(self.node_key) != 32 or len(self.preshared) not in (0, 32):
            raise ConfigError("a WireGuard key is 32 bytes long")
        if not 0 < self.port < 65536:
            raise ConfigError("a port lies between 1 and 65535")


def to_text(config: Config) -> str:
    """The file's text (wg-quick(8)), ended by a newline."""
    return "\n".join(
        (
            f"# Tyst {config.name}",
            "[Interface]",
            f"PrivateKey = {key_text(config.private_key)}",
            f"Address = {config.address4}, {config.address6}",
            f"DNS = {RESOLVER6}, {RESOLVER4}",
            f"MTU = {MTU}",
            "",
            "[Peer]",
            f"PublicKey = {key_text(config.node_key)}",
            *([f"PresharedKey = {key_text(config.preshared)}"] if config.preshared else []),
            f"AllowedIPs = {EVERYTHING}",
            f"Endpoint = {endpoint_text(config.endpoint, config.port)}",
            "",
        )
    )


def linux_text(config: Config) -> str:
    """The same for wg-quick on Linux, with a kill switch that holds until `wg-quick down`, whatever WireGuard does."""
    hooks = kill_switch(config.endpoint, config.port)
    return to_text(config).replace("\n\n[Peer]\n", f"\n{hooks}\n\n[Peer]\n", 1)


def kill_switch(endpoint: IPv4Address | IPv6Address, port: int) -> str:
    """wg-quick's hooks: only WireGuard's own packets (by their mark, which takes root to set) go past the tunnel.

    Loopback, DHCP by root and neighbour discovery are left; the mark is bound to the node's address and port, so that
    not even it leads elsewhere. The table replaces one that a killed WireGuard left. Source: nft(8), wg-quick(8).
    """
    family = "ip6" if endpoint.version == 6 else "ip"
    rules = (
        'oifname { "lo", "%i" } accept',
        f"meta mark '$(wg show %i fwmark)' {family} daddr {endpoint} udp dport {port} accept",
        "meta skuid 0 udp sport { 68, 546 } udp dport { 67, 547 } accept",
        "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept",
        "reject with icmpx admin-prohibited",
    )
    out = f"chain out {{ type filter hook output priority 0; policy drop; {'; '.join(rules)}; }}"
    through = (
        'chain through { type filter hook forward priority 0; policy drop; oifname "%i" accept; iifname "%i" accept; }'
    )
    table = f"table inet {_SWITCH}; delete table inet {_SWITCH}; table inet {_SWITCH} {{ {out}; {through}; }}"
    return f"PostUp = nft '{table}'\nPreDown = nft delete table inet {_SWITCH} || true"


_SWITCH = "tyst_kill_switch"


def from_text(text: str) -> Config:
    """Reads a config that `to_text` wrote, whatever a client did to its spacing. Raises ConfigError."""
    values = dict(_values(text))
    if set(values) | {_PRESHARED} != _KEYS | {_PRESHARED}:
        raise ConfigError("a config of ours has exactly the portable keys, each once")
    try:
        addresses = [ip_interface(part.strip()) for part in values["interface.address"].split(",")]
        address, port = endpoint_of(values["peer.endpoint"])
    except ValueError:
        raise ConfigError("an address in this config is malformed") from None
    if (
        len(addresses) != 2
        or not isinstance(addresses[0], IPv4Interface)
        or not isinstance(addresses[1], IPv6Interface)
    ):
        raise ConfigError("Address holds one IPv4 and one IPv6 address, in this order")
    private, public = key_bytes(values["interface.privatekey"]), key_bytes(values["peer.publickey"])
    preshared = key_bytes(values[_PRESHARED]) if _PRESHARED in values else b""
    return Config(_name(text), private, addresses[0], addresses[1], public, address, port, preshared)


_PRESHARED = "peer.presharedkey"
_KEYS = {"interface.privatekey", "interface.address", "interface.dns", "interface.mtu"} | {
    "peer.publickey",
    "peer.allowedips",
    "peer.endpoint",
}


def _values(text: str) -> Iterator[tuple[str, str]]:
    """(section.key, value) in order, in small letters on the left. ConfigError for a second value of a key."""
    section, seen = "", set()
    for line in (raw.partition("#")[0].strip() for raw in text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip().lower()
        elif line:
            key, _, value = line.partition("=")
            name = f"{section}.{key.strip().lower()}"
            if name in seen:
                raise ConfigError("a key stands twice in this config")
            seen.add(name)
            yield name, value.strip()


def _name(text: str) -> str:
    match = re.match(r"# Tyst (\S+)", text)
    if match is None:
        raise ConfigError("a config of ours says in its first line which node it leads to")
    return match.group(1)


def endpoint_text(address: IPv4Address | IPv6Address, port: int) -> str:
    """An endpoint as WireGuard writes it: IPv6 in brackets."""
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def endpoint_of(text: str) -> tuple[IPv4Address | IPv6Address, int]:
    """The address and port that `endpoint_text` wrote. ValueError for anything else."""
    host, _, port = text.rpartition(":")
    return ip_address(host.strip("[]")), int(port)


def key_text(key: bytes) -> str:
    """A key in base64, as WireGuard's tools write it."""
    return base64.b64encode(key).decode()


def key_bytes(text: str) -> bytes:
    """The 32 bytes of a key in base64 (44 characters), or ConfigError."""
    try:
        key = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ConfigError("a WireGuard key is 44 characters of base64") from None
    if len(key) != 32 or base64.b64encode(key).decode() != text:
        raise ConfigError("a WireGuard key is 44 characters of base64")
    return key
