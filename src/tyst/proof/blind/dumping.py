"""Takes the dumps of one world for the attackers: all files, the rows as they lie, backups, and the rooms' memory.

What only the gate holds is left out: its key file, its part of a keyring, and the secret of its slot table. All else is
in: the site's own keys, those which site and gate share, certificates, the undo journal with its key.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyst.core.keyring import SHARED
from tyst.gate.room import Gate
from tyst.proof.blind import memory
from tyst.records.where import Server, Where

GATE_FILES = frozenset({"gate.keys", "gate.key"})
TABLES = ("account", "key_record")


@dataclass(frozen=True)
class World:
    """What is dumped. `data`: PostgreSQL's data directory; `rooms`: each room's root object; `apart`: what belongs to
    no room, though one refers to it."""

    state: Path
    where: Where
    rooms: Mapping[str, Any]
    gate: Gate
    apart: tuple[Any, ...] = ()
    data: str = ""


def write(folder: Path, world: World) -> None:
    """Writes `texts/` and `rows.json` into the folder."""
    own = secrets(world.gate)
    memories = {name: without(memory.dump(root, without=world.apart), own) for name, root in world.rooms.items()}
    write_texts(folder, world.state, world.where, memories, world.data)
    (folder / "public.json").write_text(json.dumps({"gate": world.gate.keys.hpke_public.hex()}))


def write_texts(folder: Path, state: Path, where: Where, memories: Mapping[str, bytes], data: str) -> None:
    """All but what is public."""
    texts = folder / "texts"
    texts.mkdir()
    (texts / "backup").write_bytes(backup(where, state))
    (texts / "journal of what was undone, opened").write_bytes(undone(state))
    for name, content in memories.items():
        (texts / f"memory of the {name}").write_bytes(content)
    for name, content in files(state).items():
        (texts / f"file {name}").write_bytes(content)
    rows, raw = of_server(where, data) if isinstance(where, Server) else (of_file(where), {})
    for name, content in raw.items():
        (texts / f"PostgreSQL's file of {name}").write_bytes(content)
    (folder / "rows.json").write_text(json.dumps(rows))


def files(state: Path) -> dict[str, bytes]:
    """Every file of the state folder but the gate's own keys."""
    found = sorted(path for path in state.rglob("*") if path.is_file() and path.name not in GATE_FILES)
    return {str(path.relative_to(state)).replace("/", " "): path.read_bytes() for path in found}


def secrets(gate: Gate) -> list[bytes]:
    """What only the gate holds."""
    ring = gate.keys
    own = [key.secret for kind, keys in ring.seal.items() if kind not in SHARED for key in keys]
    return [*own, *ring.hpke, gate.slot_secret, *(value for name, value in ring.secrets.items() if name != "owner")]


def without(text: bytes, gone: list[bytes]) -> bytes:
    """A dump in which these are zeros."""
    for one in gone:
        text = text.replace(one, bytes(len(one)))
    return text


def undone(state: Path) -> bytes:
    """The journal's slots as whoever has its key reads them."""
    from tyst.records.undone import of_state

    entries = of_state(state).entries()
    return b"".join(bytes([one.kind]) + str(one.day).encode() + one.who + one.value + bytes(8) for one in entries)


def backup(where: Where, state: Path) -> bytes:
    """A backup as whoever has its key reads it. Its files are dumped as they are; the gate's keys among them aren't."""
    from tyst.records.backup import content

    return b"".join(content.content(where, state, files=False))


def of_file(path: Path) -> dict[str, list[Any]]:
    """SQLite's rows, as a query without an order gives them, and their numbers where they have any."""
    rows: dict[str, list[Any]] = {}
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        for table in TABLES:
            (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            numbered = "WITHOUT ROWID" not in made
            names = [one[1] for one in connection.execute(f"PRAGMA table_info({table})")]
            number = "rowid" if numbered else "NULL"
            query = f"SELECT {number}, {', '.join(names)} FROM {table}"  # noqa: S608 - our own words
            rows[table] = [
                [[] if line[0] is None else [line[0]], None, dict(zip(names, map(_hex, line[1:]), strict=True))]
                for line in connection.execute(query)
            ]
    return rows


def of_server(server: Server, data: str) -> tuple[dict[str, list[Any]], dict[str, bytes]]:
    """PostgreSQL's rows with place and transaction, and the files that they lie in."""
    import psycopg
    from psycopg import sql

    from tyst.records.postgresql import session

    rows: dict[str, list[Any]] = {}
    raw: dict[str, bytes] = {}
    with session.connect(server) as connection:
        for table in TABLES:
            query = sql.SQL("SELECT ctid::text, xmin::text::bigint, t.* FROM {} t").format(sql.Identifier(table))
            cursor = psycopg.Cursor(connection).execute(query)
            names = [column.name for column in cursor.description or ()][2:]
            rows[table] = [
                [
                    list(map(int, line[0].strip("()").split(","))),
                    line[1],
                    dict(zip(names, map(_hex, line[2:]), strict=True)),
                ]
                for line in cursor
            ]
            where = psycopg.Cursor(connection).execute("SELECT pg_relation_filepath(%s::regclass)", (table,)).fetchone()
            if data and where is not None:
                raw[table] = (Path(data) / where[0]).read_bytes()
    return rows, raw


def _hex(value: Any) -> str:
    if value is None:
        return ""
    return value.hex() if isinstance(value, bytes) else str(value).encode().hex()
