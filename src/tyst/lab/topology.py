"""Who lives where in the lab's internet: hosts, networks, addresses and names, as plain data.

All addresses that a host has on its `eth0` are from ranges set aside for documents and benchmarks (RFC 5737, RFC 2544,
RFC 3849), so they can meet no real one, and a VPN node, which drops private ranges, can still reach them. Every
network's router has the first address. Nothing here does anything. Counterparts: `network.py` builds it,
`services/zone.py` names it.

    alice bob charlie mallory          se-sto    de-fra    control    web
             |  (one LAN)                 |         |         |        |
            isp ---------------------- internet ------------------------
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

DOMAIN = "test"


@dataclass(frozen=True)
class Network:
    """A link with its router. `shared`: all members hear each other (a bridge at the router), as on one access LAN."""

    name: str
    router: str
    ipv4: IPv4Network
    ipv6: IPv6Network
    shared: bool = False

    def address4(self, number: int) -> IPv4Address:
        """The network's IPv4 address with this number; 1 is the router."""
        return self.ipv4[number]

    def address6(self, number: int) -> IPv6Address:
        """The network's IPv6 address whose last group *reads* like the number (::11 for 11)."""
        return self.ipv6[int(str(number), 16)]


@dataclass(frozen=True)
class Place:
    """A host and its seat: the network of its `eth0`, its number there, and what it is."""

    name: str
    network: str
    number: int
    role: str
    country: str
    extra: tuple[int, ...] = ()

    @property
    def ipv4(self) -> IPv4Address:
        """The host's first IPv4 address on eth0."""
        return NETWORKS[self.network].address4(self.number)

    @property
    def ipv6(self) -> IPv6Address:
        """The host's first IPv6 address on eth0."""
        return NETWORKS[self.network].address6(self.number)


def _network(name: str, router: str, ipv4: str, ipv6: str, *, shared: bool = False) -> Network:
    return Network(name, router, IPv4Network(ipv4), IPv6Network(ipv6), shared)


NETWORKS = {
    network.name: network
    for network in (
        _network("uplink", "internet", "198.18.0.0/24", "2001:db8:f::/64"),
        _network("control", "internet", "198.18.1.0/24", "2001:db8:c::/64"),
        _network("web", "internet", "198.18.2.0/24", "2001:db8:e::/64"),
        _network("stockholm", "internet", "192.0.2.0/24", "2001:db8:46::/64"),
        _network("frankfurt", "internet", "203.0.113.0/24", "2001:db8:49::/64"),
        _network("access", "isp", "198.51.100.0/24", "2001:db8:a::/64", shared=True),
    )
}

PLACES = {
    place.name: place
    for place in (
        Place("internet", "uplink", 1, "router", "se"),
        Place("web", "web", 80, "web", "se", extra=(53, 81)),
        Place("isp", "uplink", 2, "provider", "se"),
        Place("control", "control", 10, "control", "se"),
        Place("se-sto", "stockholm", 10, "node", "se"),
        Place("de-fra", "frankfurt", 10, "node", "de"),
        Place("alice", "access", 11, "client", "se"),
        Place("bob", "access", 12, "client", "de"),
        Place("charlie", "access", 13, "client", "no"),
        Place("mallory", "access", 14, "client", "us"),
        Place("phone", "access", 15, "client", "se"),
    )
}
ROUTERS = ("router", "provider")
NODES = tuple(place.name for place in PLACES.values() if place.role == "node")
CLIENTS = tuple(place.name for place in PLACES.values() if place.role == "client")
#: Prefixes that the internet routes to a node (de-fra has none, and uses NAT66).
EXIT6 = {"se-sto": IPv6Network("2001:db8:4600::/64")}
#: Further addresses of the nodes, as `tyst fleet pool` takes them (more than one span of a use: with a space between).
POOLS = {
    "se-sto": {
        "exit": "192.0.2.20-192.0.2.27",
        "public": "192.0.2.32-192.0.2.35",
        "streaming": "192.0.2.40 2001:db8:4600::40",
    },
    "de-fra": {"exit": "203.0.113.20-203.0.113.21", "public": "203.0.113.32-203.0.113.33"},
}

#: Without these no lab works; `Lab.build` adds them to any choice of hosts (isp only where there are clients).
BACKBONE = ("internet", "web")

#: The authoritative DNS server of the whole lab: it is the root, and everything hangs directly under it.
AUTHORITATIVE_V4 = NETWORKS["web"].address4(53)
AUTHORITATIVE_V6 = NETWORKS["web"].address6(53)
ROOT_SERVER = "a.root-servers.test"
#: For unbound's `root-hints:`. unbound answers `test.` by itself unless told `local-zone: "test." nodefault`.
ROOT_HINTS = (
    f". 3600 IN NS {ROOT_SERVER}.\n"
    f"{ROOT_SERVER}. 3600 IN A {AUTHORITATIVE_V4}\n"
    f"{ROOT_SERVER}. 3600 IN AAAA {AUTHORITATIVE_V6}\n"
)
#: The internet provider's own resolver, which its customers use when no tunnel is up; it asks from these addresses too.
ISP_RESOLVER_V4 = NETWORKS["access"].address4(1)
ISP_RESOLVER_V6 = NETWORKS["access"].address6(1)

ECHO_V4 = PLACES["web"].ipv4
ECHO_V6 = PLACES["web"].ipv6
#: Another address of the echo server: what `film.test`, a streaming service, leads to.
FILM_V4 = NETWORKS["web"].address4(81)
FILM_V6 = NETWORKS["web"].address6(81)
#: The notice page's addresses inside every tunnel.
NOTICE_V4 = IPv4Address("10.0.0.2")
NOTICE_V6 = IPv6Address("fd74:7973:7400::2")

#: Where the control host finds what the lab prepared for it.
GEOIP_V4 = "/etc/tyst/geoip"
GEOIP_V6 = "/etc/tyst/geoip6"
SITE_CERTIFICATE = "/etc/tyst/tls/site.crt"
SITE_KEY = "/etc/tyst/tls/site.key"


def with_backbone(names: tuple[str, ...]) -> tuple[str, ...]:
    """The chosen hosts and those without which they would have no network, in the order of `PLACES`."""
    unknown = [name for name in names if name not in PLACES]
    if unknown:
        raise ValueError(f"no such host in the lab: {', '.join(unknown)}; there are {', '.join(PLACES)}")
    wanted = {*names, *BACKBONE}
    if wanted & {*CLIENTS}:
        wanted.add("isp")
    return tuple(name for name in PLACES if name in wanted)


def resolvers_of(place: Place) -> tuple[str, ...]:
    """Which DNS servers a host uses at first: clients their provider's, servers the authoritative one."""
    if place.role == "client":
        return (str(ISP_RESOLVER_V4), str(ISP_RESOLVER_V6))
    return (str(AUTHORITATIVE_V4), str(AUTHORITATIVE_V6))


def span(text: str) -> tuple[IPv4Address, ...]:
    """The addresses that `tyst fleet pool` would make of one of `POOLS`' texts: A-B, or a single one."""
    first, _, last = text.partition("-")
    numbers = range(int(IPv4Address(first)), int(IPv4Address(last or first)) + 1)
    return tuple(map(IPv4Address, numbers))


def exits_of(node: str) -> frozenset[str]:
    """The IPv4 addresses by which tunnels may leave a node: its pool, or its own address when it has none."""
    pool = POOLS.get(node, {}).get("exit")
    return frozenset(map(str, span(pool))) if pool else frozenset({str(PLACES[node].ipv4)})


def is_exit(node: str, address: str) -> bool:
    """Whether somebody who is seen at this address (of either family) came out of this node by an ordinary exit."""
    if ":" not in address:
        return address in exits_of(node)
    if address in POOLS.get(node, {}).get("streaming", "").split():
        return False
    prefix = EXIT6.get(node)
    return IPv6Address(address) in prefix if prefix else address == str(PLACES[node].ipv6)
