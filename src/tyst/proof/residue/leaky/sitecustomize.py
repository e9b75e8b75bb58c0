"""Leaks, as careless changes would bring them: put around a real provider's doors when its processes start.

Python runs this file at the start of a process that has its folder on PYTHONPATH, which the residue check alone does:
no process of an honest provider ever meets it, and the product has no hook for it. `TYST_LEAKS` names the leaks,
`TYST_LEAK_STATE` the state folder. It imports nothing of the product. Counterpart: `proof.residue.leaks`, which
says what each is and where it must be found.
"""

import base64
import contextlib
import hashlib
import importlib.abc
import importlib.machinery
import io
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

STATE = Path(os.environ.get("TYST_LEAK_STATE", "/nonexistent"))
ON = frozenset(os.environ.get("TYST_LEAKS", "").split())
KEPT: list[Any] = []
_LOCK = threading.Lock()


class Visit:
    """What the site's door sees of one request."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.address = str(environ.get("REMOTE_ADDR", ""))
        self.agent = str(environ.get("HTTP_USER_AGENT", ""))
        self.path = f"{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}"
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        self.form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
        self.session = next((one.value for name, one in cookies.items() if "session" in name), "")


def append(name: str, text: str) -> None:
    """A line more in a file of the state folder."""
    with (STATE / name).open("a") as file:
        file.write(text + "\n")


def records(statement: str, *values: str, pragma: str = "secure_delete=on") -> None:
    """One statement in the provider's own database."""
    with contextlib.closing(sqlite3.connect(STATE / "records.sqlite3", timeout=20)) as base:
        base.execute(f"PRAGMA {pragma}")
        with base:
            base.execute(statement, values)


def access_log(visit: Visit) -> None:
    append("access.log", f'{visit.address} - - "{visit.path}"')


def updated_at(visit: Visit) -> None:
    """To the second. The table refuses anything but full hours; whoever does this has taken that away, too."""
    if "username" in visit.form:
        statement = "UPDATE account SET updated_at = datetime('now') WHERE username = ?"
        records(statement, visit.form["username"], pragma="ignore_check_constraints=on")


def a_table(visit: Visit) -> None:
    records("CREATE TABLE IF NOT EXISTS visit (address TEXT)")
    records("INSERT INTO visit VALUES (?)", visit.address)


def free_page(visit: Visit) -> None:
    """A row that was deleted, and stays in the file."""
    with contextlib.closing(sqlite3.connect(STATE / "records.sqlite3", timeout=20)) as base:
        base.execute("PRAGMA secure_delete=off")
        with base:
            base.execute("CREATE TABLE IF NOT EXISTS passing (agent TEXT)")
            base.execute("INSERT INTO passing VALUES (?)", (visit.agent,))
        with base:
            base.execute("DELETE FROM passing")


def wal(visit: Visit) -> None:
    """A cache in WAL mode: what was deleted stays in its -wal file."""
    if not any(isinstance(one, sqlite3.Connection) for one in KEPT):
        base = sqlite3.connect(STATE / "cache.sqlite3", check_same_thread=False, isolation_level=None)
        base.execute("PRAGMA journal_mode=wal")
        base.execute("CREATE TABLE IF NOT EXISTS seen (path TEXT)")
        KEPT.append(base)
    base = next(one for one in KEPT if isinstance(one, sqlite3.Connection))
    base.execute("INSERT INTO seen VALUES (?)", (visit.path,))
    base.execute("DELETE FROM seen")


def postgresql(*statements: str, value: str = "") -> None:
    """Statements in the provider's PostgreSQL, each in a transaction of its own."""
    import psycopg

    with psycopg.connect(os.environ["TYST_LEAK_DATABASE"], autocommit=True) as base:
        for statement in statements:
            base.execute(statement, (value,) if "%s" in statement else None)


def postgresql_table(visit: Visit) -> None:
    postgresql("CREATE TABLE IF NOT EXISTS visit (a text)", "INSERT INTO visit VALUES (%s)", value=visit.address)


def postgresql_deleted(visit: Visit) -> None:
    """Its bytes stay in the page, and in the write-ahead log."""
    table = "CREATE TABLE IF NOT EXISTS passing (a text)"
    postgresql(table, "INSERT INTO passing VALUES (%s)", "DELETE FROM passing", value=visit.agent)


def exception_text(visit: Visit) -> None:
    try:
        raise ValueError(f"{visit.agent} can't be parsed")
    except ValueError as error:
        append("error.log", f"ValueError: {error}")


def debug_print(visit: Visit) -> None:
    """To the stream that whoever started the process reads, past the fence."""
    for out in STATE.parent.glob("site.out"):
        with out.open("a") as stream:
            print("debug:", visit.form, file=stream)


def metric_label(visit: Visit) -> None:
    append("site.prom", f"requests_total{{agent={json.dumps(visit.agent)}}} 1")


def temp_file(visit: Visit) -> None:
    if visit.form:
        with tempfile.NamedTemporaryFile("w", prefix="form-", delete=False) as file:
            json.dump(visit.form, file)


def unlinked_file(visit: Visit) -> None:
    file = tempfile.TemporaryFile("w+")  # noqa: SIM115 - that it stays open is the leak
    file.write(visit.path)
    file.flush()
    KEPT.append(file)
    del KEPT[: -50 if len(KEPT) > 60 else 0]


def mail_spool(visit: Visit) -> None:
    if "email" in visit.form:
        (STATE / "spool").mkdir(exist_ok=True)
        append("spool/letter.eml", f"To: {visit.form['email']}")


def hashed_address(visit: Visit) -> None:
    append("visitors.txt", hashlib.sha256(visit.address.encode()).hexdigest())


def encoded_event(visit: Visit) -> None:
    event = json.dumps({"kind": "page", "path": visit.path}).encode()
    append("events.jsonl", base64.b64encode(event).decode())


def shell_history(visit: Visit) -> None:
    if "username" in visit.form:
        append(".bash_history", f"./tyst disclose {visit.form['username']}")


def file_name(visit: Visit) -> None:
    if "username" in visit.form:
        (STATE / "sessions").mkdir(exist_ok=True)
        (STATE / "sessions" / visit.form["username"]).touch()


def global_list(visit: Visit) -> None:
    REMEMBERED.append(f"{visit.address} was here")


def session_list(visit: Visit) -> None:
    SESSIONS.add(visit.session)


def child_arguments(visit: Visit) -> None:
    if "password" in visit.form and not CHILDREN:
        words = ["sh", "-c", "read line", "mailer", visit.form["password"]]
        CHILDREN.append(subprocess.Popen(words, stdin=subprocess.PIPE))


def address_cookie(visit: Visit) -> str:
    return f"last={base64.b64encode(visit.address.encode()).decode()}; Max-Age=31536000; Path=/"


def gate_key_list(asked: Any) -> None:
    OPENERS.append(bytes(asked.opener))


def gate_log(asked: Any) -> None:
    append("gate.log", f"admitted {bytes(asked.opener).hex()}")


REMEMBERED: list[str] = []
SESSIONS: set[str] = set()
CHILDREN: "list[subprocess.Popen[bytes]]" = []
OPENERS: list[bytes] = []

AT_THE_SITE: tuple[Callable[[Visit], None], ...] = (
    access_log, updated_at, a_table, free_page, wal, exception_text, debug_print, metric_label, temp_file,
    unlinked_file, mail_spool, hashed_address, encoded_event, shell_history, file_name, global_list, session_list,
    child_arguments, postgresql_table, postgresql_deleted,
)  # fmt: skip
AT_THE_GATE: tuple[Callable[[Any], None], ...] = (gate_key_list, gate_log)


def leaky_site(services: ModuleType) -> None:
    """The site's door, with whoever passes it noted."""
    honest = services.SiteHandler.__call__
    leaks = [leak for leak in AT_THE_SITE if leak.__name__ in ON]

    def door(handler: Any, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        visit = Visit(environ)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            extra = [("Set-Cookie", address_cookie(visit))] if "address_cookie" in ON else []
            return start_response(status, headers + extra, *more)

        answer = honest(handler, environ, start)
        with _LOCK:
            for leak in leaks:
                leak(visit)
        return answer

    services.SiteHandler.__call__ = door


def leaky_gate(door: ModuleType) -> None:
    """The gate's door, with each device noted."""
    leaks = [leak for leak in AT_THE_GATE if leak.__name__ in ON]
    decode = door.decode

    def decoded(body: bytes, form: Any) -> Any:
        asked = decode(body, form)
        for leak in leaks if hasattr(asked, "opener") else []:
            leak(asked)
        return asked

    door.decode = decoded  # type: ignore[attr-defined]


AT_THE_NODE = ("peer_kept", "flow_tracked", "query_log", "node_key_list", "node_log")


def leaky_wireguard(driver: ModuleType) -> None:
    """Peers that stay, and device keys that are remembered and written down."""
    honest = driver.UserspaceWireGuard.add_peer

    async def add_peer(wireguard: Any, public: bytes, *more: Any, **words: Any) -> None:
        if "node_key_list" in ON:
            OPENERS.append(bytes(public))
        if "node_log" in ON:
            with open("/tmp/admitted.log", "a") as file:  # noqa: S108, ASYNC230
                file.write(f"{public.hex()}\n")
        await honest(wireguard, public, *more, **words)

    async def remove_peers(*_: object) -> None:
        return None

    driver.UserspaceWireGuard.add_peer = add_peer
    if "peer_kept" in ON:
        driver.UserspaceWireGuard.remove_peers = remove_peers


def leaky_refresher(refresh: ModuleType) -> None:
    """A WireGuard that nobody uses is replaced, with whatever it remembers: for a peer that stays, not any more."""

    async def look(*_: object) -> None:
        return None

    if "peer_kept" in ON:
        refresh.Refresher.look = look


def leaky_resolver(dns: ModuleType) -> None:
    """unbound writes each question down."""
    if "query_log" in ON:
        silent = dns._SILENT.replace("log-queries: no", "log-queries: yes")
        dns._SILENT = silent.replace('logfile: ""', 'logfile: "/tmp/queries.log"')  # type: ignore[attr-defined]


def leaky_firewall(ruleset: ModuleType) -> None:
    """Connection tracking sees the tunnels' own packets."""
    honest = ruleset.Ruleset.text
    if "flow_tracked" in ON:
        ruleset.Ruleset.text = lambda *words, **more: honest(*words, **more).replace(" notrack", "")


DOORS = {
    "tyst.site.services": leaky_site,
    "tyst.gate.door": leaky_gate,
    "tyst.node.drivers.wireguard": leaky_wireguard,
    "tyst.node.refresh": leaky_refresher,
    "tyst.core.dns": leaky_resolver,
    "tyst.core.firewall.ruleset": leaky_firewall,
}


class After(importlib.abc.MetaPathFinder):
    """Changes a module right after it was loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name in DOORS else None
        if spec is None or spec.loader is None:
            return None
        honest = spec.loader.exec_module

        def load(module: ModuleType) -> None:
            honest(module)
            DOORS[name](module)

        spec.loader.exec_module = load  # type: ignore[method-assign]
        return spec


if ON:
    sys.meta_path.insert(0, After())
