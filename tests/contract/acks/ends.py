"""Ends of processes and of the power, again and again.

usage: python -m tests.contract.acks.ends kill sqlite|postgresql TIMES FOLDER
       python -m tests.contract.acks.ends power sqlite|postgresql TIMES FOLDER [safe|careless]

`kill`: SIGKILL to the writer (SQLite), or to all of the server (PostgreSQL). `power`: everything stands still, and what
the block device holds at that moment is copied and mounted, as after a power failure: what was only in the kernel's
page cache is gone. (Needs root and a mount namespace of its own.) `careless`: without the syncs, to see that it is
noticed. Prints a JSON line.
"""

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.contract.acks.writer import DOORS, Tally, fork
from tyst.lab import disk, linux
from tyst.proof.worlds import cluster
from tyst.proof.worlds.cluster import Cluster
from tyst.records.migrate import configure, migrate
from tyst.records.where import Where

PATIENCE = 30
LONGEST_MS = 25
IMAGE = {"sqlite": 24 << 20, "postgresql": 320 << 20}


def main(mode: str, engine: str, times: int, folder: Path, care: str = "safe") -> int:
    """Does it."""
    tally = Tally()
    if mode == "kill":
        _kills(engine, times, folder, tally)
    else:
        _power(engine, times, folder, tally, care == "careless")
    found = asdict(tally)
    del found["known"]
    print(json.dumps(found))
    return 0


def _kills(engine: str, times: int, folder: Path, tally: Tally) -> None:
    server = cluster.start(folder, fsync="on") if engine == "postgresql" else None
    where: Where = _database(folder, server)
    try:
        for number in range(times):
            child, pipe = fork(where, DOORS[number % 2])
            said = _first(pipe)
            time.sleep(random.uniform(0, LONGEST_MS / 1000))
            if server is None:
                os.kill(child, signal.SIGKILL)
            else:
                _crash(server)
            said += _rest(pipe, child)
            if server is not None:
                server = _again(server)
            tally.check(where, said)
    finally:
        if server is not None:
            server.stop()


def _database(folder: Path, server: Cluster | None) -> Where:
    where: Where = folder / "records.sqlite3" if server is None else server.make("acks")
    configure(where)
    migrate(where)
    return where


def _first(pipe: int) -> bytes:
    """Until the writer has acknowledged something."""
    if not select.select([pipe], [], [], PATIENCE)[0]:
        raise SystemExit("the writer writes nothing")
    return os.read(pipe, 1 << 16)


def _rest(pipe: int, child: int) -> bytes:
    """What it had acknowledged besides; it has ended, or does so now."""
    parts = []
    while part := os.read(pipe, 1 << 16):
        parts.append(part)
    os.close(pipe)
    os.waitpid(child, 0)
    return b"".join(parts)


def _processes(server: Cluster) -> list[int]:
    leader = server.process.pid
    return [leader, *map(int, Path(f"/proc/{leader}/task/{leader}/children").read_text().split())]


def _crash(server: Cluster) -> None:
    _signal(_processes(server), signal.SIGKILL)
    server.process.wait(PATIENCE)


def _again(server: Cluster) -> Cluster:
    """The server over the same folder, which it mends by its log."""
    programs = cluster.programs()
    assert programs is not None
    deadline = time.monotonic() + PATIENCE
    while True:
        for stale in [server.folder / "data" / "postmaster.pid", *server.folder.glob(".s.PGSQL*")]:
            stale.unlink(missing_ok=True)
        one = Cluster(server.folder, cluster._started(programs, server.folder, {"fsync": "on"}))
        try:
            cluster._wait(one)
            return one
        except cluster.ClusterError:  # processes of the one before still hold its shared memory
            if time.monotonic() > deadline:
                raise


# --- the power ------------------------------------------------------------------------------------------------------


def _power(engine: str, times: int, folder: Path, tally: Tally, careless: bool) -> None:
    image, live, after = folder / "image", folder / "live", folder / "after"
    live.mkdir()
    after.mkdir()
    disk.make_image(image, IMAGE[engine])
    disk.mount_image(image, live, "acks")
    live.chmod(0o755)
    server = cluster.start(live, fsync="off" if careless else "on") if engine == "postgresql" else None
    where = _database(live, server)
    os.sync()
    prepare = _careless if careless else lambda: None
    try:
        for number in range(times):
            child, pipe = fork(where, "gate" if careless else DOORS[number % 2], prepare)
            said = _first(pipe)
            time.sleep(random.uniform(0, LONGEST_MS / 1000))
            still = [child, *(_processes(server) if server is not None else [])]
            _signal(still, signal.SIGSTOP)
            subprocess.run(["cp", "--sparse=always", str(image), str(folder / "cut")], check=True, timeout=PATIENCE)
            os.kill(child, signal.SIGKILL)
            _signal(still[1:], signal.SIGCONT)
            said += _rest(pipe, child)
            _mend(folder / "cut", after, server, tally, said)
    finally:
        if server is not None:
            server.stop()
        linux.unmount(str(live))


def _signal(pids: list[int], what: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # one of the server's that has just ended
            os.kill(pid, what)


def _careless() -> None:
    """The gate's hand without syncs; PostgreSQL's are off by its own setting."""
    from tyst.records.sqlite import hand

    fast: Any = tuple(one.replace("synchronous=FULL", "synchronous=OFF") for one in hand._PRAGMAS)
    hand._PRAGMAS = fast


def _mend(cut: Path, after: Path, server: Cluster | None, tally: Tally, said: bytes) -> None:
    """The machine starts again: the file system and the database mend themselves."""
    disk.mount_image(cut, after, "cut")
    try:
        if server is None:
            tally.check(after / "records.sqlite3", said)
        else:
            _mended(Cluster(after / server.folder.name, server.process), tally, said)
    finally:
        linux.unmount(str(after))
        cut.unlink()


def _mended(copy: Cluster, tally: Tally, said: bytes) -> None:
    try:
        one = _again(copy)
    except cluster.ClusterError:
        tally.ends, tally.broken = tally.ends + 1, tally.broken + 1
        return
    try:
        tally.check(one.server("acks"), said)
    finally:
        one.stop()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:]))
