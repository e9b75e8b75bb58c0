"""The weaknesses that the proof plants: each is a mistake that a provider makes, and each must be found.

Planted from outside, by changing one function of a running room or the tables of one world; the product has no switch
for any of them.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tyst.core.tokens import Lease, open_token
from tyst.gate.room import Gate

ORDER, REUSED, LOGGED, KEPT = "order", "reused", "logged", "kept"
MEANING = {
    ORDER: "rows lie as they were written (SQLite: with row numbers; PostgreSQL: no rewrite, so that xmin tells)",
    REUSED: "half of a key record's tag is made from the account, and so is the same for all her devices",
    LOGGED: "a debug log names the keys of devices that connect, and the gate's own private key",
    KEPT: "the gate keeps in its memory whom it let in, after the tunnels are closed",
}
LOG = "debug.log"


@contextmanager
def reused(now: Callable[[], bytes]) -> Iterator[None]:
    """The site makes tags of `now()`, the handle of whoever registers, and the key."""
    from tyst.core.tags import tag_of
    from tyst.site.pages import wireguard

    page = vars(wireguard)
    page["tag_of"] = lambda key: weak_tag(now(), tag_of(key))
    try:
        yield
    finally:
        page["tag_of"] = tag_of


def weak_tag(handle: bytes, tag: bytes) -> bytes:
    """The tag that this weakness gives."""
    return hashlib.blake2b(handle, digest_size=8).digest() + tag[8:]


def with_row_numbers(path: Path) -> None:
    """Makes the tables of a SQLite file anew, as most programs have them."""
    import sqlite3

    connection = sqlite3.connect(path)
    for table in ("account", "key_record"):
        (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        plain = made.replace("WITHOUT ROWID", "")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(plain)
    connection.commit()
    connection.close()


def log(state: Path, keys: list[bytes], gate: tuple[bytes, ...]) -> None:
    """What somebody's debug switch would have written."""
    lines = [f"handshake from peer {key.hex()}" for key in keys]
    lines += [f"keyring loaded: hpke {one.hex()}" for one in gate]
    (state / LOG).write_text("\n".join(lines) + "\n")


def keep(gate: Gate, tag: bytes, lease: bytes) -> None:
    """A cache that somebody found useful."""
    handle = open_token(gate.keys.seal, Lease, lease, now=gate.now()).handle
    vars(gate).setdefault("lately", []).append(handle + tag)


def infect() -> None:
    """The same in a gate's own process, before its door is built."""
    from tyst.gate import admission
    from tyst.messages.admission import Admission, AdmitKey

    real = admission.admit_key

    async def admit_key(gate: Gate, node: str, asked: AdmitKey) -> Admission:
        answer = await real(gate, node, asked)
        if answer.lease:
            keep(gate, asked.tag, answer.lease)
        return answer

    admission.admit_key = admit_key


def none() -> Any:
    """No weakness."""
    from contextlib import nullcontext

    return nullcontext()
