"""The words of nft(8) for sets, chains and lists of ports: small builders that all parts of the ruleset use."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address


def listed(name: str, form: str, elements: Iterable[str], flags: str = "", *, kind: str = "set") -> str:
    """A set (or, with `kind="map"`, a map) with its elements."""
    held = ", ".join(elements)
    lines = [
        f"  type {form}",
        *([f"  flags {flags}"] if flags else []),
        *([f"  elements = {{ {held} }}"] if held else []),
    ]
    return f" {kind} {name} {{\n{chr(10).join(lines)}\n }}\n"


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
