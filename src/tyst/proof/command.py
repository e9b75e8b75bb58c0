"""`tyst proof [CHECK …]`: runs the checks of the proof and says what was planted, searched, found, and can't be shown.

The checks are modules, named in `CHECKS`; each gives a `check.Verdict`. A check that can't run has shown nothing: that
counts as failed, and the report names the kind of error alone. Exit code 0: every check that was asked for passed.
Counterpart: `page`, which makes the report for people.
"""

import argparse
import importlib
import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from tyst.proof import page
from tyst.proof.check import How, Verdict

CHECKS = {
    "residue": "tyst.proof.residue_check",
    "bytes": "tyst.proof.bytes_check",
    "worlds": "tyst.proof.worlds_check",
    "blind": "tyst.proof.blind_check",
    "erase": "tyst.proof.erase_check",
}
"""The proof's parts, in the order of the report."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tyst proof` takes."""
    names = ", ".join(CHECKS)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"which checks to run: {names}; none named: all")
    parser.add_argument("--whole", action="store_true", help="the long form, for the night; needs root for the lab")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page for people")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Runs the checks, shows and writes the report; 0 when all passed, 2 for a check that doesn't exist."""
    console = Console(stderr=True, highlight=False)
    unknown = sorted(set(args.checks) - set(CHECKS))
    if unknown:
        console.print(f"tyst proof: there is no check {escape(unknown[0])}; there are {', '.join(CHECKS)}")
        return 2
    out = console if args.json else Console(highlight=False)
    how = How(args.whole, lambda what: out.print(f"    {escape(what)} …", style="dim"))
    report = assemble(list(prove(args.checks or CHECKS, how, out)), whole=args.whole)
    _write(report, args)
    if args.json:
        print(json.dumps(report, indent=2))
    return 0 if report["passed"] else 1


def prove(names: Iterable[str], how: How, out: Console) -> Iterable[dict[str, Any]]:
    """Each check's result as the report has it, shown as it comes, in the report's order."""
    for name in (one for one in CHECKS if one in set(names)):
        module = importlib.import_module(CHECKS[name])
        out.print(f"  [bold]{name}[/bold]: {escape(module.MEANING)}")
        began = time.monotonic()
        verdict, broken = _run(module, name, how)
        result = {**verdict.as_dict(), "meaning": module.MEANING, "broken": broken}
        _show(verdict, broken, out)
        yield {**result, "seconds": round(time.monotonic() - began)}


def _run(module: Any, name: str, how: How) -> tuple[Verdict, str]:
    try:
        verdict: Verdict = module.run(how)
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing was shown; its text may hold what was planted
        return Verdict(name, (), (), (), (), ()), type(error).__name__
    return verdict, ""


def assemble(results: list[dict[str, Any]], *, whole: bool) -> dict[str, Any]:
    """The report: every check's result, and whether all passed."""
    return {
        "passed": bool(results) and all(one["passed"] for one in results),
        "form": "whole" if whole else "short",
        "day": datetime.now(UTC).date().isoformat(),
        "checks": results,
    }


def _show(verdict: Verdict, broken: str, out: Console) -> None:
    caught = sum(fault.caught for fault in verdict.faults)
    if broken:
        out.print(f"    [red]✗ could not run ({broken}): nothing is shown[/red]")
    elif verdict.passed:
        out.print(f"    [green]✓ nothing found; {caught} of {len(verdict.faults)} planted faults caught[/green]")
    else:
        out.print(f"    [red]✗ {caught} of {len(verdict.faults)} planted faults caught[/red]")
    for line in verdict.found:
        out.print(f"      found: {escape(line)}")
    for fault in verdict.faults:
        if not fault.caught:
            out.print(f"      not caught: {escape(fault.what)}")


def _write(report: dict[str, Any], args: argparse.Namespace) -> None:
    files: tuple[tuple[Path | None, Callable[[], str]], ...] = (
        (args.html, lambda: page.html(report)),
        (args.save, lambda: json.dumps(report, indent=2) + "\n"),
    )
    for path, text in files:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(), encoding="utf-8")
