"""How fast the residue scan reads files, beside reading the same bytes alone; and that it finds what was planted.

The files are those of this machine, so that the automaton meets what real files hold: programs, libraries, texts,
tables. They are read once before, so that the disk plays no part.
"""

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from tests.bench.figures import Figure, figure
from tests.bench.machine import compare
from tyst.core.residue_encodings import encodings, scan_set_of
from tyst.lab.topology import NETWORKS
from tyst.proof.engine import BLOCK, Engine
from tyst.proof.marks import Places, Seed, draw_seed
from tyst.proof.sources import FileSource, SourceGone

ENOUGH = 192 << 20
SMALLEST = 64 << 10
PLACES = ("/usr/lib", "/usr/share", "/usr/bin")
TARGET = 1.0
PLANTED = 4 << 20


def bench() -> list[Figure]:
    """GB per CPU second over this machine's files, and the share of planted values that were found."""
    access = NETWORKS["access"]
    seed = draw_seed(("bob",), Places(IPv4Network(access.ipv4), IPv6Network(access.ipv6)))
    engine = Engine(scan_set_of(seed.all))
    files = list(_files())
    speed = compare(lambda: _scanned(engine, files), lambda: _read(files), rounds=5)
    found, planted = _recall(engine, seed)
    return [
        figure(
            "residue scan",
            speed.value,
            "GB/s/core",
            speed.yardstick,
            ratio=speed.ratio,
            reaches=f"{TARGET} GB/s/core",
            holds=speed.value >= TARGET,
        ),
        figure(
            "residue recall", found, "forms found", planted, reaches="every planted form", holds=found == planted > 0
        ),
    ]


def _files() -> Iterator[Path]:
    """Files of this machine until there are enough bytes, always the same ones in the same order."""
    left = ENOUGH
    for place in PLACES:
        share = left if place == PLACES[-1] else ENOUGH // len(PLACES)
        for folder, folders, names in os.walk(place):
            folders.sort()
            for path in (Path(folder, name) for name in sorted(names)):
                if share > 0 and not path.is_symlink() and path.is_file() and path.stat().st_size >= SMALLEST:
                    size = path.stat().st_size
                    share, left = share - size, left - size
                    yield path


def _scanned(engine: Engine, files: list[Path]) -> float:
    searched, spent = 0, 0.0
    for path in files:
        tally = engine.search(FileSource(path))
        searched, spent = searched + tally.searched, spent + tally.cpu_seconds
    return searched / spent / 1e9


def _read(files: list[Path]) -> float:
    """The same bytes into a buffer as large as the engine's, with nobody looking at them."""
    buffer = memoryview(bytearray(BLOCK))
    done, began = 0, time.thread_time()
    for path in files:
        with FileSource(path) as source:
            for low, high in source.runs():
                for position in range(low, high, BLOCK):
                    done += source.read_into(position, buffer[: min(BLOCK, high - position)])
    return done / (time.thread_time() - began) / 1e9


def _recall(engine: Engine, seed: Seed) -> tuple[int, int]:
    """(found, planted): each form of each mark, once, in random bytes on tmpfs, witnesses of weak forms among them."""
    forms = [form for mark in seed.marks for form in encodings(mark).values()]
    content = b"\n".join(b"%s\n%s\n" % (secrets.token_bytes(64), form) for form in forms)
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.write(secrets.token_bytes(PLANTED) + content)
        file.flush()
        try:
            tally = engine.search(FileSource(Path(file.name)))
        except SourceGone as error:
            raise AssertionError("the planted file vanished") from error
    wanted = {pattern.index for pattern in engine.scan_set.patterns if not pattern.mark.decoy}
    return len(wanted & {*tally.counted, *tally.unwitnessed}), len(wanted)
