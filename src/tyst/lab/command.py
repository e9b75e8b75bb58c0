"""`tyst lab …`: a shell or a program on a host of a running lab, the list of labs, a bare lab or a shop in front.

Thin: what it does is in `lab.py`. The provider's own start-up (`tyst up`) and journey are built on the same calls.
"""

import argparse
import os
import signal
import sys

from tyst.lab import record
from tyst.lab.lab import Lab, LabError
from tyst.lab.shop import command as shop
from tyst.lab.topology import PLACES

_PROMPT = {"PS1": r"\u@\h:\w\$ "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the subcommands."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    enter = actions.add_parser("enter", help="open a shell on a host")
    run_one = actions.add_parser("run", help="run a program on a host: tyst lab run alice -- curl http://echo.test")
    for action in (enter, run_one):
        action.add_argument("host", metavar="HOST", help="alice, bob, se-sto, control, …")
        action.add_argument("--name", help="which lab (default: the one of 'tyst up', or the only one)")
        action.add_argument("--user", help="as whom (default: root)")
    run_one.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- PROGRAM", help="what to run, with its arguments"
    )
    actions.add_parser("list", help="say which labs are running, and their hosts")
    build = actions.add_parser("build", help="build a lab without a provider in it and keep it until Ctrl-C")
    build.add_argument("--name", default=None, help="its name (default: a random one)")
    shop.add_arguments(actions.add_parser("shop", help="open a shop at localhost to buy in, with every way to pay"))
    build.add_argument("--hosts", nargs="+", choices=sorted(PLACES), help="only these hosts and what they need")


def run(args: argparse.Namespace) -> int:
    """Does what the arguments say; returns the exit status."""
    actions = {"enter": _enter, "run": _run, "list": _list, "build": _build, "shop": shop.run}
    try:
        return actions[args.action](args)
    except (LabError, FileExistsError, KeyError, ValueError) as error:
        print(f"tyst lab: {error.args[0]}", file=sys.stderr)
        return 1


def _chosen(name: str | None) -> Lab:
    """The named lab; else that of `tyst up`; else the only one there is."""
    running = [known for known in record.names() if record.locked(known)]
    if name is None and record.CURRENT not in running and len(running) == 1:
        name = running[0]
    return Lab.attach(name or record.CURRENT)


def _in_host(args: argparse.Namespace, argv: list[str]) -> int:
    """Runs a program with this terminal as its own; Ctrl-C is the program's business."""
    with _chosen(args.name) as lab:
        host = lab[args.host]
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            child = host.popen(argv, env=_PROMPT, user=args.user, stdin=None, stdout=None, stderr=None, session=False)
            status = child.wait()
        except FileNotFoundError:
            print(f"tyst lab: no program {argv[0]} on {args.host}", file=sys.stderr)
            return 127
        finally:
            signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


def _enter(args: argparse.Namespace) -> int:
    shell = os.environ.get("TYST_LAB_SHELL", "/bin/bash")
    return _in_host(args, [shell, "--norc", "-i"] if shell.endswith("bash") else [shell])


def _run(args: argparse.Namespace) -> int:
    argv = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not argv:
        raise ValueError("run needs a program: tyst lab run alice -- curl http://echo.test")
    return _in_host(args, argv)


def _list(_: argparse.Namespace) -> int:
    for name in record.names():
        value = record.read(name) if record.locked(name) else None
        if value is not None:
            print(f"{name}: {' '.join(value['hosts'])}")
    return 0


def _build(args: argparse.Namespace) -> int:
    with Lab.build(args.name, args.hosts) as lab:
        print(f"{lab.name}: {' '.join(lab.hosts)}", flush=True)
        print(f"Enter a host with: ./tyst lab enter alice --name {lab.name}    End with Ctrl-C.", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()
    return 0
