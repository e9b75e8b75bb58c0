"""`./tyst gate`: runs the gate, or asks the running one for its daily batch now (`./tyst gate batch`)."""

import argparse
import ctypes
import resource
import sys
from datetime import time
from pathlib import Path

from tyst.core.events import Room
from tyst.core.keyring import KeyringError
from tyst.gate import operator, wiring
from tyst.messages.devices import BatchDone, RunBatch
from tyst.quiet import process
from tyst.records import doors
from tyst.records.statements import RecordsError

STATE = Path("/var/lib/tyst")
_PR_SET_DUMPABLE = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    parser.add_argument("action", nargs="?", choices=("run", "batch"), default="run", help="run (default) or batch")
    parser.add_argument("--state", type=Path, default=STATE, help=f"state folder (default {STATE})")
    parser.add_argument(
        "--listen", type=_address, default=("", 8443), metavar="ADDR:PORT", help="where nodes knock (default :8443)"
    )
    parser.add_argument(
        "--batch-at", type=_time_of_day, default=time(4), metavar="HH:MM", help="the daily batch, UTC (default 04:00)"
    )
    parser.add_argument(
        "--site-address",
        action="append",
        default=[],
        metavar="ADDR",
        help="an address of the site, for the walled garden (default: what the site's name resolves to); repeatable",
    )
    process.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the gate or the batch; 1 with a sentence when the state folder is not usable."""
    try:
        if args.action == "batch":
            return _ask_for_batch(args.state, args.listen)
        host, port = args.listen
        _keep_memory_in()
        doors.hold(args.state)
        with process.running(Room.GATE, args):
            wiring.serve(wiring.Options(args.state, host, port, args.batch_at, tuple(args.site_address)))
    except (*process.QuietError, wiring.StateError, RecordsError, KeyringError, operator.OperatorError) as error:
        print(f"tyst gate: {error}.", file=sys.stderr)
        return 1
    except FileNotFoundError:
        print("tyst gate: a file is missing in the state folder: run `./tyst fleet init` first.", file=sys.stderr)
        return 1
    return 0


def _keep_memory_in() -> None:
    """No core dump of this process, and no look into it for processes that aren't root (prctl(2))."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _ask_for_batch(state: Path, listen: tuple[str, int]) -> int:
    """Asks as the operator, on this host, over the door that everybody uses."""
    changed = operator.ask(state, listen, "/v1/batch", RunBatch(), BatchDone).changed
    print(f"The daily batch is done: {changed} rows changed.")
    return 0


def _address(text: str) -> tuple[str, int]:
    try:
        return wiring.listen_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a time of day looks like 04:00") from None
