"""A real PostgreSQL for tests: Debian's programs, a folder in RAM, a Unix socket and no network, gone afterwards.

`cluster()` starts one server for the process at its first use; `fresh()` gives a migrated, empty database of its own in
a few hundredths of a second; `looking_at(where)` turns this process's Django to it. The role that owns the databases is
no superuser. The server is set as docs/operate/postgresql.md says, but without fsync, and without autovacuum of the
server's own tables, which would write when it likes while a test counts bytes.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tyst.records.postgresql.settings import WANTED
from tyst.records.where import Server, Where, word

ROLE = "tyst"
TEMPLATE = "migrated"


def programs() -> Path:
    """The folder of Debian's newest PostgreSQL. A missing package fails the test that asks."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    assert found, "PostgreSQL is missing: tools/setup.sh --dev installs it"
    return found[-1].parent


def as_postgres(*words: str) -> list[str]:
    """A command as user postgres (it refuses root), that dies with the test's process."""
    if os.getuid() != 0:
        return list(words)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT", *words]


@dataclass
class Cluster:
    """One server. `log` is all that it ever wrote of what it did."""

    folder: Path
    process: "subprocess.Popen[bytes]"
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def log(self) -> Path:
        """Its standard error."""
        return self.folder / "log"

    def admin(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        """The superuser's connection, which is for the test alone."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)

    def server(self, name: str) -> Server:
        """A database of this server, as its owner reaches it."""
        return Server(f"postgresql://{ROLE}@/{name}?host={self.folder}")

    def empty(self, template: str = "template1") -> Server:
        """A new database, as the template is."""
        name = f"t{next(self.numbers)}"
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}")
        return self.server(name)

    def stop(self) -> None:
        """Ends the server and its folder."""
        self.process.terminate() if self.process.poll() is None else None
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def start(place: str = "/dev/shm", **more: str) -> Cluster:
    """A server of its own, for tests that set it otherwise (`more`) or look at all of it. Stop it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tyst-pg-", dir=place))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    init = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(
        as_postgres(str(programs() / "initdb"), "-D", str(folder / "data"), *init),
        check=True,
        capture_output=True,
        timeout=120,
        cwd="/",
    )
    settings = {
        **WANTED,
        "fsync": "off",
        "autovacuum": "off",
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "unix_socket_permissions": "0777",
        "max_connections": "260",
        "shared_buffers": "32MB",
        **more,
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        command = as_postgres(str(programs() / "postgres"), "-D", str(folder / "data"), *words)
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")
    made = Cluster(folder, process)
    _wait(made)
    with made.admin() as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN")
    return made


def _wait(made: Cluster) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            made.admin().close()
            return
        except psycopg.OperationalError:
            if made.process.poll() is not None or time.monotonic() > deadline:
                said = made.log.read_text()[-2000:]
                made.stop()
                raise AssertionError(f"PostgreSQL did not start: {said}") from None
            time.sleep(0.05)


@cache
def cluster() -> Cluster:
    """The server of this process."""
    made = start()
    atexit.register(made.stop)
    return made


@cache
def _template() -> str:
    from tyst.records.migrate import migrate

    with cluster().admin() as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER {ROLE}")
    migrate(cluster().server(TEMPLATE))
    return TEMPLATE


def fresh() -> Server:
    """A migrated, empty database of its own."""
    return cluster().empty(_template())


@contextmanager
def looking_at(where: Where) -> Iterator[None]:
    """Turns this process's Django to another database, and back. Threads that are running don't see it."""
    from django.db import connections

    from tyst.records.engine import database

    before = connections.settings["default"]
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = connections.configure_settings({"default": database(where)})["default"]
    try:
        yield
    finally:
        connections["default"].close()
        del connections["default"]
        connections.settings["default"] = before


def sql(where: Where, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """One statement as its owner, with `?` for values, on either engine; times come as text, nothing is vacuumed."""
    import sqlite3

    from tyst.records.postgresql.hand import Connection

    if isinstance(where, Server):
        connection = Connection(where)
        try:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()
    file = sqlite3.connect(word(where), timeout=10)
    try:
        with file:
            return file.execute(statement, values).fetchall()
    finally:
        file.close()
