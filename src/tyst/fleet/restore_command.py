"""`./tyst restore`: puts a backup back, with everything that was undone since its day, before any door opens."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from tyst.core.archive import ArchiveError
from tyst.core.keyring import KeyringError
from tyst.core.plan import CatalogueError
from tyst.records import doors
from tyst.records.errors import RecordsError
from tyst.records.undone import UndoneError
from tyst.records.where import Server, Where, written_down

STATE = Path("/var/lib/tyst")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    parser.add_argument("--from", dest="backup", type=Path, metavar="FILE", help="the backup")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the recovery key (default STATE/recovery.key)")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="the passphrase, if it was made with one")
    parser.add_argument("--shelf", type=Path, metavar="FILE", help="the shelf, where STATE was lost")
    parser.add_argument(
        "--undone", type=Path, action="append", default=[], metavar="FILE", help="another host's undone.journal"
    )
    parser.add_argument("--without-undone", action="store_true", help="the journal is lost: deleted accounts come back")
    parser.add_argument("--database", default="", help="postgresql://… for an empty state folder (default: SQLite)")
    parser.add_argument("--no-sweep", action="store_true", help="don't ask the payment processors afterwards")
    parser.add_argument("--finish", action="store_true", help="end a restore that was broken off")
    parser.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")


def run(args: argparse.Namespace) -> int:
    """Does it; 1 with a sentence when it can't be done: then everything is as it was."""
    if not (args.backup or args.finish):
        return _say("say what to restore: --from FILE")
    try:
        args.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with doors.alone(args.state):
            where = _where(args)
            code = _finish(args.state, where) if args.finish else _restore(args, where)
            return code or (0 if args.no_sweep else _sweep(args.state))
    except (ArchiveError, RecordsError, UndoneError, KeyringError) as error:
        return _say(str(error))
    except OSError as error:
        return _say(error.strerror or "this can not be done")


def _where(args: argparse.Namespace) -> Where:
    return Server(args.database) if args.database else written_down(args.state)


def _finish(state: Path, where: Where) -> int:
    from tyst.records.backup import restoring

    if restoring.finish(state, where):
        print("The restore is finished: the backup's records are in place.")
        return 0
    return _say("nothing was left to finish: the records are as they were before")


def _restore(args: argparse.Namespace, where: Where) -> int:
    from tyst.records.migrate import configure

    configure(where)
    from tyst.records.backup import keys, restoring

    opener = keys.opener(args.state, args.key, args.passphrase_file)
    plan = restoring.Plan(args.state, where, args.backup, opener, args.shelf, args.undone, args.without_undone)
    done = restoring.restore(plan, datetime.now(UTC))
    print(f"Restored. Done again since the backup: {done.sentence()}.")
    if done.lost:
        print(
            f"{done.lost} accounts with paid time were made after the backup and are lost: give their money back at "
            "the processors, or issue vouchers (docs/operate/backup.md)."
        )
    if args.without_undone:
        print("Without the journal: accounts deleted and devices cut off since the backup may be back.")
    return 0


def _sweep(state: Path) -> int:
    """Asks the processors for what was paid meanwhile. One that is away is asked by `./tyst jobs` every ten minutes."""
    from tyst.jobs import wiring, work

    if not (state / "site.keys").exists():
        print("No processor was asked: the site's keys are not on this host.")
        return 0
    try:
        well, what = work.do("sweep", wiring.parts(state))
    except (ValueError, RecordsError, CatalogueError):  # a settings file that can't be read
        well, what = False, ""
    print(f"Processors asked: {what}." if well else "Processors could not be asked; `./tyst jobs` will.")
    print("Everybody has to sign in again. Start the gate, the site and the jobs.")
    return 0


def _say(sentence: str) -> int:
    print(f"tyst restore: {sentence}.", file=sys.stderr)
    return 1
