"""`./tyst backup`: a copy of the records that only the operator opens, and only for 30 days."""

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from tyst.core.archive import ArchiveError
from tyst.records.backup import keys, making
from tyst.records.errors import RecordsError
from tyst.records.where import chosen

STATE = Path("/var/lib/tyst")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    parser.add_argument("--to", type=Path, metavar="FILE", help="the backup's file, or a folder for one file a day")
    parser.add_argument(
        "--shelf", type=Path, metavar="FILE", help="write the keys that die there, too (file or folder)"
    )
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="lock it with a passphrase instead")
    parser.add_argument("--records-only", action="store_true", help="without the state folder's keys and settings")
    parser.add_argument("--new-key", type=Path, metavar="FILE", help="make a recovery key; its private half goes here")
    parser.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


def run(args: argparse.Namespace) -> int:
    """Does it; 1 with a sentence when it can't be done."""
    if not (args.to or args.new_key or args.shelf):
        return _say("say where it goes: --to FILE")
    try:
        return _run(args, datetime.now(UTC).date())
    except (ArchiveError, RecordsError) as error:
        return _say(str(error))
    except FileExistsError:
        return _say("there is such a file already, and it may be the only copy of a key: name another")
    except OSError as error:
        return _say(error.strerror or "this can not be done")


def _run(args: argparse.Namespace, today: date) -> int:
    if args.new_key:
        keys.make_recovery_key(args.state, args.new_key)
        print(f"Backups are made for the new recovery key from now on. Keep {args.new_key} away from this machine.")
    if args.to:
        locker = keys.locker(args.state, args.passphrase_file)
        made = making.make(args.state, chosen(args.state), args.to, locker, today, files=not args.records_only)
        print(f"{made.path}: {made.bytes >> 20} MiB. It can be opened for 30 days; {made.removed} older ones removed.")
    if args.shelf:
        making.shelve(args.state, args.shelf, keys.locker(args.state, args.passphrase_file), today)
    elif args.to:
        print("The key of its day is in STATE/backup.keys alone: without a --shelf, whoever loses STATE loses it.")
    return 0


def _say(sentence: str) -> int:
    print(f"tyst backup: {sentence}.", file=sys.stderr)
    return 1
