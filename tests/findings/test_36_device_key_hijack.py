"""Row 36: Mallory registers, replaces or revokes the key of Alice's device, or learns from the answers whose it is.

A WireGuard public key is no secret: every node that Alice uses sees it, and so does whoever looks at her screen. Mallory
has it here, and in the worst case its private half too.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.findings.account import Account, Page
from tests.findings.world import Customer, RefusedError, World
from tests.unit.site.browser_key import DeviceKey
from tyst.core.tags import tag_of
from tyst.core.wireguard.config import key_text
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab


@dataclass
class Cast:
    """Alice with a registered key, and Mallory, who pays too."""

    alices: Customer
    mallorys: Customer
    alice: Account = field(repr=False)
    mallory: Account = field(repr=False)
    key: DeviceKey = field(repr=False)


@pytest.fixture
def cast(world: World) -> Iterator[Cast]:
    alices, mallorys = world.customers(2, 0)
    alice, mallory, key = Account(world, alices.session), Account(world, mallorys.session), DeviceKey()
    assert alice.send_key(key).json["ok"]
    yield Cast(alices, mallorys, alice, mallory, key)
    world.sql("DELETE FROM key_record WHERE tag = ?", tag_of(key.public))


def record_of(world: World, key: DeviceKey) -> list[tuple[object, ...]]:
    """The key's row."""
    return world.sql("SELECT * FROM key_record WHERE tag = ?", tag_of(key.public))


def connects(world: World, cast: Cast) -> tuple[int, int]:
    """Her device connects: how many devices Alice and Mallory have then."""
    with world.connected("alice", cast.key.private) as device:
        assert device.settle()
        counts = (cast.alice.devices, cast.mallory.devices)
        wait_until(lambda: sum(count() for count in counts) == 1, within=5, what="her device to have its slot")
        return counts[0](), counts[1]()


def said(page: Page) -> tuple[object, ...]:
    """All of an answer that could tell two cases apart."""
    headers = {name: value for name, value in page.headers.items() if name not in ("Date", "Content-Length")}
    return page.status, headers, page.text


def test_a_record_in_mallorys_name_would_put_alices_device_on_mallorys_account(world: World, cast: Cast) -> None:
    """What the attack would be worth if the records let it happen: she decides over the device, and counts it."""
    world.sql("DELETE FROM key_record WHERE tag = ?", tag_of(cast.key.public))
    world.sql("INSERT INTO key_record VALUES (?, ?, ?)", *world.record(cast.mallorys.handle, cast.key.public))
    assert connects(world, cast) == (0, 1)


def test_mallory_cannot_register_the_key_that_she_has_only_seen(world: World, cast: Cast) -> None:
    before = record_of(world, cast.key)
    seen = cast.mallory.send_key(DeviceKey(), public_key=key_text(cast.key.public))
    nobodys = cast.mallory.send_key(DeviceKey(), public_key=key_text(DeviceKey().public))
    assert seen.status == 422 and seen.json["code"] == "proof-wrong"
    assert said(seen) == said(nobodys), "a key that is registered and one that is not look the same to her"
    assert record_of(world, cast.key) == before and connects(world, cast) == (1, 0)


def test_even_with_the_private_key_mallory_cannot_take_it_over_nor_learn_whose_it_is(world: World, cast: Cast) -> None:
    before = record_of(world, cast.key)
    hers, anothers = cast.alice.send_key(cast.key), cast.mallory.send_key(cast.key)
    assert hers.status == anothers.status == 409 and said(hers) == said(anothers)
    assert record_of(world, cast.key) == before and connects(world, cast) == (1, 0)


def test_mallory_cannot_revoke_the_key_that_she_has_only_seen(world: World, cast: Cast) -> None:
    before = record_of(world, cast.key)
    seen = cast.mallory.send_key(DeviceKey(), "revoke", public_key=key_text(cast.key.public))
    nobodys = cast.mallory.send_key(DeviceKey(), "revoke", public_key=key_text(DeviceKey().public))
    assert seen.status == 422 and said(seen) == said(nobodys)
    assert record_of(world, cast.key) == before and connects(world, cast) == (1, 0)


def test_a_revoked_key_is_free_and_belongs_to_whoever_holds_it_then(world: World, cast: Cast) -> None:
    assert cast.alice.send_key(cast.key, "revoke").json == {"ok": True, "revoked": True}
    device = world.device("alice", cast.key.private)
    assert not device.connect(within=0.5), "nobody's key gets nothing at all"
    device.close()
    assert cast.mallory.send_key(DeviceKey(), public_key=key_text(cast.key.public)).status == 422
    assert cast.alice.send_key(cast.key).json["ok"], "deleted and added again"
    assert record_of(world, cast.key)


def test_the_records_themselves_hold_a_key_once(world: World, cast: Cast) -> None:
    with pytest.raises(RefusedError, match="IntegrityError"):
        world.sql("INSERT INTO key_record VALUES (?, ?, ?)", *world.record(cast.mallorys.handle, cast.key.public))
    with pytest.raises(RefusedError, match="IntegrityError"):
        world.sql("UPDATE key_record SET tag = ? WHERE tag = ?", tag_of(cast.key.public), _another(world))


def _another(world: World) -> bytes:
    private = os.urandom(32)
    world.register(world.customer(0), private)
    return tag_of(DeviceKey(private).public)
