"""Wires the lab's hosts together: pairs of interfaces, addresses, routes, as `topology.py` says.

Pairs are made inside the router's network namespace with the other end handed straight to the member, so no interface
ever appears on the real machine. Counterpart: `topology.py`.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from tyst.lab.enter import in_network
from tyst.lab.topology import EXIT6, NETWORKS, PLACES, Network, Place

_THREADS = 4
#: Router ports are numbered from here, so that the two ends of a cable never have the same number: Linux takes such a
#: pair for one device and tells it of its carrier as much as a second late (net/core/link_watch.c).
_FIRST_INDEX = 100


def connect(inits: Mapping[str, int], pidfds: Mapping[str, int]) -> None:
    """Builds every network among the given hosts (name to init's pid, name to pidfd)."""
    routers = [name for name in inits if _members(name, inits)]
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda name: _batch(pidfds[name], _cables(name, inits)), routers))
        list(pool.map(lambda name: _batch(pidfds[name], [*_seat(PLACES[name]), *_routes(name, inits)]), inits))


def _batch(pidfd: int, commands: list[str]) -> None:
    if commands:
        in_network(pidfd, ["ip", "-batch", "-"], "\n".join(commands) + "\n")


def _members(router: str, inits: Mapping[str, int]) -> list[Place]:
    """The hosts whose network has this router, the router itself not counted."""
    places = (PLACES[name] for name in inits if name != router)
    return [place for place in places if NETWORKS[place.network].router == router]


def port_name(member: str) -> str:
    """What a router calls its end of the cable to a member."""
    return f"to-{member}"[:15]


def _cables(router: str, inits: Mapping[str, int]) -> list[str]:
    """Commands that make all of a router's cables, and a bridge for each shared network."""
    members = _members(router, inits)
    commands: list[str] = []
    for network in {place.network: NETWORKS[place.network] for place in members}.values():
        if network.shared:
            commands += _switch(network)
    for index, place in enumerate(members, _FIRST_INDEX):
        network, port = NETWORKS[place.network], port_name(place.name)
        commands.append(f"link add {port} index {index} type veth peer name eth0 netns {inits[place.name]}")
        if network.shared:
            commands += _plug_in(port, network)
        else:
            commands += _router_address(network, port)
    return commands


def _switch(network: Network) -> list[str]:
    """Commands that make a shared network's bridge, with the router plugged into it like everybody else.

    The router's address isn't on the bridge itself: a bridge hears of its carrier as much as a second late, and has no
    IPv6 until then.
    """
    return [
        f"link add {network.name}-lan type bridge mcast_snooping 0 forward_delay 0",
        f"link set {network.name}-lan up",
        f"link add {network.name} type veth peer name {port_name(network.router)}",
        *_plug_in(port_name(network.router), network),
        *_router_address(network, network.name),
    ]


def _plug_in(port: str, network: Network) -> list[str]:
    return [f"link set {port} master {network.name}-lan", f"link set {port} up"]


def _router_address(network: Network, interface: str) -> list[str]:
    return [
        f"addr add {network.address4(1)}/{network.ipv4.prefixlen} dev {interface}",
        f"addr add {network.address6(1)}/{network.ipv6.prefixlen} dev {interface} nodad",
        f"link set {interface} up",
    ]


def _seat(place: Place) -> Iterator[str]:
    """Commands that give a member its addresses and its way out."""
    yield "link set lo up"
    network = NETWORKS[place.network]
    if place.name == network.router:
        return
    for number in (place.number, *place.extra):
        yield f"addr add {network.address4(number)}/{network.ipv4.prefixlen} dev eth0"
        yield f"addr add {network.address6(number)}/{network.ipv6.prefixlen} dev eth0 nodad"
    yield "link set eth0 up"
    yield f"route add default via {network.address4(1)}"
    yield f"route add ::/0 via {network.address6(1)}"


def _routes(name: str, inits: Mapping[str, int]) -> Iterator[str]:
    """What the internet's router must know: the way to networks behind another router, and to nodes' own prefixes."""
    if name != "internet":
        return
    for network in NETWORKS.values():
        if network.router != name and network.router in inits:
            behind = PLACES[network.router]
            yield f"route add {network.ipv4} via {behind.ipv4}"
            yield f"route add {network.ipv6} via {behind.ipv6}"
    for node, prefix in EXIT6.items():
        if node in inits:
            yield f"route add {prefix} via {PLACES[node].ipv6}"
