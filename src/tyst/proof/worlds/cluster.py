"""A PostgreSQL server of a proof's own: Debian's programs, one folder, a Unix socket, no network, gone afterwards.

It is set as docs/operate/postgresql.md says; the owner of the databases is no superuser. Autovacuum is off altogether:
it would write in the server's own tables when it likes, while a proof counts bytes. (Ours have it off anyway.)
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tyst.records.postgresql.settings import WANTED
from tyst.records.where import Server

ROLE = "tyst"
_PATIENCE = 60


class ClusterError(Exception):
    """PostgreSQL is missing here, or does not start. Says what to do."""


def programs() -> Path | None:
    """The folder of Debian's newest PostgreSQL, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@dataclass
class Cluster:
    """One server."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    def server(self, name: str) -> Server:
        """A database of it, as the product reaches it."""
        return Server(f"postgresql://{ROLE}@/{name}?host={self.folder}")

    @contextmanager
    def admin(self, database: str = "postgres") -> Iterator["psycopg.Connection[Any]"]:
        """The superuser's hand, which is for the proof alone."""
        folder = str(self.folder)
        with psycopg.connect(host=folder, user="postgres", dbname=database, autocommit=True) as connection:
            yield connection

    def make(self, name: str, template: str = "template1") -> Server:
        """A database, as the template is; one that is there already is thrown away first."""
        with self.admin() as connection:
            words = (sql.Identifier(name), sql.Identifier(ROLE), sql.Identifier(template))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(words[0]))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*words))
        return self.server(name)

    def stop(self) -> None:
        """Ends it and its folder."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def start(place: Path, **more: str) -> Cluster:
    """A running server below this folder. ClusterError."""
    programs_ = programs()
    if programs_ is None:
        raise ClusterError("PostgreSQL isn't installed here: Debian's package is called postgresql")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir=place))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    words = ["-D", str(folder / "data"), "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"]
    made = [*_as_postgres(programs_ / "initdb"), *words, "--no-sync"]
    if subprocess.run(made, capture_output=True, timeout=120, cwd="/", check=False).returncode:
        raise ClusterError("PostgreSQL can't make its folder: is it whole, and may user postgres write there?")
    one = Cluster(folder, _started(programs_, folder, more))
    try:
        _wait(one)
        with one.admin() as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
    except BaseException:
        one.stop()
        raise
    return one


def _started(programs_: Path, folder: Path, more: dict[str, str]) -> "subprocess.Popen[bytes]":
    settings = {**WANTED, "autovacuum": "off", "fsync": "off", "listen_addresses": "", "shared_buffers": "32MB"}
    settings |= {"unix_socket_directories": str(folder), "unix_socket_permissions": "0777", **more}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [*_as_postgres(programs_ / "postgres"), "-D", str(folder / "data"), *words]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, cwd="/")


def _as_postgres(program: Path) -> list[str]:
    """As user postgres (the server refuses root), and dying with us."""
    if os.getuid() != 0:
        return [str(program)]
    return [
        *("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT"),
        str(program),
    ]


def _wait(one: Cluster) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with one.admin():
                return
        except psycopg.OperationalError:
            if one.process.poll() is not None or time.monotonic() > deadline:
                raise ClusterError("PostgreSQL does not start here") from None
            time.sleep(0.02)
