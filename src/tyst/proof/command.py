"""`tyst proof`: drives a marked journey through a provider in a lab of its own, and looks for what stayed behind.

Exit code 0 means: every control that was planted was found, and nothing of the marked visit was.
"""

import argparse
import os
import sys
import time

from rich.console import Console

from tyst.journey.cast import Cast
from tyst.journey.report import Report as Journey
from tyst.lab.bringup import Provider
from tyst.lab.lab import Lab
from tyst.proof import marked, nothing
from tyst.proof.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tyst proof` takes."""
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document")


def run(args: argparse.Namespace) -> int:
    """Drives, waits, scans; 0 when the proof holds."""
    if os.geteuid() != 0:
        print("tyst proof: root is needed: it reads the memory of every process.", file=sys.stderr)
        return 1
    console = Console(stderr=args.json, highlight=False)
    with Lab.build() as lab:
        provider = Provider.start(lab, tell=lambda what: console.print(f"  {what} …"))
        report = prove(Cast(lab, provider, Journey()), console)
    if args.json:
        print(report.as_json())
    else:
        report.show(console)
    return 0 if report.passed else 1


def prove(cast: Cast, console: Console) -> Report:
    """The marked visit, the wait, and the scan."""
    console.print("  a marked customer signs up, connects by WireGuard and OpenVPN, deletes her account …")
    seed = marked.visit(cast, marked.draw(("bob",)), "bob")
    cast.close_browsers()
    _wait(console, marked.SETTLE)
    console.print("  control: planting marks on every surface of every room; then the scan …")
    return nothing.scan(cast, seed, f"{marked.SETTLE} s after disconnect", marked.SETTLE)


def _wait(console: Console, seconds: int) -> None:
    """Lets the time pass after which nothing may be left, and says so."""
    with console.status("waiting") as status:
        for left in range(seconds, 0, -1):
            status.update(f"{left} s until nothing may be left")
            time.sleep(1)
