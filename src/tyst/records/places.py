"""The fleet as customers see it: cities, their nodes, and the public facts that a profile needs. Names no person."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from tyst.records.models import Fleet, Location, Node


@dataclass(frozen=True)
class PublicNode:
    """One node that can be connected to."""

    name: str
    city: str
    country: str
    ipv4: IPv4Address
    ipv6: IPv6Address
    owned: bool
    wireguard_public: bytes
    wireguard_port: int
    openvpn_udp: int
    openvpn_tcp: int
    openvpn_processes: int
    number: int


def public_nodes() -> Sequence[PublicNode]:
    """Nodes that are in the fleet and in service, and have shown their keys, by country, city and name."""
    rows = Node.objects.filter(revoked=False, draining=False, wireguard_public__isnull=False).select_related("location")
    return [_public(row) for row in rows.order_by("location__country", "location__city", "name")]


def _public(row: Node) -> PublicNode:
    return PublicNode(
        row.name,
        row.location.city,
        row.location.country,
        IPv4Address(row.ipv4),
        IPv6Address(row.ipv6),
        bool(row.owned),
        bytes(row.wireguard_public or b""),
        row.wireguard_port,
        row.openvpn_udp,
        row.openvpn_tcp,
        row.openvpn_processes,
        row.number,
    )


def fleet() -> Fleet | None:
    """The row of public facts, or None before `tyst fleet init`."""
    return Fleet.objects.first()


def cities() -> dict[str, tuple[str, str]]:
    """(city, country) of every place of the fleet, by its slug."""
    return {place.slug: (place.city, place.country) for place in Location.objects.all()}
