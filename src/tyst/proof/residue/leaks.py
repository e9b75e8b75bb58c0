"""The leaky changes that the residue check must catch: what each is, in words, and the one place and mark that show it.

`leaky/sitecustomize.py` puts them around the doors of real processes; here is what a person reads, and what the scan
must say for one to count as caught. No two have place and mark in common, so one run judges all of them, each by
itself. Counterpart: `residue_check`.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

POSTGRESQL = "file postgresql/"
"""How the scan calls the files of a PostgreSQL server's data directory."""
FOLDER = Path(__file__).parent / "leaky"


@dataclass(frozen=True, slots=True)
class Leak:
    """One change. `place`: what the scan calls where it shows (its beginning); `mark`: which of a visitor's values."""

    name: str
    what: str
    place: str
    mark: str


LEAKS = (
    Leak("access_log", "an access log", "file state/access.log", "address"),
    Leak("updated_at", "a column that is set to the moment of use", "file state/records.sqlite3", "moment"),
    Leak("a_table", "a table of visits in the database", "file state/records.sqlite3", "address"),
    Leak("free_page", "a row that was deleted but not overwritten", "file state/records.sqlite3", "agent"),
    Leak("wal", "a cache whose write-ahead log keeps deleted rows", "file state/cache.sqlite3-wal", "path"),
    Leak("exception_text", "an exception's text in an error log", "file state/error.log", "agent"),
    Leak("debug_print", "a debug print of a form", "file site.out", "password"),
    Leak("metric_label", "a metric with a label about the visitor", "file state/site.prom", "agent"),
    Leak("temp_file", "a temporary file that nobody removes", "file tmp/form-", "password"),
    Leak("unlinked_file", "a deleted file that a process holds open", "open file of site", "path"),
    Leak("mail_spool", "a letter in a mail spool", "file state/spool/letter.eml", "email"),
    Leak("hashed_address", "addresses hashed and called anonymous", "file state/visitors.txt", "address"),
    Leak("encoded_event", "an event in base64", "file state/events.jsonl", "path"),
    Leak("shell_history", "an operator's shell history", "file state/.bash_history", "username"),
    Leak("file_name", "a file called after who signed in", "names of files", "username"),
    Leak("global_list", "a list of visitors in a process's memory", "memory of site", "address"),
    Leak("session_list", "sessions that are remembered after they ended", "memory of site", "session"),
    Leak("child_arguments", "a value on the command line of another program", "arguments of sh", "password"),
    Leak("address_cookie", "a cookie that says where somebody came from", "visitors' cookies", "address"),
    Leak("gate_key_list", "device keys in a list at the gate", "memory of gate", "opener"),
    Leak("gate_log", "device keys in a log of the gate", "file state/gate.log", "opener"),
)

AT_POSTGRESQL = (
    Leak("postgresql_table", "a table of visits in PostgreSQL", POSTGRESQL, "address"),
    Leak("postgresql_deleted", "a row that was deleted from PostgreSQL", POSTGRESQL, "agent"),
)
AT_THE_NODE = (
    Leak("peer_kept", "a WireGuard peer that is not removed", "wg show all dump", "address4"),
    Leak("flow_tracked", "connection tracking of the tunnels' own packets", "conntrack -L -f ipv4", "address4"),
    Leak("query_log", "a resolver's log of questions", "/tmp/queries.log", "name1"),  # noqa: S108 - in the lab's host
    Leak("node_key_list", "device keys in a list at the node", "tyst node", "device_key"),
    Leak("node_log", "device keys in a log of the node", "/tmp/admitted.log", "device_key"),  # noqa: S108
)
WHILE_OPEN = frozenset({"flow_tracked"})
"""Judged while the tunnel is open: an honest node's kernel doesn't know her address then either."""


def prefix(leaks: Iterable[Leak]) -> tuple[str, ...]:
    """What stands before a node's command so that it starts with these."""
    names = " ".join(leak.name for leak in leaks)
    return ("env", f"PYTHONPATH={FOLDER}", f"TYST_LEAKS={names}")


@contextlib.contextmanager
def leaky(state: Path, temp: Path, names: Iterable[str] = (), database: str = "") -> Iterator[None]:
    """Processes that start while this is open have their temporary files there, and these leaks."""
    path = os.pathsep.join(filter(None, (str(FOLDER), os.environ.get("PYTHONPATH"))))
    on = {"PYTHONPATH": path, "TYST_LEAKS": " ".join(names), "TYST_LEAK_STATE": str(state)}
    on["TYST_LEAK_DATABASE"] = database
    before = dict(os.environ)
    os.environ.update({"TMPDIR": str(temp), **(on if on["TYST_LEAKS"] else {})})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
