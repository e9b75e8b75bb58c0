"""Puts a backup back: everything is prepared beside what is there, and changes places in one moment.

While the folder `restoring` is in the state folder no door starts. In it stand the new keys and, with SQLite, the new
file of records, with everything undone since already undone in it. The moment: for SQLite the file `ready`, for
PostgreSQL the commit of the transaction that put the rows in, which leaves this restore's number as a comment on the
table `account`. Stopped before that, `finish` throws the preparations away and the old is there; stopped after it,
`finish` puts the rest in place and the new is there. Needs Django's migrations for a new file, and nothing else of it.
"""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import msgspec
import psycopg

from tyst.core import archive, keyring
from tyst.core.archive import ArchiveError, Opener
from tyst.core.owner import OWNER
from tyst.core.seal import Kind, SealKey
from tyst.records import undone
from tyst.records.backup import keys, making
from tyst.records.backup.content import Item
from tyst.records.backup.loading import into_file, into_server
from tyst.records.backup.replay import Replayed, When, replay
from tyst.records.errors import in_our_words
from tyst.records.migrate import migrate
from tyst.records.postgresql import session
from tyst.records.postgresql.hand import Connection
from tyst.records.postgresql.shuffle import shuffled
from tyst.records.sqlite.hand import Hand as SqliteHand
from tyst.records.undone import Undone
from tyst.records.where import FILE as CHOICE
from tyst.records.where import SQLITE, STAGE, Server, Where, as_toml, written_down

READY, NUMBER, PLACED = "ready", "number", "files"
RENEWED = (Kind.SESSION, Kind.REMEMBER, Kind.CHALLENGE, Kind.RESET, Kind.CONFIRM, Kind.ENROLMENT)
"""Whose keys are made anew: what was signed out, asked for or handed out before the restore opens nothing after it."""
_NO_JOURNAL = (
    "the journal of what was undone since the backup isn't here, and without it deleted accounts come back: "
    "give --shelf or --undone, or say --without-undone if it is lost (docs/operate/backup.md)"
)
_COMMENT = "SELECT obj_description('account'::regclass, 'pg_class')"


@dataclass(frozen=True)
class Plan:
    """What the operator wants. `journals`: copies of other hosts' journals; `without`: there is none, and she knows."""

    state: Path
    where: Where
    backup: Path
    opener: Opener = field(repr=False)
    shelf: Path | None = None
    journals: Sequence[Path] = ()
    without: bool = False


def restore(plan: Plan, now: datetime) -> Replayed:
    """Puts it back, whole. The caller holds `doors.alone`. ArchiveError, UndoneError, RecordsError: nothing changed."""
    finish(plan.state, plan.where)
    today = undone.today_of(now)
    shelved = making.read_shelf(plan.shelf, plan.opener, today) if plan.shelf else {}
    files = {item[1]: item[2] for item in _items(plan, shelved, today) if item[0] == "file"}  # all of it, once
    stage = plan.state / STAGE
    stage.mkdir(mode=0o700)
    try:
        journals = _prepare(plan, stage, {**files, **shelved}, now)
        done = _put(plan, stage, journals, _items(plan, shelved, today), now)
    except BaseException:
        finish(plan.state, plan.where)
        raise
    finish(plan.state, plan.where)
    return done


def finish(state: Path, where: Where) -> bool:
    """Ends a restore that was broken off: with the new where its moment was over, with the old otherwise.

    Whether the new is in place now; False, too, when there was nothing to end. Safe to run again.
    """
    stage, gone = state / STAGE, state / f"{STAGE}.gone"
    shutil.rmtree(gone, ignore_errors=True)
    if not stage.exists():
        return False
    done = _decided(stage, where)
    if done:
        _place(stage, state)
        _tidied(where)
    stage.rename(gone)
    _sync(state)
    shutil.rmtree(gone)
    return done


def _items(plan: Plan, shelved: dict[str, bytes], today: date) -> Iterator[Item]:
    found = keys.read_day_keys(plan.state).all
    if keys.DAY_KEYS in shelved:
        found = (*found, *keys.day_keys_of(shelved[keys.DAY_KEYS]).all)
    return making.opened(plan.backup, plan.opener, found, today)


def _prepare(plan: Plan, stage: Path, files: dict[str, bytes], now: datetime) -> list[Undone]:
    """The state folder's new files in the stage, and the journals to be replayed. What is there stays as it is."""
    placed = stage / PLACED
    for name, text in files.items():
        if name == keys.DAY_KEYS:
            _stage(placed, name, _merged_day_keys(plan.state, text))
        elif not (plan.state / name).exists():
            _stage(placed, name, text)
    if isinstance(plan.where, Server) and not (plan.state / CHOICE).exists():
        _stage(placed, CHOICE, as_toml(plan.where).encode())
    for room in ("site", "gate"):
        if (found := _newest(plan.state, files, f"{room}.keys")) is not None:
            _stage(placed, f"{room}.keys", found)
    _renew(placed)
    return _journals(plan, stage, files)


def _journals(plan: Plan, stage: Path, files: dict[str, bytes]) -> list[Undone]:
    """This folder's own journal, the shelf's and those that were given, each as a copy in the stage."""
    own = plan.state / undone.FILE
    texts = [own.read_bytes()] if own.exists() else []
    texts += [files[undone.FILE]] if undone.FILE in files else []
    texts += [path.read_bytes() for path in plan.journals]
    key = _newest(plan.state, files, undone.KEY_FILE)
    if (not texts or key is None) and not plan.without:
        raise ArchiveError(_NO_JOURNAL)
    found = []
    for number, text in enumerate(texts if key is not None else ()):
        path = stage / f"undone.{number}"
        path.write_bytes(text)
        found.append(Undone(path, key or b""))
    return found


def _newest(state: Path, files: dict[str, bytes], name: str) -> bytes | None:
    """The state folder's own file, or the backup's where there is none."""
    return (state / name).read_bytes() if (state / name).exists() else files.get(name)


def _merged_day_keys(state: Path, shelved: bytes) -> bytes:
    merged = {**keys.day_keys_of(shelved).by_day, **keys.read_day_keys(state).by_day}
    return msgspec.json.encode(dict(sorted(merged.items())))


def _renew(placed: Path) -> None:
    """New session keys, the same in both rooms; the old ones open nothing."""
    fresh = {kind: secrets.token_bytes(archive.KEY_BYTES) for kind in RENEWED}
    for room in ("site", "gate"):
        path = placed / f"{room}.keys"
        if not path.exists():
            continue
        ring = keyring.from_text(path.read_bytes(), room=room)
        for kind in RENEWED:
            if kind in ring.seal:
                ring = replace(ring, seal={**ring.seal, kind: (SealKey(fresh[kind]),)})
        _stage(placed, f"{room}.keys", keyring.to_text(ring).encode())


def _put(plan: Plan, stage: Path, journals: list[Undone], items: Iterator[Item], now: datetime) -> Replayed:
    """The records: up to and including the moment."""
    owners = _owners(stage, plan.state)
    when = When(making.day_of(plan.backup) or date.min, now)
    act = _put_in_server if isinstance(plan.where, Server) else _put_in_file
    return act(plan, stage, items, lambda writer: replay(writer, journals, owners, when))


def _owners(stage: Path, state: Path) -> bytes:
    """The key by which a deleted account's public address is found. ArchiveError when no room's keys are here."""
    for room in ("site", "gate"):
        path = stage / PLACED / f"{room}.keys"
        if path.exists():
            return keyring.from_text(path.read_bytes(), room=room).secrets[OWNER]
    raise ArchiveError("there are no keys: neither in the state folder nor in the backup")


Replay = Callable[["sqlite3.Connection | Connection"], Replayed]


def _put_in_file(plan: Plan, stage: Path, items: Iterator[Item], again: Replay) -> Replayed:
    path = stage / SQLITE
    migrate(path)
    with in_our_words(), SqliteHand(path).writing() as writer:
        writer.execute("PRAGMA defer_foreign_keys=ON")
        into_file(writer, items)
        done = again(writer)
        if writer.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise ArchiveError(archive.DAMAGED)
    _sync_file(path)
    _stage(stage, READY, b"")
    _sync(stage)
    return done


def _put_in_server(plan: Plan, stage: Path, items: Iterator[Item], again: Replay) -> Replayed:
    assert isinstance(plan.where, Server)
    number = secrets.token_hex(16)
    _stage(stage, NUMBER, number.encode())
    _sync(stage)
    migrate(plan.where)
    with closing(Connection(plan.where)) as writer:
        try:
            writer.execute("BEGIN")
            into_server(writer.real, items)
            done = again(writer)
            writer.execute(f"COMMENT ON TABLE account IS 'restored {number}'")
            writer.execute("COMMIT")
        except psycopg.Error as error:
            failed = session.failure(error)
        else:
            return done
    raise failed


def _decided(stage: Path, where: Where) -> bool:
    """Whether the moment is over."""
    if not isinstance(where, Server) and (stage / PLACED / CHOICE).exists():
        where = written_down(stage / PLACED)  # it stops being a plan when it is placed
    if not isinstance(where, Server):
        return (stage / READY).exists()
    if not (stage / NUMBER).exists():
        return False
    with closing(Connection(where, reading=True)) as reader:
        found = reader.execute("SELECT to_regclass('account')").fetchone()
        if found is None or found[0] is None:
            return False
        row = reader.execute(_COMMENT).fetchone()
    return row is not None and row[0] == f"restored {(stage / NUMBER).read_text()}"


def _place(stage: Path, state: Path) -> None:
    """Moves what was prepared into place. What is in place already isn't in the stage any more."""
    if (stage / SQLITE).exists():
        (state / f"{SQLITE}-journal").unlink(missing_ok=True)  # it belongs to the old file
        with _overwritten(state / SQLITE):
            (stage / SQLITE).replace(state / SQLITE)
    for path in sorted((stage / PLACED).rglob("*")) if (stage / PLACED).exists() else ():
        if path.is_file():
            to = state / path.relative_to(stage / PLACED)
            to.parent.mkdir(parents=True, exist_ok=True)
            with _overwritten(to):
                path.replace(to)
    _sync(state)


def _tidied(where: Where) -> None:
    """PostgreSQL keeps the rows that were put in and taken out again until its tables are written anew."""
    if isinstance(where, Server):
        shuffled(where)


@contextmanager
def _overwritten(path: Path) -> Iterator[None]:
    """What a file held is overwritten, after another one has taken its place."""
    old = os.open(path, os.O_WRONLY) if path.exists() else -1
    try:
        yield
        if old >= 0:
            making.overwrite(old)
    finally:
        if old >= 0:
            os.close(old)


def _stage(folder: Path, name: str, text: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    """A folder's names are on the disk (fsync(2))."""
    _sync_file(folder)
