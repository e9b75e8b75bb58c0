"""A provider whose records can be lost: a state folder, its database on either engine, and an operator with a key."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.postgres import fresh, looking_at
from tests.unit.django_once import database_path
from tyst.core import keyring
from tyst.records.where import SQLITE, Server, Where, as_toml

NOW = datetime(2026, 11, 24, 9, 5, tzinfo=UTC)
ENGINES = ("sqlite", "postgresql")


@dataclass
class Keeper:
    """One provider. `now` is turned by hand."""

    state: Path
    where: Where
    now: datetime = NOW
    thorough: bool = False
    """Whether PostgreSQL's files are written anew after a restore, as always outside of tests: it takes a while."""

    @property
    def recovery(self) -> Path:
        return self.state.parent / "recovery.key"

    def later(self, **words: float) -> None:
        """Time passes."""
        self.now += timedelta(**words)

    def backup(self, name: str = "one.backup") -> Path:
        """Makes one, for the recovery key."""
        from tyst.records.backup import keys, making

        path = self.state.parent / name
        making.make(self.state, self.where, path, keys.locker(self.state, None), self.now.date())
        return path

    def shelve(self) -> Path:
        """Writes the shelf."""
        from tyst.records.backup import keys, making

        path = self.state.parent / "tyst.shelf"
        making.shelve(self.state, path, keys.locker(self.state, None), self.now.date())
        return path

    def plan(self, backup: Path, **more: Any) -> Any:
        """What the operator wants."""
        from tyst.records.backup import keys, restoring

        opener = keys.opener(self.state, self.recovery, None)
        return restoring.Plan(self.state, self.where, backup, opener, **more)

    def restore(self, backup: Path, **more: Any) -> Any:
        """Puts it back, as the command does. What Django had open is closed."""
        from django.db import connection

        from tyst.records.backup import restoring

        connection.close()
        with ExitStack() as stack:
            if not self.thorough:
                stack.enter_context(patch.object(restoring, "shuffled", lambda server: None))
            return restoring.restore(self.plan(backup, **more), self.now)

    def site_keys(self) -> keyring.Keyring:
        """The site's keys as they are now."""
        return keyring.from_text((self.state / "site.keys").read_bytes(), room="site")


@contextmanager
def kept(folder: Path, engine: str) -> Iterator[Keeper]:
    """A provider in this folder; Django looks at its records, and this process's journal is its own."""
    from tyst.records import undone
    from tyst.records.backup import keys

    state = folder / "state"
    state.mkdir()
    site, gate = keyring.new_pair(os.urandom)
    for ring in (site, gate):
        (state / f"{ring.room}.keys").write_text(keyring.to_text(ring))
    where = database(state, engine)
    keys.make_recovery_key(state, folder / "recovery.key")
    with looking_at(where), noting(state):
        yield Keeper(state, where)
    assert isinstance(undone.current(), undone.Nowhere)


def database(state: Path, engine: str) -> Where:
    """Migrated, empty records."""
    if engine == "postgresql":
        where: Where = fresh()
        assert isinstance(where, Server)
        (state / "database.toml").write_text(as_toml(where))
        return where
    new_file(state / SQLITE)
    return state / SQLITE


def new_file(path: Any) -> None:
    """In place of `migrate` where a test restores many times: a copy of a file that was migrated once."""
    if not isinstance(path, Server):
        shutil.copyfile(_template(), path)


@cache
def _template() -> Path:
    from tyst.records.migrate import migrate

    database_path()
    folder = Path(tempfile.mkdtemp(prefix="tyst-keeper-", dir="/dev/shm"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrate(folder / "migrated")
    return folder / "migrated"


@contextmanager
def noting(state: Path) -> Iterator[None]:
    """This process's journal is this state folder's."""
    from tyst.records import undone

    undone.use(state)
    try:
        yield
    finally:
        undone.leave()


def make(name: str, handle: bytes, **more: Any) -> Any:
    """An account, made in NOW's hour, with more of its columns set."""
    from tests.unit.records.people import PHC
    from tyst.records import accounts
    from tyst.records.models import Account

    words = {"country": "se", "language": "sv", "currency": "SEK", "now": NOW, "password": PHC}
    accounts.create(handle=handle, username=name, **words)  # type: ignore[arg-type]
    if more:
        Account.objects.filter(handle=handle).update(**more)
    return Account.objects.get(handle=handle)
