"""`./tyst fleet database`: looking after a PostgreSQL: settings, check, tables, the nightly rewrite, a dump.

On SQLite there is nothing to do but `migrate`; backups of the file are the operator's. docs/operate/postgresql.md.
"""

import argparse
import sys
from collections.abc import Callable

from tyst.records.errors import RecordsError
from tyst.records.where import Server, chosen

_MEANINGS = {
    "settings": "print the server's settings, for a file that postgresql.conf includes",
    "check": "say what is set otherwise at the running server",
    "migrate": "bring the tables to this version's; on an empty database make them",
    "shuffle": "rewrite what is keyed by secrets now, as `tyst jobs` does nightly",
    "dump": "write a backup to standard output: SQL for psql, ordered by key",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The action's words."""
    listed = "; ".join(f"{word}: {meaning}" for word, meaning in _MEANINGS.items())
    parser.add_argument("what", choices=tuple(_MEANINGS), help=listed)


def run(args: argparse.Namespace) -> int:
    """Does it; raises RecordsError."""
    from tyst.records.migrate import migrate
    from tyst.records.postgresql import settings

    if args.what == "settings":
        print(settings.text(), end="")
        return 0
    where = chosen(args.state)
    if args.what == "migrate":
        migrate(where)
        return 0
    if not isinstance(where, Server):
        raise RecordsError("the records are in a SQLite file: only `migrate` is for it")
    return _ACTIONS[args.what](where)


def _check(server: Server) -> int:
    from tyst.records.postgresql import session, settings

    with session.connect(server, reading=True) as connection:
        faults = settings.faults(connection)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def _shuffle(server: Server) -> int:
    from tyst.records.postgresql.shuffle import shuffled

    shuffled(server)
    return 0


def _dump(server: Server) -> int:
    from tyst.records.postgresql.dump import dump

    dump(server, sys.stdout.buffer)
    return 0


_ACTIONS: dict[str, Callable[[Server], int]] = {"check": _check, "shuffle": _shuffle, "dump": _dump}
