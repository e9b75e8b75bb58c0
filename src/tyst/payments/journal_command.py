"""`./tyst journal export --month 2026-11`: the accountant's month, as a table and as pages to print.

Reads the journal and nothing else. Days of the running month that stand for few sales are merged at night (`jobs`), so
a month is exported when it is over; an earlier one says so. Counterpart: `accounts.py`, which writes the two files.
"""

import argparse
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from tyst.core.events import Room
from tyst.payments import seller
from tyst.payments.config import ConfigError
from tyst.quiet import fence
from tyst.records.errors import RecordsError
from tyst.records.statements import open_records
from tyst.records.where import WhereError, chosen

STATE = Path("/var/lib/tyst")
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    export = actions.add_parser("export", help="write journal-MONTH.csv and journal-MONTH.pdf")
    export.add_argument("--month", type=_month, required=True, metavar="YYYY-MM", help="which month")
    export.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="where to (default: here)")
    export.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


@fence.muted(Room.PAYMENTS)
def run(args: argparse.Namespace) -> int:
    """Writes both files and says their names; 1 with a sentence when it can't."""
    try:
        names = export(args.state, args.month, args.to)
    except (RecordsError, WhereError, ConfigError) as error:
        return _say(str(error))
    except OSError as error:
        return _say(f"{error.strerror or 'this can not be done'}: are --state and --to right?")
    if args.month >= datetime.now(UTC).strftime("%Y-%m"):
        print("tyst journal: this month is not over; export it again when it is.", file=sys.stderr)
    print("\n".join(map(str, names)))
    return 0


def export(state: Path, month: str, folder: Path) -> list[Path]:
    """The two files, readable by their owner alone."""
    where = chosen(state)
    open_records(where).close()  # says in our words when there are none
    from tyst.records.migrate import configure

    configure(where)
    from tyst.payments import accounts
    from tyst.records import bookkeeping

    rows = bookkeeping.rows_of(month)
    made = {"csv": accounts.table(rows).encode(), "pdf": accounts.pages(rows, month, seller.load(state))}
    return [_write(folder / f"journal-{month}.{kind}", content) for kind, content in made.items()]


def _write(path: Path, content: bytes) -> Path:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return path


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise argparse.ArgumentTypeError("a month is written as 2026-11")
    return text


def _say(sentence: str) -> int:
    print(f"tyst journal: {sentence}.", file=sys.stderr)
    return 1
