"""A preshared key from ML-KEM, agreed inside the tunnel: the next handshake needs it, the tunnel never breaks, a question
is answered once, and a device that lost its key is let in anew.

That its bytes are gone from the node's memory after the tunnel, test_54 shows with the visitor's.
"""

import os
import time
from contextlib import closing

import pytest

from tests.findings.world import NODE, World
from tyst.core.postquantum import SEED_BYTES, Exchange
from tyst.core.wireguard.config import key_text
from tyst.lab.topology import ECHO_V4
from tyst.lab.wait import wait_until
from tyst.lab.wireguard import wg_show

pytestmark = pytest.mark.lab


def now() -> int:
    """A number that grows, as a client takes it: its own clock's nanoseconds."""
    return time.monotonic_ns()


def test_the_next_handshake_needs_the_key_that_they_agreed_on(world: World) -> None:
    with world.connected("alice") as alice:
        assert alice.connect(), "before the exchange a handshake needs none"
        agreed = alice.agrees(now())
        assert agreed is not None and key_text(agreed) in wg_show(world.node, "preshared-keys")
        assert alice.ping(ECHO_V4), "the session from before goes on"
        assert not alice.connect(within=1.2), "without the key: no handshake"
        assert alice.ping(ECHO_V4), "and still the session goes on"
        alice.preshared = agreed
        assert alice.connect() and alice.ping(ECHO_V4)
        alice.preshared = bytes([agreed[0] ^ 1]) + agreed[1:]
        assert not alice.connect(within=1.2)


def test_a_device_that_lost_its_key_is_let_in_anew_without_it(world: World) -> None:
    private = world.customer().devices[0]
    with world.connected("bob", private) as bob:
        assert bob.agrees(now()) is not None
    began = time.monotonic()
    with closing(world.device("bob", private)) as again:
        assert again.connect(within=20), "switched off and on again, it has no key any more"
        assert time.monotonic() - began > 2, "not before three handshakes failed"
        assert again.ping(ECHO_V4)


def test_a_question_is_answered_once_and_not_often(world: World) -> None:
    with world.connected("mallory") as mallory:
        exchange = Exchange(os.urandom(SEED_BYTES), now(), device=mallory.public, node=mallory.node_public)
        answer = wait_until(lambda: mallory.exchanges(exchange.message, within=0.3), within=5, what="an answer")
        assert answer is not None
        agreed = exchange.finish(answer)
        assert mallory.exchanges(exchange.message, within=0.7) is None, "the same question again"
        assert mallory.agrees(now(), within=0.7) is None, "the next one, too early"
        for _ in range(200):
            mallory.exchanges(Exchange(os.urandom(SEED_BYTES), now(), device=bytes(32), node=bytes(32)).message, 0)
        mallory.settle()
        keys = wg_show(world.node, "preshared-keys")
        assert key_text(agreed) in keys, "a flood of questions changed nothing"
        assert mallory.exchanges(os.urandom(1200), within=0.3) is None
        mallory.preshared = agreed
        assert mallory.connect()


def test_who_has_no_open_tunnel_of_wireguard_gets_no_answer(world: World) -> None:
    with world.connected("charlie", world.customer(paid=False).devices[0]) as charlie:
        wait_until(lambda: charlie.ping("fd74:7973:7400::2"), within=10, what="the garden")
        assert charlie.agrees(now(), within=0.7) is None
        assert world.peers(NODE) >= {charlie.public}
