"""Writes pairs of vouchers as fast as it can, through a door's own hand, and acknowledges each on a pipe.

Both vouchers of a pair are written in one transaction, the second's hash being the first one's SHA-256: one without the
other is a torn write, one that was acknowledged and isn't there is a lost one.
"""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.postgres import sql
from tyst.records.where import Where

HASH = 32
DOORS = ("gate", "site")


@dataclass
class Tally:
    """What came of it all."""

    ends: int = 0
    acknowledged: int = 0
    lost: int = 0
    torn: int = 0
    broken: int = 0
    """Databases that could not be read afterwards."""
    known: set[bytes] = field(default_factory=set, repr=False)

    def check(self, where: Where, fresh: bytes) -> None:
        """After an end: everything that was ever acknowledged is there, whole."""
        self.ends += 1
        self.known |= {fresh[at : at + HASH] for at in range(0, len(fresh) - HASH + 1, HASH)}
        self.acknowledged = len(self.known)
        try:
            rows = {bytes(row) for (row,) in sql(where, "SELECT hash FROM voucher")}
        except sqlite3.DatabaseError:
            self.broken += 1
            return
        seconds = set(map(second, rows))
        self.lost += len([one for one in self.known if one not in rows])
        self.torn += len([one for one in rows if second(one) not in rows and one not in seconds])


def second(first: bytes) -> bytes:
    return hashlib.sha256(first).digest()


def fork(where: Where, door: str, prepare: Callable[[], None] = lambda: None) -> tuple[int, int]:
    """A writer: its process id, and the pipe on which it acknowledges."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        with contextlib.suppress(BaseException):  # the server died: that is the end of this one, too
            prepare()
            _write(where, door, writes)
        os._exit(0)
    os.close(writes)
    return child, reads


def _write(where: Where, door: str, pipe: int) -> None:
    put = _by_gate(where) if door == "gate" else _by_site()
    while True:
        first = os.urandom(HASH)
        put(first)
        os.write(pipe, first)


def _by_gate(where: Where) -> Callable[[bytes], None]:
    from tyst.records.statements import open_records

    records = open_records(where)
    return lambda first: records.put_vouchers([first, second(first)], 30)


def _by_site() -> Callable[[bytes], None]:
    from django.db import transaction

    from tyst.records.models import Voucher

    def put(first: bytes) -> None:
        with transaction.atomic():
            for one in (first, second(first)):
                Voucher(hash=one, days=30).save(force_insert=True)

    return put
