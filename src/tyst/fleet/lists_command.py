"""`./tyst fleet lists publish` and `show`: what the nodes' resolvers block, and what leaves by streaming addresses."""

import argparse
from pathlib import Path

from tyst.core.kinds import KINDS
from tyst.core.lists import Lists
from tyst.fleet import lists


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `lists`."""
    parser.add_argument(
        "what", choices=("publish", "show"), help="sign a new bundle, or say what is in the present one"
    )
    for kind in KINDS:
        parser.add_argument(
            f"--{kind}", action="append", default=[], type=Path, metavar="FILE",
            help="names, one a line, or a hosts file; repeatable",
        )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Publishes or shows. PublishError."""
    if args.what == "show":
        now = lists.current(args.state)
        print(shown(now) if now else "No lists yet: resolvers block nothing, and nothing is streaming.")
        return 0
    files = {kind: getattr(args, kind) for kind in KINDS if getattr(args, kind)}
    if not files:
        raise lists.PublishError("give a file for at least one list: a kind that is left out is empty from now on")
    done = lists.publish(args.state, files)
    for kind, count in done.passed.items():
        if count:
            print(f"{kind}: {count} lines held no name and were passed over")
    print(f"{shown(done.lists)}\nThe nodes have them within half a minute.")
    return 0


def shown(value: Lists) -> str:
    """One line: version and sizes."""
    return f"Version {value.version}: " + ", ".join(f"{len(value.of(kind))} {kind}" for kind in KINDS)
