"""Which country an address of the lab is in, in the two formats of Debian's tor-geoipdb.

IPv4: `low,high,CC` as decimal numbers; IPv6: `low,high,CC` as addresses. The site reads the real files in the same way
(option `--geoip`). Countries are those of `topology.PLACES`. Counterpart: `prepare.py`, which hands them to the control
host.
"""

from ipaddress import IPv4Network, IPv6Network

from tyst.lab.topology import NETWORKS, PLACES, ROUTERS, Place


def _ranges(place: Place) -> tuple[IPv4Network, IPv6Network]:
    """A client is one address of the shared access network; everything else has its network to itself."""
    network = NETWORKS[place.network]
    if network.shared:
        return IPv4Network(place.ipv4), IPv6Network(place.ipv6)
    return network.ipv4, network.ipv6


def _rows() -> list[tuple[IPv4Network, IPv6Network, str]]:
    return [(*_ranges(place), place.country.upper()) for place in PLACES.values() if place.role not in ROUTERS]


def table4() -> str:
    """The IPv4 table, sorted by address."""
    rows = sorted((int(v4[0]), int(v4[-1]), country) for v4, _, country in _rows())
    return "# Countries of the lab's addresses\n" + "".join(f"{low},{high},{code}\n" for low, high, code in rows)


def table6() -> str:
    """The IPv6 table, sorted by address."""
    rows = sorted((v6[0], v6[-1], country) for _, v6, country in _rows())
    return "# Countries of the lab's addresses\n" + "".join(f"{low},{high},{code}\n" for low, high, code in rows)
