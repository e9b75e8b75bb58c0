"""Chooses the parts of a node and joins them: real clock, real kernel, userspace WireGuard, unbound, OpenVPN.

The order of `serve` is the order of trust: closed firewall, identity, what the gate announces, then everything else.
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from tyst.core.dns import Resolver, addresses_of, site_name
from tyst.core.firewall import WIREGUARD, Ruleset
from tyst.core.wireguard.handshake import Responder
from tyst.messages.fleet import Announced
from tyst.node import identity as identities
from tyst.node.agent import Agent, Parts
from tyst.node.doors import DoorContext, VpnDoor
from tyst.node.drivers.elements import SetElements
from tyst.node.drivers.firewall import Nftables, NftFirewall
from tyst.node.drivers.flows import FlowTable, LingeringFlows
from tyst.node.drivers.network import Network
from tyst.node.drivers.wireguard import UserspaceWireGuard
from tyst.node.gate_link import GateAbsent, GateLink
from tyst.node.identity import Identity, IdentityError
from tyst.node.listener import Listener
from tyst.node.notice.page import NoticePage
from tyst.node.openvpn import wiring as openvpn
from tyst.node.resolver import UnboundResolver, anchor
from tyst.node.settings import Settings
from tyst.node.tunnels import Clock, Tunnels

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


async def build(agent: Agent, firewall: NftFirewall, options: Options) -> Parts:
    """All parts of a node that has joined. The firewall is loaded already, and closed."""
    who, link, announced = await join(options)
    site = addresses_of(announced.site_addresses) or await _resolve(announced.site)
    management = await _resolve(who.gate)
    if not management:  # tunnels could reach the gate as soon as it is found again: rather no node at all
        await link.close()
        raise GateAbsent
    ruleset = Ruleset(options.interface, WIREGUARD_PORT, management=management, site=site)
    clock = Clock(time.monotonic, time.time)
    flows = LingeringFlows(FlowTable(), options.settings.linger, time.monotonic)
    wireguard = UserspaceWireGuard(WIREGUARD)
    tunnels = Tunnels(
        gate=link,
        wireguard=wireguard,
        firewall=firewall,
        flows=flows,
        hand_on=lambda packet: listener.hand_on(packet),
        clock=clock,
        settings=options.settings,
    )
    responder = Responder(who.secrets.wireguard_private)
    listener = Listener(
        responder,
        port=ruleset.knocks,
        wireguard=ruleset.wireguard,
        served=tunnels.served,
        knock=tunnels.knock,
        clock=time.monotonic,
    )
    doors: list[VpnDoor] = []
    if options.openvpn:
        doors.append(openvpn.build(_context(options, who, announced, link, firewall, flows)))
    resolver = Resolver(site_name(announced.site), site, options.roots, anchor())
    return Parts(
        interface=WIREGUARD,
        port=WIREGUARD_PORT,
        ruleset=ruleset,
        settings=options.settings,
        identity=who,
        link=link,
        wireguard=wireguard,
        tunnels=tunnels,
        listener=listener,
        flows=flows,
        resolver=UnboundResolver(resolver),
        doors=doors,
        notice=NoticePage(announced.site, tunnels.reason_of),
        wall=time.time,
    )


def _context(
    options: Options, who: Identity, announced: Announced, link: GateLink, firewall: NftFirewall, flows: LingeringFlows
) -> DoorContext:
    return DoorContext(
        name=who.name,
        interface=options.interface,
        state=options.state,
        announced=announced,
        secrets=who.secrets,
        gate=link,
        firewall=firewall,
        flows=flows,
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
    loop.set_exception_handler(lambda *_: None)  # its default prints values
    nftables = Nftables()
    elements = SetElements()
    firewall = NftFirewall(nftables, elements)
    agent = Agent(Network(), firewall)
    for number in stops:
        loop.add_signal_handler(number, agent.finish)
    try:
        await agent.close_first(Ruleset(options.interface, WIREGUARD_PORT))
        await agent.start(await build(agent, firewall, options))
        ready.set()
        return await agent.run()
    finally:
        await agent.close()
        nftables.close()
        elements.close()
