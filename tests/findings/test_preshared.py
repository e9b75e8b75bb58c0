"""A preshared key in a hand-made configuration: with the right one Debian's wg-quick connects, with none or another there
is no tunnel, not even to the page that says why. It is sealed where it is stored, and forgotten with the peer.
"""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from tests.findings.account import Account
from tests.findings.world import Customer, World, public_of
from tests.unit.site.browser_key import DeviceKey
from tyst.core.tags import tag_of
from tyst.core.wireguard.config import from_text, key_text, to_text
from tyst.journey.person import Person
from tyst.lab.topology import ECHO_V4
from tyst.lab.wait import wait_until
from tyst.lab.wireguard import wg_show

pytestmark = pytest.mark.lab

NODE = "se-sto"


@dataclass
class Secret:
    """A customer with a device that has a preshared key, registered at the site as its page does it."""

    customer: Customer
    key: DeviceKey
    preshared: bytes = field(default_factory=lambda: os.urandom(32), repr=False)


def secret(world: World, *, paid: bool = True) -> Secret:
    one = Secret(world.customer(0), DeviceKey())
    answer = Account(world, one.customer.session).send_key(one.key, preshared=key_text(one.preshared))
    assert answer.status == 200 and answer.json["preshared"] is True
    if not paid:
        world.sql("UPDATE account SET subscription = '2026-01-01 23:59:59' WHERE handle = ?", one.customer.handle)
    return one


@contextmanager
def up(world: World, one: Secret, preshared: bytes) -> Iterator[Person]:
    """wg-quick with her file and this preshared key in it."""
    config = replace(from_text(world.config(one.key.private, NODE)), preshared=preshared)
    person = Person(world.lab["charlie"])
    person.wireguard_up(to_text(config), NODE)
    try:
        yield person
    finally:
        person.wireguard_down(NODE)


def handshaken(world: World) -> bool:
    """Whether her machine has a session with the node."""
    return wg_show(world.lab["charlie"], "latest-handshakes", NODE).split()[-1] != "0"


def pings(person: Person, address: str) -> bool:
    return person.host.run(["ping", "-n", "-c1", "-W1", address], check=False).returncode == 0


def test_with_her_preshared_key_charlie_connects_and_without_it_there_is_no_tunnel(world: World) -> None:
    one = secret(world)
    wrong = bytes([one.preshared[0] ^ 1]) + one.preshared[1:]
    for other in (wrong, b""):
        with up(world, one, other) as person:
            assert not pings(person, str(ECHO_V4)) and not handshaken(world)
            wait_until(lambda: one.key.public in world.peers(), within=5, what="the node to have let her knock")
            shown = wg_show(world.node, "preshared-keys", "all")
            assert key_text(one.preshared) in shown, "the node has the right one, from her record"
    with up(world, one, one.preshared) as person:
        wait_until(lambda: pings(person, str(ECHO_V4)), within=15, every=0.2, what="a ping through the tunnel")
        assert handshaken(world)
        wait_until(
            lambda: Account(world, one.customer.session).devices() == 1, within=10, every=0.2, what="her confirmation"
        )
        assert key_text(one.preshared) in wg_show(world.node, "preshared-keys", "all"), "a confirmation leaves it"


def test_whose_time_is_up_reaches_the_page_that_says_so_with_her_preshared_key(world: World) -> None:
    one = secret(world, paid=False)
    with up(world, one, one.preshared) as person:
        wait_until(lambda: pings(person, "fd74:7973:7400::2"), within=15, every=0.2, what="the notice page's address")
        assert not pings(person, str(ECHO_V4))


def test_a_record_with_a_preshared_key_looks_like_any_other(world: World) -> None:
    with_one, without = secret(world), world.customer()
    rows = world.sql("SELECT tag, record FROM key_record")
    records = {bytes(tag): bytes(record) for tag, record in rows}
    mine = records[tag_of(with_one.key.public)]
    assert len(mine) == len(records[tag_of(public_of(without.devices[0]))])
    stored = b"".join(path.read_bytes() for path in world.state.glob("records.sqlite3*"))
    for form in (with_one.preshared, with_one.preshared.hex().encode(), base64.b64encode(with_one.preshared)):
        assert form not in stored
