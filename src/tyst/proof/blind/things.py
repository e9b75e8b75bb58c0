"""What attackers get and what they are asked: dumps, rows as they lie, and pairs of things that may belong together.

A `Thing` is an account, a key record or an address as it is known to whoever holds the dumps and asks: the byte strings
by which it can be recognised (`faces`). Nothing here knows the truth; that is `match.Question`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Values = Mapping[str, bytes]


@dataclass(frozen=True)
class Row:
    """One row. `place`: where it lies (PostgreSQL: block and line; SQLite: rowid, or nothing), `written`: xmin."""

    values: Values = field(repr=False)
    place: tuple[int, ...] = ()
    written: int | None = None


@dataclass(frozen=True)
class Dumps:
    """Everything that the attackers hold. `texts`: files, backups and memories by name; `rows`: by table, in the order
    in which the database gives them; `public`: what everybody may know (the gate's public key, the site's address)."""

    texts: Mapping[str, bytes] = field(repr=False)
    rows: Mapping[str, Sequence[Row]] = field(repr=False)
    public: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True)
class Thing:
    """`table`: its table, or nothing for an address; `index`: its row there."""

    faces: tuple[bytes, ...] = field(repr=False)
    table: str = ""
    index: int = -1

    def row(self, dumps: Dumps) -> Row | None:
        """Its row."""
        return dumps.rows[self.table][self.index] if self.table else None
