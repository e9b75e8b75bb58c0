"""I10: no node serves a key that is not authorised, whatever has happened before.

A random walk over what customers, operators and attackers do, beside a model of who may be served; after each step
`wg show` is compared with the model. A key whose permission has ended may be there for one renewal more (I8 times it).
"""

import base64
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.findings.device import Device
from tests.findings.test_i08_revocation import WITHIN, YESTERDAY
from tests.findings.world import Customer, World, public_of
from tests.unit.core.wireguard.initiator import Initiator
from tyst.core.tags import tag_of
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab

STEPS = 60
FOREVER = float("inf")


@dataclass
class Model:
    """Who may be served: every key with the time until which it may be seen (none: for ever)."""

    until: dict[bytes, float] = field(default_factory=dict)

    def allow(self, public: bytes) -> None:
        """From now on."""
        self.until[public] = FOREVER

    def end(self, public: bytes) -> None:
        """Its permission ends now."""
        self.until[public] = min(self.until[public], time.monotonic() + WITHIN)

    def may(self, public: bytes) -> bool:
        """Whether this key may be seen now."""
        return self.until.get(public, 0.0) >= time.monotonic()

    def judge(self, peers: set[bytes]) -> None:
        """Nobody is there who may not be."""
        assert all(map(self.may, peers)), "a key without permission is served"


class Walk:
    """The walk's people: `registered` pay and have a key on record; `strangers` made a key and registered nothing."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance, self.model = world, chance, Model()
        self.node = world.public_key()
        self.registered, self.strangers = world.customers(8), [os.urandom(32) for _ in range(4)]
        self.recorded: list[bytes] = []
        for one in self.registered:
            self.model.allow(public_of(one.devices[0]))
        for public in world.peers():  # other tests' customers, who have gone without a goodbye
            self.model.allow(public)

    def connect(self) -> None:
        """A customer connects."""
        self._try(self._one().devices[0])

    def stranger(self) -> None:
        """Somebody without a record knocks with a key of her own: an honest initiation, and no answer."""
        private = self.chance.choice(self.strangers)
        answered = self._try(private, within=0.1)
        assert not answered or self.model.may(public_of(private))

    def forger(self) -> None:
        """Somebody claims a customer's public key without its private half."""
        victim = public_of(self._one().devices[0])
        self._throw(Initiator(os.urandom(32), self.node).initiation(claimed=victim))

    def forger_of_nobody(self) -> None:
        """The same with a key that nobody has."""
        self._throw(Initiator(os.urandom(32), self.node).initiation(claimed=os.urandom(32)))

    def replay(self) -> None:
        """What somebody recorded is sent again from elsewhere."""
        if self.recorded:
            self._throw(self.chance.choice(self.recorded))

    def garbage(self) -> None:
        """Noise of the right length."""
        self._throw(b"\x01\0\0\0" + os.urandom(144))

    def revoke(self) -> None:
        """A key record goes, or the account, or its time; somebody new comes in its place."""
        one = self._one()
        how = ("DELETE FROM key_record WHERE tag = ?", "DELETE FROM account WHERE handle = ?", YESTERDAY)
        chosen = self.chance.choice(how)
        self.world.sql(chosen, tag_of(public_of(one.devices[0])) if "tag" in chosen else one.handle)
        if chosen is not YESTERDAY:  # an expired account is let into the garden, so that it can be told
            self.model.end(public_of(one.devices[0]))
        self.registered.remove(one)
        self.strangers += one.devices if chosen is not YESTERDAY else []
        self._join()

    def intruder(self) -> None:
        """Somebody puts a peer into WireGuard behind the agent's back: it is thrown out at the next look."""
        public = public_of(os.urandom(32))
        self.world.node.run(["wg", "set", "wg-tyst", "peer", base64.b64encode(public).decode()])
        self.model.allow(public)
        self.model.end(public)

    def _join(self) -> None:
        newcomer = self.world.customer()
        self.registered.append(newcomer)
        self.model.allow(public_of(newcomer.devices[0]))

    def _one(self) -> Customer:
        return self.chance.choice(self.registered)

    def _try(self, private: bytes, within: float = 4.0) -> bool:
        device = self.world.device("alice", private)
        answered = device.connect(within)
        self.recorded.append(device.sent)
        device.close()
        return answered

    def _throw(self, message: bytes) -> None:
        with thrown_from(self.world) as mallory:
            mallory._socket.send(message)


@contextmanager
def thrown_from(world: World) -> Iterator[Device]:
    """A socket of Mallory's that leads to the node's port."""
    device = Device(world.lab["mallory"], os.urandom(32), world.public_key(), str(world.node.ipv4))
    yield device
    device.close()


def test_whatever_people_do_wg_show_holds_only_keys_that_may_be_there(world: World) -> None:
    seed = int.from_bytes(os.urandom(4))
    walk = Walk(world, random.Random(seed))
    often = (walk.connect,) * 4 + (walk.stranger, walk.forger, walk.forger_of_nobody, walk.replay, walk.garbage)
    actions = (*often, walk.revoke, walk.intruder)
    with pytest.raises(AssertionError, match="without permission"):
        walk.model.judge({os.urandom(32)})
    for number in range(STEPS):
        action = walk.chance.choice(actions)
        action()
        try:
            walk.model.judge(world.peers())
        except AssertionError as error:
            error.add_note(f"seed {seed}, step {number}: {action.__name__}")
            raise
    assert world.peers() & {public_of(one.devices[0]) for one in walk.registered}, "somebody was served"
    ended = {public for public, until in walk.model.until.items() if until < FOREVER}
    wait_until(lambda: not ended & world.peers(), within=WITHIN + 1, every=0.5, what="the ended ones to be gone")
