"""Row 47: something that a customer did is written down after all: in a log, a journal, a temporary file, a RAM disk, the
free space of a disk, the kernel's ring buffer, or what a program prints.

The visitor of these tests used everything once and made mistakes too; then she deleted her account. By now every other
test has attacked the same rooms. Memory is row 54.
"""

import subprocess

import pytest

from tests.findings.visitor import IN_FILES, room_says
from tests.findings.world import NODE, OTHER, World
from tyst.core.residue_encodings import scan_set_of
from tyst.proof.engine import Engine
from tyst.proof.surfaces import machine_surfaces

pytestmark = pytest.mark.lab

ROOMS = ("control", NODE, OTHER)


def test_the_scan_finds_her_in_the_records_before_she_deletes_her_account(world: World) -> None:
    world.visitor.gone()
    found = world.visitor.account_seen
    assert {mark for _, mark in found} == {"phone.username"}, "her name, and nothing else of her"


@pytest.mark.parametrize("name", ROOMS)
def test_a_log_line_anywhere_in_a_room_would_be_found(world: World, name: str) -> None:
    host, line = world.lab[name], f"GET / {world.visitor.text('address4')} {world.visitor.text('username')}"
    for folder in ("/var/log", "/run", "/tmp", "/dev/shm"):
        host.run(["sh", "-c", f"mkdir -p {folder} && echo '{line}' > {folder}/findings.log"])
        try:
            found = world.visitor.seen(host, IN_FILES)
            assert {"phone.address4", "phone.username"} <= {mark for _, mark in found}, folder
        finally:
            host.run(["sh", "-c", f"shred -zu {folder}/findings.log"])


@pytest.mark.parametrize("name", ROOMS)
def test_nothing_of_her_is_in_any_file_of_our_rooms(world: World, name: str) -> None:
    world.visitor.gone()
    assert world.visitor.seen(world.lab[name], IN_FILES) == set()


def test_nothing_of_her_is_in_the_kernels_log(world: World) -> None:
    world.visitor.gone()
    engine = Engine(scan_set_of(world.visitor.marks))
    for surface in machine_surfaces():
        assert not engine.search(surface.open()).counted, surface.name


def test_no_room_ever_said_a_word_about_anybody(world: World) -> None:
    """After floods, garbage, races, wrong passwords and everything else in this folder."""
    rooms: dict[str, subprocess.Popen[str]] = {**world.provider.nodes}
    assert world.provider.gate and world.provider.site
    rooms |= {"gate": world.provider.gate, "site": world.provider.site}
    for name, process in rooms.items():
        assert process.poll() is None, f"{name} has ended"
        assert room_says(process) in ("", "ready\n"), name
