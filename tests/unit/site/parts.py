"""The site's parts for unit tests: the real ones, but cheap hashes, a small table of countries and a set clock."""

import os
from functools import cache
from typing import Any

from tests.site.world import NODES, STATIC_KEY, Authority
from tests.unit.site.person import Clock, GateOfTest
from tyst.core.keyring import Keyring
from tyst.records.models import Fleet, Location, Node
from tyst.site import assets, geo, limits, passwords, sessions
from tyst.site.services import Services
from tyst.site.steering import Steering

COUNTRIES = ["3221225984,3221226239,SE", "2001:db8:46::,2001:db8:46:ffff:ffff:ffff:ffff:ffff,DE"]


@cache
def _slow_parts() -> tuple[passwords.Passwords, assets.Assets, bytes]:
    return passwords.Passwords(memory_kib=64), assets.load(), Authority().der()


def services(keys: Keyring, gate: GateOfTest, clock: Clock) -> Services:
    """A site's services; addresses in 192.0.2.0/24 are Swedish."""
    words: dict[str, Any] = {"now": clock, "draw": os.urandom, "keys": keys, "gate": gate}
    hasher, files, _ = _slow_parts()
    words |= {"geo": geo.TableSource(COUNTRIES), "limits": limits.default_limits(clock, os.urandom)}
    words |= {"steering": Steering(gate, clock)}
    return Services(**words, passwords=hasher, denied=sessions.Denied(), assets=files)


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
