"""The site's parts for unit tests: the real ones, but cheap hashes, a small table of countries and a set clock."""

import os
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.site.world import NODES, STATIC_KEY, Authority
from tests.unit.site.person import Clock, GateOfTest
from tyst.core.keyring import Keyring
from tyst.mail.bounces import Bounces
from tyst.mail.letters import Writer
from tyst.mail.outbox import Outbox
from tyst.payments import catalogue
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Provider
from tyst.payments.seller import Seller
from tyst.records import accounts
from tyst.records.models import Fleet, Location, Node
from tyst.site import assets, geo, limits, passwords, sessions, shop
from tyst.site.services import Services
from tyst.site.steering import Steering

COUNTRIES = ["3221225984,3221226239,SE", "2001:db8:46::,2001:db8:46:ffff:ffff:ffff:ffff:ffff,DE"]


@cache
def _slow_parts() -> tuple[passwords.Passwords, assets.Assets, bytes]:
    return passwords.Passwords(memory_kib=64), assets.load(), Authority().der()


def services(keys: Keyring, gate: GateOfTest, clock: Clock, state: Path, *providers: Provider) -> Services:
    """A site's services; addresses in 192.0.2.0/24 are Swedish. Without providers its shop is closed."""
    words: dict[str, Any] = {"now": clock, "draw": os.urandom, "keys": keys, "gate": gate}
    hasher, files, _ = _slow_parts()
    words |= {"geo": geo.TableSource(COUNTRIES), "limits": limits.default_limits(clock, os.urandom)}
    words |= {"steering": Steering(gate, clock)}
    words |= {"passwords": hasher, "denied": sessions.Denied(), "assets": files}
    mail = _mail(clock)
    return Services(**words, **mail, shop=_shop(keys, clock, state, mail["outbox"], providers))


def _shop(keys: Keyring, clock: Clock, state: Path, outbox: Outbox, providers: tuple[Provider, ...]) -> shop.Shop:
    """With the shipped prices. Nobody sells where there is no processor."""
    orders = OrderKeys(state, lambda: int(clock().timestamp()))
    sells = Seller("Tyst AB", ("Storgatan 1", "111 11 Stockholm"), "se", "SE556016068001") if providers else None
    parts = shop.Parts(keys, clock, os.urandom, outbox, "https://tyst.test")
    return shop.assemble(catalogue.load(state), {one.name: one for one in providers}, orders, sells, None, parts)


def _mail(clock: Clock) -> dict[str, Any]:
    """An outbox without a service, as where mail was never set up."""
    forget = partial(_forget, clock)
    return {"outbox": Outbox(()), "writer": Writer("https://tyst.test"), "bounces": Bounces(None, bytes(32), forget)}


def _forget(clock: Clock, address: str) -> None:
    accounts.forget_address(address, clock())


def fleet() -> None:
    """Two cities with a node each, and the fleet's public facts."""
    for number, (name, city, country, ipv4, ipv6, key, owned) in enumerate(NODES, 1):
        place = Location(slug=name, city=city, country=country)
        place.save(force_insert=True)
        facts = {"ipv4": ipv4, "ipv6": ipv6, "wireguard_public": key, "owned": bool(owned), "number": number}
        node = Node(name=name, location=place, **facts)
        node.save(force_insert=True)
    fact = Fleet(openvpn_authority=_slow_parts()[2], tls_crypt=STATIC_KEY, site="https://tyst.test")
    fact.save(force_insert=True)
