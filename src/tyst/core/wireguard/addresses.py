"""Tunnel addresses: derived from the device's public key, so that no table, counter or order in time exists.

IPv4 from 10.0.0.0/8 less our own 10.0.0.0/12, IPv6 as a /128 of a unique local prefix (RFC 4193). The same key has the
same addresses on every node. Two keys may share an IPv4 address (6 in 10,000 on a node with 10,000 tunnels): the node
gives a held address to nobody else. OpenVPN's addresses are drawn per login instead: it has no key to derive from.
"""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

from tyst.core.tags import derive

ALL_TUNNELS4 = IPv4Network("10.0.0.0/8")
OURS4 = IPv4Network("10.0.0.0/12")
ALL_TUNNELS6 = IPv6Network("fd74:7973:7400::/48")
WIREGUARD6 = IPv6Network("fd74:7973:7400:1::/64")
OPENVPN6 = IPv6Network("fd74:7973:7400:2::/64")
RESOLVER4, RESOLVER6 = IPv4Address("10.0.0.1"), IPv6Address("fd74:7973:7400::1")
NOTICE4, NOTICE6 = IPv4Address("10.0.0.2"), IPv6Address("fd74:7973:7400::2")
_FREE4 = ALL_TUNNELS4.num_addresses - OURS4.num_addresses


def tunnel_addresses(public_key: bytes) -> tuple[IPv4Interface, IPv6Interface]:
    """The /32 and /128 of a WireGuard public key (32 bytes)."""
    return IPv4Interface((address4(public_key), 32)), IPv6Interface((address6(public_key), 128))


def address4(public_key: bytes) -> IPv4Address:
    """Uniform over 10.16.0.0 … 10.255.255.255 (the bias of the remainder is below 2^-40)."""
    number = int.from_bytes(derive(public_key, "ipv4", 8)) % _FREE4
    return OURS4.broadcast_address + 1 + number


def address6(public_key: bytes) -> IPv6Address:
    """The WireGuard prefix and 64 bits of the key's own; never the subnet's anycast address (RFC 4291, 2.6.1)."""
    number = int.from_bytes(derive(public_key, "ipv6", 8))
    return WIREGUARD6[number or 1]
