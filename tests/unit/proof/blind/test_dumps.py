"""Dumps hold what they must: what lives in a room, in what order; what a process wrote since; and no more of the gate."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from tyst.core.keyring import SHARED, new_pair
from tyst.proof import blind_check
from tyst.proof.blind import dumping, live, memory


@dataclass
class Room:
    """Something with a bit of everything."""

    names: dict[str, bytes] = field(default_factory=dict)
    more: Any = None


def test_all_that_lives_in_a_room_is_in_its_memory_whatever_holds_it() -> None:
    def closed(value: bytes) -> Any:
        return lambda: value

    inside = [partial(print, b"in a partial"), closed(b"in a closure"), {b"in a set"}, IPv4Address("192.0.2.77")]
    text = memory.dump(Room({"a name": b"a value"}, inside))
    for value in (b"a name", b"a value", b"in a partial", b"in a closure", b"in a set", bytes([192, 0, 2, 77])):
        assert value in text, value


def test_neighbours_in_a_room_are_neighbours_in_its_memory() -> None:
    text = memory.dump(Room({f"name {n}": b"value %d" % n for n in range(50)}))
    assert all(abs(text.index(b"name %d" % n) - text.index(b"value %d" % n)) < 64 for n in range(10, 50))


def test_what_belongs_to_no_room_is_left_out() -> None:
    driver = Room({"driver": b"the truth"})
    assert b"the truth" in memory.dump(Room(more=driver))
    assert b"the truth" not in memory.dump(Room(more=driver), without=(driver,))


def test_a_dump_shows_the_sites_keys_and_zeros_for_the_gates_own() -> None:
    _, gate = new_pair(os.urandom)
    own = live._own(gate)
    shared = [key.secret for kind in SHARED for key in gate.seal[kind]]
    text = b"--".join([*own, *shared, gate.secrets["owner"]])
    cut = dumping.without(text, own)
    assert len(cut) == len(text) and not [one for one in own if one in cut]
    assert not [one for one in (*shared, gate.secrets["owner"]) if one not in cut]


def test_the_gates_key_files_are_no_part_of_any_dump(tmp_path: Path) -> None:
    for name in ("gate.keys", "gate.key", "site.keys"):
        (tmp_path / name).write_bytes(b"x")
    assert set(dumping.files(tmp_path)) == {"site.keys"}


def test_what_a_process_wrote_since_is_found_and_what_it_held_before_is_not() -> None:
    source = "before=bytes(range(256))*64; print('ready',flush=True); input(); since=bytes(range(255,-1,-1))*64; print('done',flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    room = live.Room("test", process)
    try:
        room.wait()
        room.remember()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        text = room.dump()
    finally:
        room.stop()
    assert bytes(range(255, -1, -1)) * 4 in text
    assert text.count(bytes(range(256)) * 16) == 0


def test_a_world_that_can_not_be_played_is_said(tmp_path: Path) -> None:
    with blind_check.player(blind_check.Place(tmp_path, blind_check.SQLITE)) as player:
        player.order(2, "no such weakness that")
        player.waiting[0].rmdir()
        (player.waiting[0]).write_text("a file where a folder must be")
        with pytest.raises(blind_check.BlindError):
            player.next()
