"""Where the records are: a SQLite file in the state folder, or a PostgreSQL server's database, as the operator chose.

`STATE/database.toml` with the line `url = "postgresql://…"` means PostgreSQL; without that file it is SQLite. All rooms
on all hosts read the same choice here. No Django and no connection: `engine.py` (the site's hand), `statements.py` (the
gate's) and `migrate.py` open what this names.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tyst.records.errors import RecordsError

FILE = "database.toml"
SQLITE = "records.sqlite3"
SCHEMES = ("postgresql://", "postgres://")
STAGE = "restoring"
"""The folder in the state folder in which a restore is prepared; gone when it is finished."""


class WhereError(RecordsError):
    """The choice can't be read. Says what to mend, without the address: that may hold a password."""


@dataclass(frozen=True)
class Server:
    """A database of a PostgreSQL server. `url`: libpq's URI (its manual, 34.1.1.2); may hold a password."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(SCHEMES):
            raise WhereError("a database's address begins with postgresql:// (docs/operate/postgresql.md)")


Where = Path | Server


def named(text: str) -> Where:
    """A place from a command's word: an address of PostgreSQL, or a file's path."""
    return Server(text) if text.startswith(SCHEMES) else Path(text)


def word(where: Where) -> str:
    """The counterpart of `named`."""
    return where.url if isinstance(where, Server) else str(where)


def refuse_unfinished(state: Path) -> None:
    """WhereError while a restore is unfinished: what is there now may be neither the old nor the new."""
    if (state / STAGE).exists():
        raise WhereError("a restore of these records was not finished: `./tyst restore --finish` does that")


def chosen(state: Path) -> Where:
    """Where the provider of this state folder keeps its records. WhereError, also while a restore is unfinished."""
    refuse_unfinished(state)
    return written_down(state)


def written_down(state: Path) -> Where:
    """The choice as it is written down, for whoever restores. WhereError."""
    try:
        table = tomllib.loads((state / FILE).read_text())
    except FileNotFoundError:
        return state / SQLITE
    except ValueError:
        raise WhereError(
            f'{FILE} in the state folder can\'t be read: it has one line, url = "postgresql://…"'
        ) from None
    if set(table) != {"url"} or not isinstance(table["url"], str):
        raise WhereError(f'{FILE} in the state folder has one line, url = "postgresql://…"')
    return Server(table["url"])


def as_toml(server: Server) -> str:
    """What `database.toml` says for this server. A file for its owner's eyes only."""
    escaped = server.url.replace("\\", "\\\\").replace('"', '\\"')
    return f'url = "{escaped}"\n'
