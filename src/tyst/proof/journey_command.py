"""`tyst lab journey`: a person's way through the whole provider, with stock clients, each step shown as it happens."""

import argparse
import os
import sys
import time
from collections.abc import Callable

from tyst.journey import begin, features, limits
from tyst.journey.cast import Cast
from tyst.journey.report import Report
from tyst.lab.bringup import Provider
from tyst.lab.lab import Lab
from tyst.proof import marked, nothing

Step = tuple[str, Callable[[], str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tyst lab journey` takes."""
    parser.add_argument("--all", action="store_true", help="then show every feature, over WireGuard and OpenVPN")
    parser.add_argument("--features", action="store_true", help="show every feature, without the plain journey")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")


def run(args: argparse.Namespace) -> int:
    """Builds a lab of its own, walks the journey, takes the lab away; 0 when every step passed."""
    if os.geteuid() != 0:
        print("tyst lab journey: root is needed: it makes network namespaces.", file=sys.stderr)
        return 1
    report = Report(tell=(lambda _: None) if args.json else lambda line: print(f"  {line}", flush=True))
    if not args.features:
        walk(report)
    if args.all or args.features:
        walk(report, features.steps)
    if args.json:
        print(report.to_json())
    else:
        passed = sum(step.passed for step in report.steps)
        print(f"\n  {passed} of {len(report.steps)} steps passed")
        print("  " + ", ".join(f"{name} {value:g}" for name, value in report.figures.items()))
    return 0 if report.passed else 1


def walk(report: Report, of: Callable[[Cast], list[Step]] | None = None) -> Report:
    """All steps, the plain journey's by default, in a lab of its own."""
    with Lab.build() as lab:
        cast = Cast(lab, Provider.start(lab, tell=report.tell), report)
        try:
            for name, action in (of or steps)(cast):
                report.run(name, action)
        finally:
            cast.close_browsers()
    return report


def steps(cast: Cast) -> list[Step]:
    """All steps in order. The marked visit ends before the long waits, so that the scan comes late enough."""
    forgotten = begin.Forgotten(cast, "de-fra")
    visitor = _Visitor(cast)
    return [
        ("1 sign up, voucher, 21 fields", lambda: begin.sign_up(cast)),
        ("2 the browser makes the key", lambda: begin.make_key(cast)),
        ("3 wg-quick: address, DNS, no leak, devices 1", lambda: begin.connect(cast)),
        ("4 a key is unknown before: a thousand cold connects", lambda: begin.unknown_before(cast)),
        ("5 openvpn: by password, by VPN credential, devices 2", lambda: limits.openvpn(cast)),
        ("9 a marked visit comes and leaves", visitor.come_and_go(forgotten)),
        ("6 four devices, the fifth refused, a quiet slot yields", lambda: limits.fifth_device(cast)),
        ("4 a peer is gone within 185 s", forgotten.judge),
        ("9 nothing of the visit stayed", visitor.scan("185 s after close")),
        ("7 a node is killed: devices right within 90 s", lambda: limits.node_dies(cast)),
        ("7 the gate is killed: tunnels never notice", lambda: limits.gate_dies(cast)),
        ("8 expiry, re-key, deletion end tunnels within 30 s", lambda: limits.accounts_end(cast)),
        ("9 connect, use, disconnect write 0 bytes", lambda: nothing.zero_write(cast)),
        ("9 one planted byte is caught on each host", lambda: nothing.planted(cast)),
        ("9 nothing stayed after all of it", visitor.scan("at the end")),
    ]


class _Visitor:
    """The marked customer, across the steps that concern her."""

    def __init__(self, cast: Cast) -> None:
        self._cast, self._seed, self._left = cast, marked.draw(("charlie",)), 0.0

    def come_and_go(self, forgotten: begin.Forgotten) -> Callable[[], str]:
        """The visit; the peer whose end is watched starts now too."""

        def action() -> str:
            self._seed = marked.visit(self._cast, self._seed, "charlie")
            self._left = time.monotonic()
            forgotten.start()
            return f"{len(self._seed.marks)} marks went through both protocols; the account is deleted"

        return action

    def scan(self, phase: str) -> Callable[[], str]:
        """The residue scan, not before 185 s have passed."""

        def action() -> str:
            while time.monotonic() < self._left + marked.SETTLE:
                time.sleep(1)
            return nothing.residue(self._cast, self._seed, phase, time.monotonic() - self._left)

        return action
