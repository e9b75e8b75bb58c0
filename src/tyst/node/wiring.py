"""Chooses the parts of a node and joins them: real clock, real kernel, userspace WireGuard, unbound, OpenVPN.

The order of `serve` is the order of trust: closed firewall, identity, what the gate announces, then everything else.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tyst.core import reach
from tyst.core.dns import Resolver, addresses_of, site_name
from tyst.core.events import Event
from tyst.core.firewall import WIREGUARD, Ruleset
from tyst.core.multihop import openvpn_port, wireguard_port
from tyst.core.wireguard.handshake import Responder
from tyst.messages.fleet import Announced
from tyst.node import identity as identities
from tyst.node.agent import Agent, Parts
from tyst.node.clock import Clock
from tyst.node.doors import DoorContext
from tyst.node.drivers.elements import SetElements
from tyst.node.drivers.firewall import Nftables, NftFirewall
from tyst.node.drivers.flows import FlowTable, LingeringFlows
from tyst.node.drivers.network import Network
from tyst.node.drivers.wireguard import UserspaceWireGuard
from tyst.node.egress import Egress
from tyst.node.entries import Entries
from tyst.node.features import parts_of
from tyst.node.gate_link import GateAbsent, GateLink
from tyst.node.identity import Identity, IdentityError
from tyst.node.listener import Listener
from tyst.node.lists import Following, Keeper
from tyst.node.network import Fleet
from tyst.node.notice.page import NoticePage
from tyst.node.openvpn import wiring as openvpn
from tyst.node.packets import Captured
from tyst.node.port_leases import Leases
from tyst.node.ports import PortDoor
from tyst.node.postquantum import PostQuantum
from tyst.node.reach import wiring as relays
from tyst.node.resolver import Tls, UnboundResolver, anchor
from tyst.node.settings import Settings
from tyst.node.streams import Relay
from tyst.node.supervisor import Estate
from tyst.node.takeover import Takeover
from tyst.node.tunnels import Tunnels
from tyst.quiet import fence

WIREGUARD_PORT = 51820
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator says. `token`: the enrolment token's text, needed at the first start only."""

    state: Path
    interface: str = "eth0"
    token: str = field(default="", repr=False)
    roots: tuple[Address, ...] = ()
    openvpn: bool = True
    settings: Settings = field(default_factory=Settings)
    network: Network | None = None
    """What this namespace's settings were before the first agent; None: what they are now."""
    estate: Estate | None = None
    """From the supervisor; without one, nobody follows this agent, and everything dies with it."""


async def join(options: Options) -> tuple[Identity, GateLink, Announced]:
    """Who this node is, its line to the gate, and what the gate says of it (or said, while the gate is away)."""
    who = identities.resume(options.state)
    if who is None:
        if not options.token:
            raise IdentityError("this node is in no fleet yet: give it the token that `./tyst fleet add` printed")
        who = await identities.enrol(options.state, options.token, time.monotonic)
    link = GateLink(who.gate, who.context, time.monotonic)
    try:
        return who, link, await who.announce(link)
    except GateAbsent:
        announced = who.announced_before()
        if announced is None:
            await link.close()
            raise
        return who, link, announced
    except BaseException:
        await link.close()
        raise


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the parts stand on: who this node is, what it was told, and the kernel's tables."""

    options: Options
    who: Identity
    link: GateLink
    announced: Announced
    site: tuple[Address, ...]
    closed: Ruleset
    fleet: Fleet
    firewall: NftFirewall
    flow_table: FlowTable
    flows: LingeringFlows
    egress: Egress
    entries: Entries


async def build(firewall: NftFirewall, options: Options) -> Parts:
    """All parts of a node that has joined. The firewall is loaded already, and closed."""
    ground = await _stand(firewall, options)
    responder = Responder(ground.who.secrets.wireguard_private)
    keeper = None if options.estate is None else options.estate.keeper
    wireguard = UserspaceWireGuard(WIREGUARD, entries=lambda: ground.entries.texts, keeper=keeper)
    tunnels = _tunnels(ground, wireguard, lambda packet: listener.hand_on(packet))
    listener = _listener(ground, responder, tunnels)
    barred = partial(_listening, ground.closed, ground.fleet)
    leases = Leases(firewall, ground.flow_table, lambda: ground.fleet.addresses.exit4, barred, time.monotonic)
    return Parts(
        interface=WIREGUARD,
        public=options.interface,
        port=WIREGUARD_PORT,
        ruleset=partial(ruleset_of, ground.closed, ground.fleet),
        fleet=ground.fleet,
        settings=options.settings,
        identity=ground.who,
        link=ground.link,
        wireguard=wireguard,
        tunnels=tunnels,
        listener=listener,
        flows=ground.flows,
        resolver=await _resolver(ground),
        doors=[openvpn.build(_context(ground))] if options.openvpn else [],
        notice=NoticePage(ground.announced.site, tunnels.reason_of),
        ports=PortDoor(leases, time.monotonic),
        relays=relays.build(
            ground.announced, ground.who.secrets, wireguard=ground.closed.wireguard, openvpn=options.openvpn
        ),
        wall=time.time,
        inside=[PostQuantum(responder.public, tunnels.table, wireguard, time.monotonic)],
        handover=None if options.estate is None else options.estate.handover,
        takeover=_takeover(ground, tunnels, wireguard),
    )


async def _stand(firewall: NftFirewall, options: Options) -> _Ground:
    """Joins, and learns what the fleet looks like."""
    who, link, announced = await join(options)
    site = addresses_of(announced.site_addresses) or await _resolve(announced.site)
    management = await _resolve(who.gate)
    if not management:  # tunnels could reach the gate as soon as it is found again: rather no node at all
        await link.close()
        raise GateAbsent
    fleet = Fleet(link, who.network_before(), who.keep_network)
    await fleet.refresh()
    closed = Ruleset(
        options.interface,
        WIREGUARD_PORT,
        udp=openvpn.udp_ports(announced.openvpn_processes),
        tcp=(443, *reach.PORTS),
        management=management,
        site=site,
    )
    egress = Egress(lambda: fleet.addresses, time.time)
    if options.estate is not None:
        egress.remember(options.estate.handover)
    table = FlowTable()
    flows = LingeringFlows(table, options.settings.linger, time.monotonic)
    return _Ground(options, who, link, announced, site, closed, fleet, firewall, table, flows, egress, Entries(fleet))


def _tunnels(ground: _Ground, wireguard: UserspaceWireGuard, hand_on: Callable[[Captured], None]) -> Tunnels:
    estate = ground.options.estate
    return Tunnels(
        gate=ground.link,
        wireguard=wireguard,
        firewall=ground.firewall,
        flows=ground.flows,
        passage=ground.egress.passage,
        hand_on=hand_on,
        clock=Clock(time.monotonic, time.time),
        settings=ground.options.settings,
        from_entry=ground.entries.__contains__,
        handover=None if estate is None else estate.handover,
    )


def _listener(ground: _Ground, responder: Responder, tunnels: Tunnels) -> Listener:
    return Listener(
        responder,
        port=ground.closed.knocks,
        wireguard=ground.closed.wireguard,
        served=tunnels.served,
        knock=tunnels.knock,
        clock=time.monotonic,
        from_entry=ground.entries.__contains__,
        doubts=tunnels.doubts,
        tried=tunnels.tried,
    )


def _takeover(ground: _Ground, tunnels: Tunnels, wireguard: UserspaceWireGuard) -> Takeover | None:
    """For an agent that follows another one; the first of a node takes nothing over."""
    estate = ground.options.estate
    if estate is None or not estate.successor:
        return None
    return Takeover(
        estate.handover, tunnels, ground.firewall, ground.flows, wireguard, ground.egress.passage, ground.link
    )


async def _resolver(ground: _Ground) -> Following:
    """The resolver behind its faces, the relay for streaming names, and the operator's newest lists."""
    who, fleet, announced = ground.who, ground.fleet, ground.announced
    names = Keeper(
        ground.link,
        who.lists,
        who.lists_before(),
        wanted=lambda: fleet.now.lists,
        keep=who.keep_lists,
        say=lambda _: fence.say(Event.LISTS_REFUSED),
    )
    await names.look()
    shown = who.resolver_tls(announced)
    wanted = Resolver(site_name(announced.site), ground.site, ground.options.roots, anchor(), lists=names.now)
    unbound = UnboundResolver(wanted, relay=Relay(ground.firewall), tls=Tls(*shown) if shown else None)
    return Following(unbound, names, fleet.on_change, unbound.use)


def ruleset_of(closed: Ruleset, fleet: Fleet) -> Ruleset:
    """The ruleset as the fleet is now: pools, and what each feature adds."""
    return replace(closed, pool=fleet.addresses.all4, fleet=Entries(fleet).addresses, parts=parts_of(fleet))


def _listening(closed: Ruleset, fleet: Fleet) -> frozenset[int]:
    """The ports on which this node listens on its own addresses, and those that stand for other nodes."""
    own = (closed.wireguard, closed.knocks, *closed.udp, *closed.tcp)
    return frozenset(own).union(*((wireguard_port(one.number), openvpn_port(one.number)) for one in fleet.exits))


def _context(ground: _Ground) -> DoorContext:
    return DoorContext(
        name=ground.who.name,
        interface=ground.options.interface,
        state=ground.options.state,
        announced=ground.announced,
        secrets=ground.who.secrets,
        gate=ground.link,
        firewall=ground.firewall,
        flows=ground.flows,
        passage=ground.egress.passage,
        entry_of=ground.entries.number_of,
        processes=ground.announced.openvpn_processes,
    )


async def _resolve(url: str) -> tuple[Address, ...]:
    """The addresses behind a URL's host; none when it can't be resolved now."""
    host = urlsplit(url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


async def serve(options: Options, ready: asyncio.Event, stops: Sequence[int]) -> bool:
    """One run of a node. `ready` is set when it serves; `stops`: signals that end it. False when something failed."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(fence.loop_fault)  # its default prints values
    nftables = Nftables()
    elements = SetElements()
    firewall = NftFirewall(nftables, elements)
    agent = Agent(options.network or Network(), firewall)
    for number in stops:
        loop.add_signal_handler(number, agent.finish)
    try:
        if options.estate is not None and options.estate.successor:
            await agent.follow()
        else:
            await agent.close_first(Ruleset(options.interface, WIREGUARD_PORT))
        await agent.start(await build(firewall, options))
        ready.set()
        return await agent.run()
    finally:
        await agent.close()
        nftables.close()
        elements.close()
