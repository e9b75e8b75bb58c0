"""`tyst down`: takes the provider of `tyst up` away, and whatever was left by labs whose builder was killed."""

import argparse

from tyst.lab import record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tyst down` takes."""
    parser.add_argument("--all", action="store_true", help="also labs that a running test or journey is using")


def run(args: argparse.Namespace) -> int:
    """Ends the lab of `tyst up` and clears away the remains of killed ones; says how many."""
    wanted = record.names() if args.all else [name for name in record.names() if name == record.CURRENT]
    ended = [name for name in wanted if record.end(name)]
    count = len(ended) + len(record.sweep())
    print(f"  taken away: {count}" if count else "  nothing was up")
    return 0
