"""The backup that `./tyst jobs` makes by itself, where the operator has named a folder: `STATE/backup.toml`.

`folder` is where a file a day goes; `shelf` is a second place for the few files that must not be in a backup (day keys,
order keys, the journal), written over every ten minutes whether or not anything happened; `passphrase_file` locks both
with a passphrase instead of the recovery key. Without the file nothing is done.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tyst.core.archive import ArchiveError
from tyst.records.backup import keys, making
from tyst.records.errors import RecordsError
from tyst.records.where import Where

FILE = "backup.toml"
_WORDS = frozenset(("folder", "shelf", "passphrase_file"))


@dataclass(frozen=True)
class Settings:
    """What the operator has written down."""

    folder: Path | None = None
    shelf: Path | None = None
    passphrase_file: Path | None = None


def settings(state: Path) -> Settings:
    """The settings of this state folder. RecordsError when they can't be read."""
    try:
        table = tomllib.loads((state / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except ValueError:
        table = {"": ""}
    if not _WORDS.issuperset(table) or not all(isinstance(one, str) for one in table.values()):
        raise RecordsError(f'{FILE} has lines of the form folder = "…", shelf = "…", passphrase_file = "…"')
    return Settings(**{name: Path(one) for name, one in table.items()})


def backup(state: Path, where: Where, today: date) -> str:
    """Makes the day's backup; what was done. RecordsError, OSError."""
    wanted = settings(state)
    if wanted.folder is None:
        return "no folder is set"
    try:
        made = making.make(state, where, wanted.folder, keys.locker(state, wanted.passphrase_file), today)
    except ArchiveError as error:
        raise RecordsError(str(error)) from None
    return f"made, {made.removed} older ones removed"


def shelve(state: Path, today: date) -> str:
    """Writes the shelf; what was done. RecordsError, OSError."""
    wanted = settings(state)
    if wanted.shelf is None:
        return "no shelf is set"
    try:
        making.shelve(state, wanted.shelf, keys.locker(state, wanted.passphrase_file), today)
    except ArchiveError as error:
        raise RecordsError(str(error)) from None
    return "written"
