"""Time and chance that can be had again, a device's first message, what a look at a folder notices, work in a fork."""

import os
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.wireguard.handshake import Responder
from tyst.proof.worlds import still
from tyst.proof.worlds.device import Device
from tyst.proof.worlds.forks import WorldError, forked
from tyst.proof.worlds.hand import Hand
from tyst.proof.worlds.persisted import Moment, Sqlite, Watch


def test_two_hands_with_one_seed_draw_the_same_and_shuffle_the_same() -> None:
    one, other, another = Hand(5, b"seed"), Hand(5, b"seed"), Hand(5, b"other")
    drawn = [hand.stream("gate")(16) for hand in (one, other, another)]
    assert drawn[0] == drawn[1] != drawn[2]
    draw = one.stream("site")
    assert draw(16) != draw(16) != one.stream("gate")(16)
    orders = []
    for hand in (one, other):
        items = [bytes([number]) for number in range(50)]
        hand.sources("gate").shuffle(items)
        orders.append(items)
    assert orders[0] == orders[1] != sorted(orders[0])


def test_time_stands_still_until_it_is_moved() -> None:
    hand = Hand(3600, b"")
    assert hand() == hand() == hand.when().timestamp() == 3600
    hand.forward(20)
    assert hand.sources("gate").clock() == hand.sources("gate").ticks() == 3620


def test_a_node_opens_alices_first_message() -> None:
    node = X25519PrivateKey.generate()
    alice = Device(os.urandom(32))
    message = alice.initiation(node.public_key().public_bytes_raw(), 1_700_000_000.5, os.urandom(32))
    initiation = Responder(node.private_bytes_raw()).open(message)
    assert initiation.public == alice.public
    assert initiation.timestamp[8:] == (500_000_000).to_bytes(4)


def a_world(root: Path) -> Watch:
    (root / "state").mkdir()
    with sqlite3.connect(root / "state" / "records.sqlite3") as connection:
        connection.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v INT) WITHOUT ROWID")
        connection.execute("INSERT INTO t VALUES ('a', 1)")
    connection.close()
    return Watch(root, Sqlite(root / "state" / "records.sqlite3"))


def touched(moment: Moment) -> set[str]:
    return {name for name, one in moment.files.items() if one.touched}


def test_a_look_tells_what_was_touched_since_the_last_one(tmp_path: Path) -> None:
    watch = a_world(tmp_path)
    first, second = watch.look("first"), watch.look("second")
    assert touched(first) == touched(second) == set()
    assert first.rows == {"t": {("'a'",): {"k": "'a'", "v": "1"}}}
    os.utime(tmp_path / "state" / "records.sqlite3", (1, 1))
    assert touched(watch.look("third")) == {"state/records.sqlite3"}


def test_a_file_that_is_made_and_removed_again_is_told_by_its_folder(tmp_path: Path) -> None:
    watch = a_world(tmp_path)
    watch.look("first")
    folder = tmp_path / "state"
    os.utime(folder, (1, 1))
    watch.look("second")
    (folder / "spool").write_bytes(b"x")
    (folder / "spool").unlink()
    assert touched(watch.look("third")) == {"state"}


def test_what_a_fork_says_comes_back_and_a_failure_without_its_values() -> None:
    assert forked(lambda: {"worlds": 2}) == {"worlds": 2}

    def secret() -> None:
        raise ValueError("alice's passphrase")

    with pytest.raises(WorldError) as caught:
        forked(secret)
    assert str(caught.value) == "ValueError in a world"
    with pytest.raises(WorldError, match="died"):
        forked(lambda: os._exit(3))


def test_the_kernel_counts_what_reaches_a_disk() -> None:
    disk = still.on_disk()
    assert disk is not None, "the proof needs a disk: this machine has none"
    before, path = still.written(None), disk / f"tyst-one-byte-{os.getpid()}"
    try:
        path.write_bytes(b"x")
        assert still.written(None) > before
    finally:
        path.unlink()
