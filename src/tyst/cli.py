"""The `tyst` command: finds the room's own command and hands over. Thin on purpose.

Each room has a `command.py` with `add_arguments(parser)` and `run(args) -> int`; it is imported only when it is asked
for, so that a node never loads Django and a site never loads a tunnel.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tyst.lab import record

ROOMS: dict[str, tuple[str, str]] = {
    "up": ("tyst.lab.up_command", "bring up a whole provider on an internet of its own, and stay in front"),
    "down": ("tyst.lab.down_command", "take everything away that `up` or a lab left"),
    "lab": ("tyst.lab.command", "the internet in network namespaces: enter a host, run the journey"),
    "proof": ("tyst.proof.command", "show that nothing was kept"),
    "voucher": ("tyst.fleet.voucher_command", "issue bearer vouchers"),
    "payments": ("tyst.payments.command", "set up payment processors, and try them"),
    "journal": ("tyst.payments.journal_command", "what the accountant needs of a month's sales"),
    "mail": ("tyst.mail.command", "set up how letters leave, and try it"),
    "newsletter": ("tyst.jobs.newsletter_command", "send a newsletter to those who want it"),
    "jobs": ("tyst.jobs.command", "do what a day brings: reminders, sweeps, tidying"),
    "disclose": ("tyst.fleet.disclose_command", "answer an authority about one named account, with two approvals"),
    "transparency": ("tyst.fleet.transparency_command", "counters, canary and months that anybody can check"),
    "backup": ("tyst.fleet.backup_command", "make a backup that only the operator opens, for 30 days"),
    "restore": ("tyst.fleet.restore_command", "put a backup back, without what was undone since"),
    "fleet": ("tyst.fleet.command", "the operator's hand: make a provider, add and revoke nodes"),
    "serve": ("tyst.site.command", "run the site"),
    "gate": ("tyst.gate.command", "run the gate, or its daily batch"),
    "node": ("tyst.node.command", "run a VPN node"),
}
OPERATORS = frozenset({"voucher", "fleet", "journal"})
STATE = Path("/var/lib/tyst")
STAFF = OPERATORS | {"payments", "mail", "newsletter", "disclose", "transparency", "backup", "restore"}
"""What operators do to a provider: counted by kind and month in the state folder, and nothing else about it is."""
LAUNCHER = str(Path(__file__).resolve().parents[2] / "tyst")
JOURNEY = ("tyst.proof.journey_command", "a person's way through the whole provider, with stock clients")
"""`tyst lab journey` needs the scanner too, so it lives on the proof's floor, above the lab."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in {"-h", "--help", "help"}:
        return _overview()
    if words[:2] == ["lab", "journey"]:
        return _run("lab journey", words[2:])
    if words[:2] == ["payments", "sweep"]:
        words = ["jobs", "once", "sweep", *words[2:]]  # what is found is granted, and has receipts
    if words[0] in OPERATORS and _means_the_lab(words):
        words = ["lab", "run", "--name", record.CURRENT, "control", "--", LAUNCHER, *words]
    if words[0] not in ROOMS:
        print(f"tyst: there is no command of that name; `./tyst --help` lists them ({len(ROOMS)}).", file=sys.stderr)
        return 2
    return _run(words[0], words[1:])


def _means_the_lab(words: Sequence[str]) -> bool:
    """Whether an operator's command is for the provider of `tyst up`: no state folder is named, and none is here."""
    return "--state" not in words and not STATE.exists() and record.locked(record.CURRENT)


def _count(state: Path, name: str) -> None:
    from tyst.records import staff

    staff.count(state, name, datetime.now(UTC))


def _overview() -> int:
    print("usage: ./tyst COMMAND …\n")
    for name, (_, meaning) in ROOMS.items():
        print(f"  {name:<14}{meaning}")
    print("\n`./tyst COMMAND --help` says more.")
    return 0


def _run(name: str, words: Sequence[str]) -> int:
    module, meaning = JOURNEY if name == "lab journey" else ROOMS[name]
    try:
        command = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "tyst":
            raise
        print(f"tyst {name}: the Python package {error.name} is missing; run tools/setup.sh --dev.", file=sys.stderr)
        return 1
    parser = argparse.ArgumentParser(prog=f"tyst {name}", description=meaning.capitalize() + ".")
    command.add_arguments(parser)
    try:
        args = parser.parse_args(words)
        code = int(command.run(args))
        if code == 0 and name in STAFF and hasattr(args, "state"):
            _count(args.state, name)
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
