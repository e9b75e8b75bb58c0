"""The words of nft(8) for sets, chains and lists of ports: small builders that all parts of the ruleset use."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

INITIATION = "udp length 156 @th,64,32 0x01000000"
"""A WireGuard handshake initiation: 148 bytes and a header, message type 1 (WireGuard's paper, section 5.4.2)."""


def listed(name: str, form: str, elements: Iterable[str], flags: str = "", *, kind: str = "set") -> str:
    """A set (or, with `kind="map"`, a map) with its elements."""
    held = ", ".join(elements)
    lines = [
        f"  type {form}",
        *([f"  flags {flags}"] if flags else []),
        *([f"  elements = {{ {held} }}"] if held else []),
    ]
    return f" {kind} {name} {{\n{chr(10).join(lines)}\n }}\n"


def dynamic(name: str, form: str, size: int, seconds: int) -> str:
    """A set whose elements the kernel itself makes, and forgets so many seconds after the last packet of each."""
    lines = (f"type {form}", f"size {size}", "flags dynamic, timeout", f"timeout {seconds}s")
    return f" set {name} {{\n{''.join(f'  {line}{chr(10)}' for line in lines)} }}\n"


def chain(name: str, hook: str, *rules: str) -> str:
    """A chain; `hook` is empty for one that others jump to."""
    head = [f"  type {hook};"] if hook else []
    return f" chain {name} {{\n{chr(10).join([*head, *(f'  {rule}' for rule in rules)])}\n }}\n"


def ports(numbers: Iterable[int]) -> str:
    """An anonymous set of ports."""
    return f"{{ {', '.join(str(port) for port in sorted(set(numbers)))} }}"


def texts(addresses: Iterable[Address], version: int) -> list[str]:
    """The addresses of one family, as text."""
    return [str(address) for address in addresses if address.version == version]
